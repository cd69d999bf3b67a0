"""A hub that is closed: everybody is ended with the reason, and nothing comes in any more."""

from __future__ import annotations

import threading

from telemetry_stream.hub import End, Hub
from tests.hub.clients import WAIT_SECONDS, Reader, Stuck, hub_thread_busy, stick


def test_close_ends_all_with_the_reason(hub: Hub) -> None:
    """Closing fans out what was accepted, ends every client for the reason given, full ones too, and stops."""
    reader, stuck, gone = Reader(), Stuck(), Reader()
    stick(hub, [stuck])
    hub.register(reader)
    hub.register(gone)
    gone.close(End.SILENT)
    hub.broadcast(b"last")
    hub.close(End.POLICY, timeout=WAIT_SECONDS)
    assert reader.frames == [b"last"]
    assert (reader.end, stuck.end, gone.end) == (End.POLICY, End.POLICY, End.SILENT)
    assert set(hub.clients()) == {reader, stuck, gone}  # until their owners have let them go
    assert not {"ts-hub", "ts-grace"} & {thread.name for thread in threading.enumerate()}


def test_close_is_idempotent(hub: Hub) -> None:
    """A second close changes no reason and does not wait for anything."""
    client = Reader()
    hub.register(client)
    hub.close(timeout=WAIT_SECONDS)
    hub.close(End.CRASHED, timeout=WAIT_SECONDS)
    assert client.end is End.GOING_AWAY


def test_close_with_the_hub_thread_held_up(hub: Hub) -> None:
    """A hub whose thread does not come back is closed all the same once the timeout is over."""
    client = Reader()
    hub.register(client)
    with hub_thread_busy(hub):
        hub.close(timeout=0.01)
        assert client.end is End.GOING_AWAY


def test_after_close_nothing_comes_in(hub: Hub) -> None:
    """A closed hub refuses frames and counts them, and a client that comes late is ended at once."""
    hub.close(timeout=WAIT_SECONDS)
    late = Reader()
    assert not hub.register(late)
    assert late.end is End.GOING_AWAY
    assert not hub.broadcast(b"late")
    stats = hub.stats()
    assert (stats.clients, stats.registered, stats.refused) == (0, 0, 1)
    hub.unregister(late)
