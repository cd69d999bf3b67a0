"""The start of a hub: its threads run from start to close, and a start that fails can be cleaned up."""

from __future__ import annotations

import threading

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import End, Hub
from tests.hub.clients import WAIT_SECONDS, ReadingClient, hub_threads


def test_the_constructor_starts_no_thread() -> None:
    """Both threads run from start to close."""
    hub = Hub()
    assert hub_threads() == set()
    hub.start()
    assert hub_threads() == {"ts-hub", "ts-grace"}
    hub.close(timeout=WAIT_SECONDS)
    assert hub_threads() == set()


def test_frames_broadcast_before_start_are_sent_after_it() -> None:
    """A hub accepts clients and frames before start. The clients get these frames, in order, after start."""
    hub, client = Hub(), ReadingClient()
    assert hub.register(client)
    assert hub.broadcast(b"<1>")
    assert client.frames == []
    hub.start()
    assert hub.broadcast(b"<2>")
    client.wait_for(b"<2>")
    assert client.frames == [b"<1>", b"<2>"]
    hub.close(timeout=WAIT_SECONDS)


def test_close_before_start_ends_clients() -> None:
    """A hub that never started ends its clients and accepts neither frames nor clients after close."""
    hub, client, late = Hub(), ReadingClient(), ReadingClient()
    hub.register(client)
    hub.close(End.POLICY, timeout=WAIT_SECONDS)
    assert client.end is End.POLICY
    assert not hub.register(late)
    assert late.end is End.GOING_AWAY
    assert not hub.broadcast(b"<1>")
    assert hub_threads() == set()


def test_a_hub_that_is_not_started_is_not_responsive() -> None:
    """Without its thread, the hub takes nothing from its inbox."""
    hub = Hub()
    assert not hub.is_responsive(0.0)
    hub.close(timeout=WAIT_SECONDS)


@pytest.mark.parametrize("missing", ["ts-hub", "ts-grace"])
def test_a_start_that_fails_leaves_nothing_running_after_close(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """start raises ThreadUnavailableError, and close stops the other thread and ends the clients."""
    start = threading.Thread.start

    def fail_for_one(self: threading.Thread) -> None:
        if self.name == missing:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", fail_for_one)  # as at the limit of a container
    hub, client = Hub(), ReadingClient()
    hub.register(client)
    with pytest.raises(threads.ThreadUnavailableError):
        hub.start()
    hub.close(timeout=WAIT_SECONDS)
    assert hub_threads() == set()
    assert client.end is End.GOING_AWAY
    hub.close(timeout=WAIT_SECONDS)
