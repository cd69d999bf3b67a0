"""The hub and clients in memory: who gets which frame in which order, who is in, and what is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telemetry_stream.hub import Client, End, Hub, write_pump
from telemetry_stream.hub.client import QUEUE_FRAMES
from telemetry_stream.hub.hub import INBOX_FRAMES
from tests.hub.clients import WAIT_SECONDS, Reader, Stuck, fan_out_all, hub_thread_busy
from tests.hub.wire import numbered


def test_everybody_gets_every_frame_in_order(hub: Hub) -> None:
    """Each registered client gets each frame, in the order of the broadcasts."""
    readers = [Reader() for _ in range(10)]
    for reader in readers:
        assert hub.register(reader)
    frames = [numbered(n) for n in range(91)]
    assert all(hub.broadcast(frame) for frame in frames)
    fan_out_all(hub)
    assert all(reader.frames == frames for reader in readers)


def test_joining_is_ordered_with_broadcasts(hub: Hub) -> None:
    """A client gets what was broadcast after it registered and nothing older, however far the hub is behind."""
    early, late = Reader(), Reader()
    with hub_thread_busy(hub):
        hub.register(early)
        hub.broadcast(b"<1>")
        hub.register(late)
        hub.broadcast(b"<2>")
    fan_out_all(hub)
    assert early.frames == [b"<1>", b"<2>"]
    assert late.frames == [b"<2>"]


def test_owed_meets_live_without_hole_or_double(hub: Hub) -> None:
    """What a client is owed comes first, and the broadcasts since it registered follow, all through its pump."""
    got: list[bytes] = []
    client = Client(lambda _: pytest.fail("overtook what was owed"))
    client.owe(iter([b"hello", b"history"]))
    hub.register(client)
    hub.broadcast(b"<1>")
    hub.broadcast(b"<2>")
    fan_out_all(hub)

    def send(data: bytes, deadline: float) -> None:
        got.append(data)
        if data == b"<2>":
            client.close(End.GONE)

    write_pump(client, send)
    assert got == [b"hello", b"history", b"<1>", b"<2>"]


@pytest.mark.parametrize("in_company", [False, True])
def test_left_before_it_joined(hub: Hub, in_company: bool) -> None:
    """A client that leaves before the hub's thread has come to let it in gets nothing, alone in its topic or not."""
    client, companion = Reader(), Reader()
    if in_company:
        hub.register(companion)
    with hub_thread_busy(hub):
        hub.register(client)
        hub.broadcast(b"<1>")
        hub.unregister(client)
    hub.broadcast(b"<2>")
    fan_out_all(hub)
    assert client.frames == []
    hub.unregister(companion)
    assert hub.clients() == ()
    assert hub.topics() == ()


def test_topics_are_apart(hub: Hub) -> None:
    """A frame goes to the clients of its topic only; a topic is known as long as it has a client."""
    one, other, third = Reader("cpu"), Reader("memory"), Reader("cpu")
    for client in (one, other, third):
        hub.register(client)
    assert set(hub.topics()) == {"cpu", "memory"}
    hub.broadcast(b"<1>", "cpu")
    hub.broadcast(b"<2>", "memory")
    assert hub.broadcast(b"<3>", "nobody's")
    fan_out_all(hub)
    assert one.frames == third.frames == [b"<1>"]
    assert other.frames == [b"<2>"]
    hub.unregister(one)
    hub.unregister(other)
    assert hub.topics() == ("cpu",)
    hub.unregister(third)
    assert hub.topics() == ()


def test_topic_comes_back(hub: Hub) -> None:
    """A topic whose last client left serves its next one."""
    first, second = Reader("cpu"), Reader("cpu")
    hub.register(first)
    fan_out_all(hub)
    hub.unregister(first)
    hub.register(second)
    hub.broadcast(b"<1>", "cpu")
    fan_out_all(hub)
    assert first.frames == []
    assert second.frames == [b"<1>"]


