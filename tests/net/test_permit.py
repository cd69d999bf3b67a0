"""The permit: one thread has it, the others get it in order, and it can be given up while a thread waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from telemetry_stream.net import permit
from telemetry_stream.net.permit import Permits, Turn
from tests.conftest import eventually
from tests.stream.streaming import Clock


@pytest.fixture(autouse=True)
def _none_is_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread keeps the permit, also while the machine is busy with other work."""
    monkeypatch.setattr(permit, "HUNG_SECONDS", 600.0)


class Worker:
    """A thread that takes the permit, notes its name in ``order``, runs ``work``, and gives the permit back."""

    def __init__(
        self,
        permits: Permits,
        order: list[str],
        name: str,
        *,
        first: bool = False,
        work: Callable[[], object] = lambda: None,
    ) -> None:
        def run() -> None:
            permits.acquire(first=first)
            order.append(name)
            work()
            permits.release()

        before = len(permits._turns)
        self.thread = threading.Thread(target=run)
        self.thread.start()
        assert eventually(lambda: len(permits._turns) > before)

    def join(self) -> None:
        """Wait for the thread."""
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_threads_get_the_permit_in_the_order_in_which_they_ask() -> None:
    """Write pumps come first."""
    permits, order = Permits(), list[str]()
    permits.acquire()
    workers = [Worker(permits, order, name) for name in "abc"]
    workers.append(Worker(permits, order, "pump", first=True))
    assert order == []
    permits.release()
    for worker in workers:
        worker.join()
    assert order == ["pump", "a", "b", "c"]
    assert not permits.held


def test_a_blocked_thread_loses_the_permit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next thread gets it. What the blocked one does afterwards does not affect that."""
    monkeypatch.setattr(permit, "HUNG_SECONDS", 0.05)  # so that the test is short
    permits, order, goes_on = Permits(), list[str](), threading.Event()

    def block() -> None:
        permits.acquire()
        order.append("blocked")
        goes_on.wait(10)
        permits.pass_on()
        permits.release()
        order.append(f"held: {permits.held}")

    blocked = threading.Thread(target=block)
    blocked.start()
    assert eventually(lambda: order == ["blocked"])
    permits.acquire()
    goes_on.set()
    blocked.join(10)
    assert order == ["blocked", "held: False"]
    assert permits.held
    permits.release()


def test_a_thread_that_works_is_not_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it has worked alone when another one begins to wait."""
    clock = Clock()
    monkeypatch.setattr(permit, "time", SimpleNamespace(monotonic=clock))
    permits, waiting = Permits(), Turn()
    permits.acquire()
    for _ in range(5):
        clock.now += permit.HUNG_SECONDS
        permits.pass_on()
    permits.give_to(waiting)
    permits.take_from_hung()
    assert not waiting.wait(0)
    clock.now += permit.HUNG_SECONDS  # without a call of pass_on
    permits.take_from_hung()
    assert waiting.wait(0)


def test_only_one_thread_at_a_time_has_it() -> None:
    """Also if each gives it up and takes it again."""
    permits, inside, most = Permits(), list[int](), list[int]()

    def work() -> None:
        for _ in range(200):
            with permits:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(most) == 1600
    assert set(most) == {1}


def test_acquire_and_release_can_be_repeated() -> None:
    """They do nothing if the thread has the permit already, or has none."""
    permits = Permits()
    permits.release()
    permits.acquire()
    permits.acquire()
    assert permits.held
    permits.release()
    permits.release()
    assert not permits.held


def test_another_thread_cannot_give_it_back() -> None:
    """Each thread gives back its own."""
    permits = Permits()
    permits.acquire()
    other = threading.Thread(target=permits.release)
    other.start()
    other.join(10)
    assert permits.held


def test_it_is_given_up_while_a_block_waits() -> None:
    """Then it is taken again. A thread without the permit does not get it."""
    permits, order = Permits(), list[str]()
    with permits.released():
        assert not permits.held
    assert not permits.held
    permits.acquire()
    worker = Worker(permits, order, "other")
    with permits.released():
        worker.join()
        assert order == ["other"]
    assert permits.held


def test_it_is_passed_on_after_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, and not if no thread waits: that would cost a switch of threads for each piece of an answer."""
    permits, order = Permits(), list[str]()
    monkeypatch.setattr(permit, "TURN_SECONDS", 1000.0)
    permits.acquire()
    worker = Worker(permits, order, "other")
    permits.pass_on()
    assert order == []
    monkeypatch.setattr(permit, "TURN_SECONDS", 0.0)
    permits.pass_on()
    assert order == ["other"]
    assert permits.held
    worker.join()
    permits.pass_on()
    assert permits.held
    permits.release()
    permits.pass_on()
    assert not permits.held
