"""A hub whose threads are held up or crash, and who is told of it."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.hub import Client, End, Hub
from tests.conftest import eventually
from tests.hub.clients import WAIT_SECONDS, hub_thread_busy


def test_moves_tells_a_busy_hub_from_a_stuck_one(hub: Hub) -> None:
    """A hub that is held up in a client does not move; one that goes on, though not as far as the probe, does."""
    assert hub.moves(WAIT_SECONDS)
    let_go = threading.Event()

    def hold(frame: bytes) -> int:
        assert let_go.wait(WAIT_SECONDS)
        return len(frame)

    second = Client(hold, topic="second")
    hub.register(second)
    with ThreadPoolExecutor() as pool:
        with hub_thread_busy(hub):
            assert not hub.moves(0.01)
            hub.broadcast(b"held again", "second")
            asked = pool.submit(hub.moves, 0.5)
            assert eventually(lambda: hub._inbox.qsize() == 3)  # two probes and the frame
        assert asked.result(WAIT_SECONDS)
        assert not hub.moves(0.01)
        let_go.set()
    assert hub.moves(WAIT_SECONDS)


def test_crash_of_the_hub_thread_is_told() -> None:
    """A send that raises what no send may raise ends ts-hub, and whoever answers for the whole is told which error."""
    told: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    hub = Hub(on_crash=told.put)

    def broken(frame: bytes) -> int:
        raise LookupError("no such luck")

    client = Client(broken)
    hub.register(client)
    hub.broadcast(b"<1>")
    assert isinstance(told.get(timeout=WAIT_SECONDS), LookupError)
    hub.close(End.CRASHED, timeout=WAIT_SECONDS)
    assert client.end is End.CRASHED


@pytest.mark.parametrize("thread", ["ts-hub", "ts-grace"])
def test_close_from_the_crash_itself(thread: str) -> None:
    """Whoever is told of a crash, on the thread that crashed, may close the hub there and then."""
    closed_on: queue.SimpleQueue[str] = queue.SimpleQueue()

    class Broken(Client):
        def offer(self, frame: bytes) -> bool:
            if thread == "ts-hub":
                raise LookupError("no such luck")
            return False

        def end_grace(self, frame: bytes, *, last: bool) -> bool:
            raise LookupError("no such luck")

    def on_crash(error: BaseException) -> None:
        broken_hub.close(End.CRASHED, timeout=WAIT_SECONDS)
        closed_on.put(threading.current_thread().name)

    broken_hub = Hub(on_crash=on_crash)
    client = Broken(len)
    broken_hub.register(client)
    broken_hub.broadcast(b"<1>")
    assert closed_on.get(timeout=WAIT_SECONDS) == thread
    assert client.end is End.CRASHED