def test_full_inbox_refuses_and_counts(hub: Hub) -> None:
    """With the hub's thread held up, exactly the inbox's size is accepted; the rest is refused, never waited for."""
    reader = Reader()
    hub.register(reader)
    fan_out_all(hub)
    with hub_thread_busy(hub):
        frames = [numbered(n) for n in range(INBOX_FRAMES)]
        assert all(hub.broadcast(frame) for frame in frames)
        assert not hub.broadcast(b"one too many")
        assert not hub.broadcast(b"two too many")
        assert hub.stats().refused == 2
    reader.wait_for(frames[-1])
    assert reader.frames == frames
    assert hub.broadcast(b"room again")


def test_register_twice(hub: Hub) -> None:
    """A client that is in already would get every frame twice: refused, and it stays in once."""
    client = Reader()
    hub.register(client)
    with pytest.raises(ValueError, match="registered already"):
        hub.register(client)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    assert client.frames == [b"<1>"]
    assert client.end is None


def test_unregister_is_idempotent(hub: Hub) -> None:
    """Leaving twice counts once, and a client that was never in may leave too."""
    client = Reader()
    hub.register(client)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    client.close(End.SILENT)
    hub.unregister(client)
    counted = hub.stats()
    hub.unregister(client)
    hub.unregister(Reader())
    assert hub.stats() == counted
    assert counted.ended["silent"] == 1
    assert hub.clients() == ()


def test_departed_client_gets_nothing_more(hub: Hub) -> None:
    """After unregister the fan-out does not know the client, though it never ended."""
    client, other = Reader(), Reader()
    hub.register(client)
    hub.register(other)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    hub.unregister(client)
    hub.broadcast(b"<2>")
    other.wait_for(b"<2>")
    assert client.frames == [b"<1>"]


def test_stats_add_up_after_clients_depart(make_hub: Callable[..., Hub]) -> None:
    """Frames sent and dropped are counted for good, and each departure under the words of its end."""
    hub = make_hub(0.01)
    readers, stuck = [Reader(), Reader(), Reader()], Stuck()
    for client in (*readers, stuck):
        hub.register(client)
    for n in range(QUEUE_FRAMES + 4):
        hub.broadcast(numbered(n))
    for reader in readers:
        reader.wait_for(numbered(QUEUE_FRAMES + 3))
    stuck.wait_for_drops(4)
    for _ in range(5):
        assert stuck.take(0)
        stuck.done(1)
    before = hub.stats()
    assert (before.clients, before.registered) == (4, 4)
    assert (before.sent, before.dropped, before.refused) == (3 * (QUEUE_FRAMES + 4) + 5, 4, 0)
    assert before.ended == {}

    stuck.close(End.SLOW_CONSUMER)
    readers[0].close(End.GONE)
    readers[1].close(End.GONE)
    for client in (stuck, *readers):  # the third reader without a reason: it just went
        hub.unregister(client)
    after = hub.stats()
    assert (after.clients, after.registered) == (0, 4)
    assert (after.sent, after.dropped, after.refused) == (before.sent, before.dropped, 0)
    assert after.ended == {"too slow": 1, "gone": 3}


def test_dead_client_is_no_concern_of_others(hub: Hub) -> None:
    """A peer found dead in the middle of a fan-out ends alone; those before and after it get the frame."""

    def reset(frame: bytes) -> int:
        raise BrokenPipeError

    before, dead, after = Reader(), Client(reset), Reader()
    for client in (before, dead, after):
        hub.register(client)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    assert before.frames == after.frames == [b"<1>"]
    assert dead.end is End.GONE


def test_repr_shows_the_counts(hub: Hub) -> None:
    """The text of a hub says how many clients it has and what became of their frames."""
    assert repr(hub) == "<Hub clients=0 sent=0 dropped=0 refused=0>"
    reader = Reader()
    hub.register(reader)
    hub.broadcast(b"<1>")
    reader.wait_for(b"<1>")
    reader.drop()
    hub.close(timeout=WAIT_SECONDS)
    hub.broadcast(b"<2>")
    assert repr(hub) == "<Hub clients=1 sent=1 dropped=1 refused=1>"
