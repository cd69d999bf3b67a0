"""The hub with clients in memory: which client gets which frames, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from telemetry_stream.hub import Client, End, Hub, Many, write_pump
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES
from telemetry_stream.hub.hub import BATCH_CLIENTS, INBOX_FRAMES
from tests.hub.batches import FakeBatch, Sink
from tests.hub.clients import (
    WAIT_SECONDS,
    QueuedClient,
    ReadingClient,
    hub_thread_blocked,
    wait_for_fan_out,
)
from tests.hub.transport import numbered


def test_each_client_gets_each_frame_in_order(hub: Hub) -> None:
    """Each registered client gets every frame in the order of the broadcasts."""
    clients = [ReadingClient() for _ in range(10)]
    assert all(hub.register(client) for client in clients)
    frames = [numbered(n) for n in range(91)]
    assert all(hub.broadcast(frame) for frame in frames)
    wait_for_fan_out(hub)
    assert all(client.frames == frames for client in clients)


def test_a_client_gets_the_frames_broadcast_after_it_registered(hub: Hub) -> None:
    """A client gets no frame from before its registration, even if the hub has not sent that frame yet."""
    early, late = ReadingClient(), ReadingClient()
    with hub_thread_blocked(hub):
        hub.register(early)
        hub.broadcast(b"<1>")
        hub.register(late)
        hub.broadcast(b"<2>")
    wait_for_fan_out(hub)
    assert early.frames == [b"<1>", b"<2>"]
    assert late.frames == [b"<2>"]


def test_frames_queued_first_meet_live_frames_without_a_gap(hub: Hub) -> None:
    """The frames of queue_first come first, and all broadcasts since the registration follow through the pump."""
    client = QueuedClient()
    client.queue_first(iter([b"hello", b"history"]))
    hub.register(client)
    hub.broadcast(b"<1>")
    hub.broadcast(b"<2>")
    wait_for_fan_out(hub)
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        if data == b"<2>":
            client.close(End.GONE)

    write_pump(client, send)
    assert sent == [b"hello", b"history", b"<1>", b"<2>"]


@pytest.mark.parametrize("others", [0, 1])
def test_a_client_unregistered_before_the_hub_adds_it(hub: Hub, others: int) -> None:
    """A client that is unregistered while the hub is busy gets nothing, whether its topic has other clients or not."""
    client, other = ReadingClient(), ReadingClient()
    if others:
        hub.register(other)
    with hub_thread_blocked(hub):
        hub.register(client)
        hub.broadcast(b"<1>")
        hub.unregister(client)
    hub.broadcast(b"<2>")
    wait_for_fan_out(hub)
    assert client.frames == []
    assert other.frames == [b"<1>", b"<2>"][: 2 * others]
    hub.unregister(other)
    assert hub.clients() == ()
    assert hub.topics() == ()


def test_a_frame_goes_to_the_clients_of_its_topic(hub: Hub) -> None:
    """Clients of other topics do not get the frame, and a topic exists as long as it has a client."""
    cpu, memory, cpu_too = ReadingClient("cpu"), ReadingClient("memory"), ReadingClient("cpu")
    for client in (cpu, memory, cpu_too):
        hub.register(client)
    assert set(hub.topics()) == {"cpu", "memory"}
    hub.broadcast(b"<1>", "cpu")
    hub.broadcast(b"<2>", "memory")
    assert hub.broadcast(b"<3>", "disk")  # a topic without clients
    wait_for_fan_out(hub)
    assert cpu.frames == cpu_too.frames == [b"<1>"]
    assert memory.frames == [b"<2>"]
    hub.unregister(cpu)
    hub.unregister(memory)
    assert hub.topics() == ("cpu",)
    hub.unregister(cpu_too)
    assert hub.topics() == ()


class Grouped(NamedTuple):
    """A topic with a group."""

    group: str
    name: str


def test_the_topics_of_a_group_are_those_with_a_client(hub: Hub) -> None:
    """A topic without the attribute belongs to no group. A group exists as long as one of its topics."""
    web, web_too, shop = Grouped("web", "cpu"), Grouped("web", "memory"), Grouped("shop", "cpu")
    clients = [ReadingClient(topic) for topic in (web, web_too, web, shop, "plain")]
    for client in clients:
        hub.register(client)
    assert set(hub.topics_of("web")) == {web, web_too}
    assert hub.topics_of("shop") == (shop,)
    assert hub.topics_of(None) == ("plain",)
    hub.unregister(clients[0])
    assert set(hub.topics_of("web")) == {web, web_too}
    for client in clients[1:3]:
        hub.unregister(client)
    assert hub.topics_of("web") == ()
    for client in clients[3:]:
        hub.unregister(client)
    assert hub._groups == {}


def test_frames_for_several_topics_are_made_on_the_hub_s_thread(hub: Hub) -> None:
    """They count as one frame of the inbox, and the caller does no work for them."""
    cpu, memory = ReadingClient("cpu"), ReadingClient("memory")
    hub.register(cpu)
    hub.register(memory)
    made_on: set[str] = set()

    def frames() -> Iterator[tuple[str, bytes]]:
        for topic in ("cpu", "memory", "disk"):
            made_on.add(threading.current_thread().name)
            yield topic, topic.encode()

    assert hub.broadcast_each(frames())
    wait_for_fan_out(hub)
    assert (cpu.frames, memory.frames) == ([b"cpu"], [b"memory"])
    assert made_on == {"ts-hub"}
    with hub_thread_blocked(hub):
        assert all(hub.broadcast_each(frames()) for _ in range(INBOX_FRAMES))
        assert not hub.broadcast_each(frames())
        assert hub.stats().refused == 1


def test_many_frames_take_one_place_in_a_queue(hub: Hub) -> None:
    """They are made for each client when it can write them. One that is lagging loses all of them."""
    client, lagging = QueuedClient(), QueuedClient()
    for one in (client, lagging):
        hub.register(one)
    wait_for_fan_out(hub)
    for _ in range(QUEUE_FRAMES):
        assert lagging.offer(b"<0>")
    many = [numbered(n) for n in range(10 * QUEUE_FRAMES)]
    hub.broadcast_each(iter([(None, Many(len(many), lambda: iter(many)))]))
    hub.broadcast(b"<end>")
    wait_for_fan_out(hub)
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        if data == b"<end>":
            client.close(End.GONE)

    write_pump(client, send)
    assert sent == [*many, b"<end>"]
    assert client.dropped == 0
    lagging.wait_for_drops(len(many) + 1)  # and the end
    assert client.offer_many(Many(1, lambda: iter(many)))  # it has ended


@pytest.mark.usefixtures("endless_grace")
def test_one_batch_of_many_frames_waits_for_a_client(hub: Hub) -> None:
    """What its frames are made of stays in memory until then. The next one waits for its place, and others are lost."""
    client = QueuedClient()
    hub.register(client)
    batches = [Many(100, lambda: iter([b"many"])) for _ in range(3)]
    for batch in batches:
        hub.broadcast_each(iter([(None, batch)]))
    wait_for_fan_out(hub)
    assert client.waiting() == batches[:1]
    assert client.dropped == 100
    assert not isinstance(client.take(0), bytes)
    assert client.grace_ended.wait(WAIT_SECONDS)
    assert client.waiting() == batches[1:2]


def test_a_topic_can_get_clients_again(hub: Hub) -> None:
    """After the last client of a topic has left, a new client of that topic gets its frames."""
    first, second = ReadingClient("cpu"), ReadingClient("cpu")
    hub.register(first)
    wait_for_fan_out(hub)
    hub.unregister(first)
    hub.register(second)
    hub.broadcast(b"<1>", "cpu")
    wait_for_fan_out(hub)
    assert first.frames == []
    assert second.frames == [b"<1>"]


def test_a_full_inbox_refuses_frames(hub: Hub) -> None:
    """While the hub is blocked it accepts 4096 frames. It refuses and counts more frames, and never waits."""
    client = ReadingClient()
    hub.register(client)
    wait_for_fan_out(hub)
    with hub_thread_blocked(hub):
        frames = [numbered(n) for n in range(INBOX_FRAMES)]
        assert all(hub.broadcast(frame) for frame in frames)
        assert not hub.broadcast(b"<4096>")
        assert not hub.broadcast(b"<4097>")
        assert hub.stats().refused == 2
    client.wait_for(frames[-1])
    assert client.frames == frames
    assert hub.broadcast(b"<4098>")
    assert INBOX_FRAMES == 4096


def test_a_client_cannot_be_registered_twice(hub: Hub) -> None:
    """The second registration raises ValueError, and the client still gets each frame once."""
    client = ReadingClient()
    hub.register(client)
    with pytest.raises(ValueError, match="registered already"):
        hub.register(client)
    hub.broadcast(b"<1>")
    wait_for_fan_out(hub)
    assert client.frames == [b"<1>"]
    assert client.end is None


def test_an_unregistered_client_gets_no_more_frames(hub: Hub) -> None:
    """The fan-out skips an unregistered client even if it has not ended, and other clients still get frames."""
    client, other = ReadingClient(), ReadingClient()
    hub.register(client)
    hub.register(other)
    hub.broadcast(b"<1>")
    wait_for_fan_out(hub)
    hub.unregister(client)
    hub.broadcast(b"<2>")
    other.wait_for(b"<2>")
    assert client.frames == [b"<1>"]


def test_a_dead_client_does_not_stop_the_fan_out(hub: Hub) -> None:
    """A peer that is found dead during a fan-out ends, and the clients before and after it get the frame."""

    def reset(frame: bytes) -> int:
        raise BrokenPipeError

    before, dead, after = ReadingClient(), Client(reset), ReadingClient()
    for client in (before, dead, after):
        hub.register(client)
    hub.broadcast(b"<1>")
    wait_for_fan_out(hub)
    assert before.frames == after.frames == [b"<1>"]
    assert dead.end is End.GONE


@pytest.mark.parametrize(
    ("clients", "is_active", "audiences"),
    [(BATCH_CLIENTS - 1, True, []), (BATCH_CLIENTS, True, [BATCH_CLIENTS]), (100, False, [])],
)
def test_a_batch_is_used_for_large_audiences_while_it_works(
    clients: int, is_active: bool, audiences: list[int]
) -> None:
    """For fewer clients their own sends cost less. After the batch has failed, they are used for all."""
    batch = FakeBatch()
    hub = Hub(batch=batch)
    batch.is_active = is_active
    reading = [ReadingClient() for _ in range(clients)]
    for client in reading:
        hub.register(client)
    hub.start()
    hub.broadcast(b"<1>")
    wait_for_fan_out(hub)
    assert batch.audiences == audiences
    assert all(client.frames == [b"<1>"] for client in reading)
    assert hub.stats().is_batched is batch.works
    hub.close(timeout=WAIT_SECONDS)


def test_a_batch_that_fails_loses_no_frame() -> None:
    """Clients to which it sent nothing get the frame from their write pump, and later frames after it."""

    class FailingBatch(FakeBatch):
        def try_send_all(self, frame: bytes, sinks: Sequence[Sink]) -> list[int]:
            self.is_active = frame == b"<1>"
            sent = super().try_send_all(frame, sinks[: len(sinks) if self.is_active else 3])
            return sent + [0] * (len(sinks) - len(sent))

    hub = Hub(batch=FailingBatch())
    reading = [ReadingClient() for _ in range(BATCH_CLIENTS)]
    for client in reading:
        hub.register(client)
    hub.start()
    for frame in (b"<1>", b"<2>", b"<3>"):
        hub.broadcast(frame)
    wait_for_fan_out(hub)
    for client in reading[:3]:
        assert client.frames == [b"<1>", b"<2>", b"<3>"]
    for client in reading[3:]:
        assert client.frames == [b"<1>"]
        assert list(client.queue.queue) == [b"<2>", b"<3>"]
    hub.close(timeout=WAIT_SECONDS)
