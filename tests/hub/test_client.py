"""A client that is open: the direct path, the queue, and what decides between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telemetry_stream.hub.client import Client, End, offer_all
from telemetry_stream.hub.frame_queue import FLUSH, QUEUE_FRAMES
from tests.hub.batches import FakeBatch
from tests.hub.clients import QueuedClient, fill
from tests.hub.transport import FakeTransport, numbered

Offer = Callable[[Client, bytes], bool]


@pytest.fixture(params=["alone", "together"])
def offer(request: pytest.FixtureRequest) -> Offer:
    """Offer a frame to one client, or to all clients at once."""
    if request.param == "alone":
        return Client.offer
    return lambda client, frame: not offer_all([client], frame, FakeBatch())


def test_an_idle_client_gets_frames_directly(offer: Offer) -> None:
    """If no frame waits, the offering thread sends the frame and queues nothing for the write pump."""
    transport = FakeTransport(room=100)
    client = Client(transport.try_send, sink=transport.try_send)
    assert offer(client, b"<1>")
    assert offer(client, b"<2>")
    assert transport.written == b"<1><2>"
    assert (client.sent, client.dropped) == (2, 0)
    assert client.queue.empty()


def test_a_frame_sent_in_part_wakes_the_pump(offer: Offer) -> None:
    """After a partial send the pump gets an item, and later frames are queued behind it even if the socket has room."""
    transport = FakeTransport(room=2)
    client = Client(transport.try_send, sink=transport.try_send)
    assert offer(client, b"<1>")
    transport.room = 100
    assert offer(client, b"<2>")
    assert transport.written == b"<1"
    assert list(client.queue.queue) == [FLUSH, b"<2>"]
    assert client.sent == 1


def test_a_frame_that_the_socket_does_not_take_is_queued(offer: Offer) -> None:
    """If the socket takes nothing (EAGAIN), the frame is queued, and counts as sent when the pump has written it."""
    client = QueuedClient()
    assert offer(client, b"<1>")
    assert client.waiting() == [b"<1>"]
    assert client.sent == 0
    assert client.take(0) == b"<1>"
    assert client.sent == 0
    client.done(1)
    assert client.sent == 1


def test_a_queued_frame_closes_the_direct_path(offer: Offer) -> None:
    """While a frame is queued, later frames are queued too, although the socket has room again."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send, sink=transport.try_send)
    offer(client, b"<1>")
    transport.room = 100
    offer(client, b"<2>")
    assert transport.written == b""
    assert list(client.queue.queue) == [b"<1>", b"<2>"]


def test_the_direct_path_opens_after_the_last_write(offer: Offer) -> None:
    """The direct path stays closed until the pump has written, and not only taken, every queued frame."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send, sink=transport.try_send)
    offer(client, b"<1>")
    offer(client, b"<2>")
    transport.room = 100
    for n in (1, 2):
        assert client.take(0) == numbered(n)
        offer(client, numbered(n + 2))
        client.done(1)
    assert transport.written == b""
    for n in (3, 4):
        assert client.take(0) == numbered(n)
        client.done(1)
    offer(client, b"<5>")
    assert transport.written == b"<5>"


def test_a_full_queue_takes_no_frame(offer: Offer) -> None:
    """A client with 16 queued frames does not take the next one, which is not counted as dropped yet."""
    client = QueuedClient()
    frames = fill(client)
    assert len(frames) == QUEUE_FRAMES == 16
    assert not offer(client, b"<16>")
    assert client.waiting() == frames
    assert (client.sent, client.dropped) == (0, 0)


def test_frames_queued_first_come_before_live_frames(offer: Offer) -> None:
    """The pump gets the frames of queue_first as one iterator, and live frames wait behind it."""
    transport = FakeTransport(room=100)
    client = Client(transport.try_send, sink=transport.try_send)
    client.queue_first(iter([b"hello", b"history"]))
    assert offer(client, b"<1>")
    first = client.take(0)
    assert first is not None
    assert not isinstance(first, bytes)
    assert list(first) == [b"hello", b"history"]
    client.done(2)
    assert client.take(0) == b"<1>"
    assert transport.written == b""
    assert client.sent == 2


def test_take_returns_none_if_nothing_is_queued() -> None:
    """The pump gets None after the timeout, and at once if the timeout is negative because a ping is overdue."""
    client = QueuedClient()
    assert client.take(0.001) is None
    assert client.take(-1.0) is None


def test_drop_counts_a_frame() -> None:
    """Each call counts one dropped frame and queues nothing."""
    client = QueuedClient()
    client.drop()
    client.drop()
    assert client.dropped == 2
    assert client.waiting() == []


def test_repr_shows_state_and_counts() -> None:
    """The text of a client contains its name, its state, and the numbers of waiting, sent and dropped frames."""
    client = Client(lambda _: 0, name="viewer-7")
    client.offer(b"<1>")
    client.drop()
    assert repr(client) == "<Client viewer-7 open waiting=1 sent=0 dropped=1>"
    client.close(End.SLOW_CONSUMER)
    assert repr(client) == "<Client viewer-7 too slow waiting=2 sent=0 dropped=1>"


def test_each_client_gets_what_its_own_sender_took() -> None:
    """Of clients that are offered a frame at once, one takes it, one a part, one nothing, and one is gone."""
    rooms = [FakeTransport(room) for room in (100, 2, 0)]
    clients = [Client(transport.try_send, sink=transport.try_send) for transport in rooms]

    def fail(frame: bytes) -> int:
        raise OSError

    clients.insert(2, Client(fail, sink=fail))
    full = QueuedClient()
    fill(full)
    batch = FakeBatch()
    assert offer_all([*clients, full], b"<1>", batch) == [full]
    assert batch.audiences == [4]
    assert [client.sent for client in clients] == [1, 1, 0, 0]
    assert [client.end for client in clients] == [None, None, End.GONE, None]
    assert [list(client.queue.queue) for client in clients] == [[], [FLUSH], [FLUSH], [b"<1>"]]


def test_clients_without_a_sink_are_offered_the_frame_alone() -> None:
    """A batch cannot send to them, and must not delay or hide what they do."""
    transport, lone = FakeTransport(room=100), FakeTransport(room=100)
    clients = [Client(transport.try_send, sink=transport.try_send), Client(lone.try_send)]
    batch = FakeBatch()
    assert offer_all(clients, b"<1>", batch) == []
    assert (transport.written, lone.written) == (b"<1>", b"<1>")
    assert [client.sent for client in clients] == [1, 1]
    assert batch.audiences == [1]
