"""A hub whose threads are busy, blocked or dead."""

from __future__ import annotations

import queue
import threading

import pytest

from telemetry_stream.hub import Client, End, Hub, Many
from tests.hub.clients import WAIT_SECONDS, hub_thread_blocked
from tests.hub.transport import numbered


def test_a_blocked_hub_is_not_responsive(hub: Hub) -> None:
    """A hub is responsive unless its thread hangs in the send of a client."""
    assert hub.is_responsive(WAIT_SECONDS)
    with hub_thread_blocked(hub):
        assert not hub.is_responsive(0.01)
    assert hub.is_responsive(WAIT_SECONDS)


def test_a_hub_with_many_waiting_frames_is_responsive(hub: Hub) -> None:
    """A hub that takes items from its inbox is responsive even if it does not reach the probe in time."""
    hurry = threading.Event()

    def send(frame: bytes) -> int:
        hurry.wait(0.01)
        return len(frame)

    hub.register(Client(send))
    for n in range(1000):
        hub.broadcast(numbered(n))
    assert hub.is_responsive(0.5)  # the probe is behind 10 s of work
    hurry.set()


def test_a_crash_of_the_hub_thread_is_reported() -> None:
    """An unexpected error of a send ends ts-hub and is passed to on_crash. The hub can still be closed."""
    crashes: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def broken(frame: bytes) -> int:
        raise LookupError("broken")

    hub, client = Hub(on_crash=crashes.put), Client(broken)
    hub.start()
    hub.register(client)
    hub.broadcast(b"<1>")
    assert isinstance(crashes.get(timeout=WAIT_SECONDS), LookupError)
    hub.close(End.CRASHED, timeout=WAIT_SECONDS)
    assert client.end is End.CRASHED


@pytest.mark.parametrize("thread", ["ts-hub", "ts-grace"])
def test_on_crash_may_close_the_hub(thread: str) -> None:
    """The thread that crashed calls on_crash, which may close the hub although no thread can join itself."""
    closed_on: queue.SimpleQueue[str] = queue.SimpleQueue()

    class BrokenClient(Client):
        def offer(self, frame: bytes) -> bool:
            if thread == "ts-hub":
                raise LookupError("broken")
            return False

        def end_grace(self, frame: bytes | Many, *, last: bool) -> bool:
            raise LookupError("broken")

    def on_crash(error: BaseException) -> None:
        hub.close(End.CRASHED, timeout=WAIT_SECONDS)
        closed_on.put(threading.current_thread().name)

    hub, client = Hub(on_crash=on_crash), BrokenClient(len)
    hub.start()
    hub.register(client)
    hub.broadcast(b"<1>")
    assert closed_on.get(timeout=WAIT_SECONDS) == thread
    assert client.end is End.CRASHED
