"""The counts of a hub, of its present clients and of those that have left."""

from __future__ import annotations

from telemetry_stream.hub import End, Hub
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES
from tests.hub.clients import WAIT_SECONDS, QueuedClient, ReadingClient
from tests.hub.transport import numbered


def test_counts_remain_after_clients_left(hub: Hub) -> None:
    """Sent and dropped frames stay counted after clients left, and each client is counted under its end reason."""
    reading, stuck = [ReadingClient() for _ in range(3)], QueuedClient()
    for client in (*reading, stuck):
        hub.register(client)
    for n in range(QUEUE_FRAMES + 4):
        hub.broadcast(numbered(n))
    stuck.wait_for_drops(4)  # the last one comes after the last frame is offered to all clients
    for _ in range(5):
        assert stuck.take(0)
        stuck.done(1)
    before = hub.stats()
    assert (before.clients, before.registered) == (4, 4)
    assert (before.sent, before.dropped, before.refused) == (3 * (QUEUE_FRAMES + 4) + 5, 4, 0)
    assert before.ended == {}

    stuck.close(End.SLOW_CONSUMER)
    reading[0].close(End.SILENT)
    reading[1].close(End.GONE)
    for client in (stuck, *reading):
        hub.unregister(client)
    after = hub.stats()
    assert (after.clients, after.registered) == (0, 4)
    assert (after.sent, after.dropped, after.refused) == (before.sent, before.dropped, 0)
    # A client without a reason is gone.
    assert after.ended == {"too slow": 1, "silent": 1, "gone": 2}


def test_unregister_counts_a_client_once(hub: Hub) -> None:
    """A second unregister changes no count, and neither does a client that was never registered."""
    client = ReadingClient()
    hub.register(client)
    hub.broadcast(b"<1>")
    client.wait_for(b"<1>")
    client.close(End.SILENT)
    hub.close(timeout=WAIT_SECONDS)  # after this the counts are final
    hub.unregister(client)
    counted = hub.stats()
    hub.unregister(client)
    hub.unregister(ReadingClient())
    assert hub.stats() == counted
    assert (counted.clients, counted.registered, counted.sent) == (0, 1, 1)
    assert counted.ended == {"silent": 1}


def test_repr_shows_the_counts(hub: Hub) -> None:
    """The text of a hub contains the numbers of its clients and of sent, dropped and refused frames."""
    assert repr(hub) == "<Hub clients=0 sent=0 dropped=0 refused=0>"
    client = ReadingClient()
    hub.register(client)
    hub.broadcast(b"<1>")
    client.drop()
    hub.close(timeout=WAIT_SECONDS)
    hub.broadcast(b"<2>")
    assert repr(hub) == "<Hub clients=1 sent=1 dropped=1 refused=1>"
