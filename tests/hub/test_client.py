"""A client that is open: the direct path, the queue, and what decides between them."""

from __future__ import annotations

from telemetry_stream.hub.client import FLUSH, QUEUE_FRAMES, Client, End
from tests.hub.clients import QueuedClient, fill
from tests.hub.transport import FakeTransport, numbered


def test_an_idle_client_gets_frames_directly() -> None:
    """If no frame waits, the offering thread sends the frame and queues nothing for the write pump."""
    transport = FakeTransport(room=100)
    client = Client(transport.try_send)
    assert client.offer(b"<1>")
    assert client.offer(b"<2>")
    assert transport.written == b"<1><2>"
    assert (client.sent, client.dropped) == (2, 0)
    assert client.queue.empty()


def test_a_frame_sent_in_part_wakes_the_pump() -> None:
    """After a partial send the pump gets an item, and later frames are queued behind it even if the socket has room."""
    transport = FakeTransport(room=2)
    client = Client(transport.try_send)
    assert client.offer(b"<1>")
    transport.room = 100
    assert client.offer(b"<2>")
    assert transport.written == b"<1"
    assert list(client.queue.queue) == [FLUSH, b"<2>"]
    assert client.sent == 1


def test_a_frame_that_the_socket_does_not_take_is_queued() -> None:
    """If the socket takes nothing (EAGAIN), the frame is queued, and counts as sent when the pump has written it."""
    client = QueuedClient()
    assert client.offer(b"<1>")
    assert client.waiting() == [b"<1>"]
    assert client.sent == 0
    assert client.take(0) == b"<1>"
    assert client.sent == 0
    client.done(1)
    assert client.sent == 1


def test_a_queued_frame_closes_the_direct_path() -> None:
    """While a frame is queued, later frames are queued too, although the socket has room again."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send)
    client.offer(b"<1>")
    transport.room = 100
    client.offer(b"<2>")
    assert transport.written == b""
    assert list(client.queue.queue) == [b"<1>", b"<2>"]


def test_the_direct_path_opens_after_the_last_write() -> None:
    """The direct path stays closed until the pump has written, and not only taken, every queued frame."""
    transport = FakeTransport(room=0)
    client = Client(transport.try_send)
    client.offer(b"<1>")
    client.offer(b"<2>")
    transport.room = 100
    for n in (1, 2):
        assert client.take(0) == numbered(n)
        client.offer(numbered(n + 2))
        client.done(1)
    assert transport.written == b""
    for n in (3, 4):
        assert client.take(0) == numbered(n)
        client.done(1)
    client.offer(b"<5>")
    assert transport.written == b"<5>"


def test_a_full_queue_takes_no_frame() -> None:
    """A client with 16 queued frames does not take the next one, which is not counted as dropped yet."""
    client = QueuedClient()
    frames = fill(client)
    assert len(frames) == QUEUE_FRAMES == 16
    assert not client.offer(b"<16>")
    assert client.waiting() == frames
    assert (client.sent, client.dropped) == (0, 0)


def test_frames_queued_first_come_before_live_frames() -> None:
    """The pump gets the frames of queue_first as one iterator, and live frames wait behind it."""
    transport = FakeTransport(room=100)
    client = Client(transport.try_send)
    client.queue_first(iter([b"hello", b"history"]))
    assert client.offer(b"<1>")
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
