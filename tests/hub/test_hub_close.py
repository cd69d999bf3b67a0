"""The end of a hub: every client ends for the given reason, and nothing is accepted afterwards."""

from __future__ import annotations

import pytest

from telemetry_stream.hub import End, Hub
from tests.hub.clients import (
    WAIT_SECONDS,
    QueuedClient,
    ReadingClient,
    hub_thread_blocked,
    hub_threads,
    register_lagging,
)


@pytest.mark.usefixtures("endless_grace")
def test_close_ends_every_client_for_the_reason(hub: Hub) -> None:
    """Close sends accepted frames, stops both threads, and ends every open client, lagging ones included."""
    reading, stuck, silent = ReadingClient(), QueuedClient(), ReadingClient()
    register_lagging(hub, [stuck])
    hub.register(reading)
    hub.register(silent)
    silent.close(End.SILENT)
    hub.broadcast(b"last")
    hub.close(End.POLICY, timeout=WAIT_SECONDS)
    assert reading.frames == [b"last"]
    assert (reading.end, stuck.end, silent.end) == (End.POLICY, End.POLICY, End.SILENT)
    assert set(hub.clients()) == {reading, stuck, silent}  # until their owners unregister them
    assert hub_threads() == set()


@pytest.mark.usefixtures("endless_grace")
def test_close_counts_the_frame_of_a_lagging_client(hub: Hub) -> None:
    """The grace period of a lagging client ends before the client does, so its frame is counted as dropped."""
    stuck = QueuedClient()
    register_lagging(hub, [stuck])
    hub.close(timeout=WAIT_SECONDS)
    assert not stuck.in_grace
    assert stuck.dropped == 1


def test_a_second_close_changes_no_reason(hub: Hub) -> None:
    """A hub can be closed twice, and the clients keep the reason of the first close."""
    client = ReadingClient()
    hub.register(client)
    hub.close(timeout=WAIT_SECONDS)
    hub.close(End.CRASHED, timeout=WAIT_SECONDS)
    assert client.end is End.GOING_AWAY


def test_close_does_not_wait_longer_than_its_timeout(hub: Hub) -> None:
    """If the hub's thread is blocked, close still ends the clients after its timeout."""
    client = ReadingClient()
    hub.register(client)
    with hub_thread_blocked(hub):
        hub.close(timeout=0.01)
        assert client.end is End.GOING_AWAY


def test_a_closed_hub_accepts_nothing(hub: Hub) -> None:
    """A closed hub refuses and counts frames, and ends a client that registers."""
    hub.close(timeout=WAIT_SECONDS)
    late = ReadingClient()
    assert not hub.register(late)
    assert late.end is End.GOING_AWAY
    assert not hub.broadcast(b"late")
    stats = hub.stats()
    assert (stats.clients, stats.registered, stats.refused) == (0, 0, 1)
    hub.unregister(late)
