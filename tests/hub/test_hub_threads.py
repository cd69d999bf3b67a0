"""A hub whose threads are busy, blocked or dead."""

from __future__ import annotations

import queue
import threading
from types import SimpleNamespace

import pytest

from telemetry_stream.hub import Client, End, Hub, Many
from telemetry_stream.hub import hub as hub_module
from tests.conftest import eventually
from tests.hub.clients import WAIT_SECONDS, hub_thread_blocked
from tests.hub.transport import numbered


def test_a_blocked_hub_is_not_responsive(hub: Hub) -> None:
    """A hub is responsive unless its thread hangs in the send of a client."""
    assert hub.is_responsive(WAIT_SECONDS)
    with hub_thread_blocked(hub):
        assert not hub.is_responsive(0.01)
    assert hub.is_responsive(WAIT_SECONDS)


def test_a_hub_with_many_waiting_frames_is_responsive(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that takes items from its inbox is responsive even if it does not reach the probe in time."""
    may_send = threading.Semaphore(0)

    def send(frame: bytes) -> int:
        assert may_send.acquire(timeout=WAIT_SECONDS)
        return len(frame)

    class Probe(threading.Event):
        """The time for it is over when the hub has taken one more frame."""

        def wait(self, timeout: float | None = None) -> bool:
            taken = hub._taken
            may_send.release()
            assert eventually(lambda: hub._taken > taken)
            return self.is_set()

    hub.register(Client(send))
    for n in range(10):
        hub.broadcast(numbered(n))
    assert eventually(lambda: hub._taken == 2)  # the client, and the first frame
    monkeypatch.setattr(
        hub_module, "threading", SimpleNamespace(**{**vars(threading), "Event": Probe})
    )
    assert hub.is_responsive(WAIT_SECONDS)
    assert hub._taken == 3  # the probe is behind the other frames
    may_send.release(10)


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
