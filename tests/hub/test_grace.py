"""The grace by itself: clients with short queues, no hub, and the clock in the test's hand where time matters."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from telemetry_stream.hub import grace as grace_module
from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.grace import GRACE_SECONDS, Grace

WAIT_SECONDS = 10.0  # for an event that comes at once unless the code is broken
LONG_SECONDS = 600.0  # a grace that does not run out while the test runs


class Straggler(Client):
    """A client with a full queue of one, in its grace, that says when it has left it."""

    def __init__(self, grace: Grace) -> None:
        super().__init__(lambda _: 0, queue_frames=1)
        self.left_grace = threading.Event()
        assert self.offer(b"old")
        assert not self.offer(b"new")
        self.begin_grace(grace.room)

    def end_grace(self, frame: bytes, *, last: bool) -> bool:
        over = super().end_grace(frame, last=last)
        if over:
            self.left_grace.set()
        return over


class Clock:
    """Stands for the module ``time``: monotonic time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for ts-grace that stands still."""
    clock = Clock()
    monkeypatch.setattr(grace_module, "time", clock)
    return clock


@pytest.fixture
def make_grace() -> Iterator[Callable[[float], Grace]]:
    """Graces of any length, closed after the test."""
    made: list[Grace] = []

    def make(seconds: float) -> Grace:
        made.append(Grace(seconds))
        return made[-1]

    yield make
    for grace in made:
        grace.close(WAIT_SECONDS)


def come_round(grace: Grace) -> None:
    """Return once ts-grace has looked at its clock, and at all that was given to it before this call."""
    for _ in range(2):  # it looks at the clock between two turns
        fresh = Straggler(grace)
        fresh.take(0)
        grace.give(b"", [fresh])
        assert fresh.left_grace.wait(WAIT_SECONDS)


def test_is_a_tenth_of_a_second() -> None:
    """The grace that viewers get is the promised one."""
    assert GRACE_SECONDS == 0.1


def test_room_in_time_delivers_in_order(make_grace: Callable[[float], Grace]) -> None:
    """A straggler whose pump takes a frame within its grace gets the new one behind the old one."""
    grace = make_grace(LONG_SECONDS)
    client = Straggler(grace)
    grace.give(b"new", [client])
    assert client.take(0) == b"old"
    assert client.left_grace.wait(WAIT_SECONDS)
    assert client.take(0) == b"new"
    assert client.dropped == 0


def test_room_before_the_grace_looked(make_grace: Callable[[float], Grace]) -> None:
    """Room made between the straggler's begin and its arrival here is not missed."""
    grace = make_grace(LONG_SECONDS)
    client = Straggler(grace)
    assert client.take(0) == b"old"
    grace.give(b"new", [client])
    assert client.left_grace.wait(WAIT_SECONDS)
    assert client.take(0) == b"new"


def test_no_room_drops_once(make_grace: Callable[[float], Grace]) -> None:
    """A straggler that makes no room loses that one frame after the real time, and what waited stays."""
    grace = make_grace(0.02)
    client = Straggler(grace)
    given = time.monotonic()
    grace.give(b"new", [client])
    assert client.left_grace.wait(WAIT_SECONDS)
    assert time.monotonic() - given >= 0.02
    assert client.dropped == 1
    assert list(client.queue.queue) == [b"old"]


def test_stuck_client_may_straggle_again(make_grace: Callable[[float], Grace]) -> None:
    """After a lost frame the next one gets a grace of its own."""
    grace = make_grace(0.01)
    client = Straggler(grace)
    for count in (1, 2, 3):
        grace.give(b"new", [client])
        assert client.left_grace.wait(WAIT_SECONDS)
        assert client.dropped == count
        client.left_grace.clear()
        client.begin_grace(grace.room)


def test_recovered_client_leaves_at_once(make_grace: Callable[[float], Grace]) -> None:
    """One of a hundred makes room and is out of its grace, while the ninety-nine stuck ones go on waiting."""
    grace = make_grace(LONG_SECONDS)
    clients = [Straggler(grace) for _ in range(100)]
    grace.give(b"new", [*clients])
    recovered = clients.pop(57)
    assert recovered.take(0) == b"old"
    assert recovered.left_grace.wait(WAIT_SECONDS)
    assert recovered.take(0) == b"new"
    assert all(client.in_grace for client in clients)
    assert sum(client.dropped for client in clients) == 0


def test_hundred_stuck_clients_share_one_grace(
    clock: Clock, make_grace: Callable[[float], Grace]
) -> None:
    """All hundred are out at the very instant at which one alone would be, and not a moment before."""
    grace = make_grace(LONG_SECONDS)
    clients = [Straggler(grace) for _ in range(100)]
    grace.give(b"new", [*clients])
    clock.now += LONG_SECONDS - 0.001
    come_round(grace)
    assert all(client.in_grace for client in clients)
    clock.now += 0.001
    come_round(grace)
    assert not any(client.in_grace for client in clients)
    assert all(client.dropped == 1 for client in clients)


def test_each_frame_has_its_own_deadline(
    clock: Clock, make_grace: Callable[[float], Grace]
) -> None:
    """A straggler of a later frame waits its full time, although an earlier one's ran out meanwhile."""
    grace = make_grace(LONG_SECONDS)
    early, late = Straggler(grace), Straggler(grace)
    grace.give(b"new", [early])
    clock.now += LONG_SECONDS / 2
    grace.give(b"newer", [late])
    clock.now += LONG_SECONDS / 2
    come_round(grace)
    assert (early.in_grace, late.in_grace) == (False, True)
    clock.now += LONG_SECONDS / 2
    come_round(grace)
    assert not late.in_grace
    assert (early.dropped, late.dropped) == (1, 1)


def test_room_of_others_means_nothing(clock: Clock, make_grace: Callable[[float], Grace]) -> None:
    """Word of room from a client that waits for nothing, or has none after all, changes nothing."""
    grace = make_grace(LONG_SECONDS)
    client, stranger = Straggler(grace), Straggler(grace)
    grace.give(b"new", [client])
    grace.room(stranger)
    grace.room(client)
    come_round(grace)
    assert client.in_grace
    assert list(client.queue.queue) == [b"old"]


def test_ended_client_leaves_without_a_drop(make_grace: Callable[[float], Grace]) -> None:
    """A client that ends in its grace did not lose the frame to slowness."""
    grace = make_grace(0.02)
    client = Straggler(grace)
    client.close(End.GONE)
    grace.give(b"new", [client])
    assert client.left_grace.wait(WAIT_SECONDS)
    assert client.dropped == 0


def test_close_stops_at_once() -> None:
    """Closing ends the thread though a client waits, delivers nothing more, and may be repeated."""
    grace = Grace(LONG_SECONDS)
    client = Straggler(grace)
    grace.give(b"new", [client])
    grace.close(WAIT_SECONDS)
    grace.close(WAIT_SECONDS)
    assert not any(thread.name == "ts-grace" for thread in threading.enumerate())
    assert client.take(0) == b"old"
    assert client.take(0) is None


def test_crash_is_told() -> None:
    """An unexpected error on ts-grace reaches whoever answers for the whole."""
    told: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    grace = Grace(LONG_SECONDS, on_crash=told.put)

    class Broken(Straggler):
        def end_grace(self, frame: bytes, *, last: bool) -> bool:
            raise LookupError("no such luck")

    grace.give(b"new", [Broken(grace)])
    assert isinstance(told.get(timeout=WAIT_SECONDS), LookupError)
    grace.close(WAIT_SECONDS)
