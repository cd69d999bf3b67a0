"""Ticks on absolute deadlines, by a clock of the test and by the real one."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from telemetry_stream.metrics.ticker import Ticker


@pytest.mark.parametrize("seconds", [0.0, 0.09, 60.1, -1.0, float("nan")])
def test_the_interval_has_a_range(seconds: float) -> None:
    """0.1 to 60 seconds, and the error says so."""
    with pytest.raises(ValueError, match=r"outside 0\.1 to 60"):
        Ticker(seconds, lambda: None)


class Waits:
    """Stands in for the closing event: time passes only by being waited for, or by a slow tick."""

    def __init__(self, ticks: int) -> None:
        self.now = 100.0
        self.waited: list[float] = []
        self._left = ticks
        self.ticker: Ticker

    def clear(self) -> None:
        """There is nothing to clear."""

    def close(self) -> bool:
        """What the ticker sees when it is woken to end."""
        self.ticker._closed = True
        return True

    def wait(self, seconds: float) -> bool:
        self._left -= 1
        if self._left < 0:
            return self.close()
        self.waited.append(round(seconds, 6))
        self.now += seconds
        return False


def run(durations: list[float]) -> tuple[Ticker, Waits, list[float]]:
    """A ticker of 1 s whose ticks take so long, run here without a thread; also when each began."""
    waits = Waits(len(durations))
    began: list[float] = []

    def tick() -> None:
        began.append(round(waits.now, 6))
        waits.now += durations[len(began) - 1]

    ticker = Ticker(1.0, tick, monotonic=lambda: waits.now)
    ticker._wake = waits  # type: ignore[assignment]
    waits.ticker = ticker
    ticker._run()
    return ticker, waits, began


def test_deadlines_do_not_drift() -> None:
    """A tick that takes 0.3 s is waited for 0.7 s: the next one begins on the second."""
    ticker, waits, began = run([0.3, 0.5, 0.0])
    assert began == [100.0, 101.0, 102.0]
    assert waits.waited == [0.0, 0.7, 0.5]
    assert (ticker.made, ticker.missed, ticker.lateness_seconds) == (3, 0, 0.0)


def test_a_slow_tick_is_one_long_interval_and_no_burst() -> None:
    """3.5 s of tick miss the deadlines 101, 102 and 103; the next tick is at 104, then at 105."""
    ticker, _, began = run([3.5, 0.0, 0.0])
    assert began == [100.0, 104.0, 105.0]
    assert ticker.missed == 3


def test_a_tick_that_ends_exactly_on_its_deadline_misses_nothing() -> None:
    """The next tick begins at once, on time."""
    ticker, _, began = run([1.0, 0.0])
    assert began == [100.0, 101.0]
    assert ticker.missed == 0


def test_a_late_wake_up_is_told_as_lateness() -> None:
    """When the wait comes back 0.25 s after the deadline, the tick says so, and the grid stays."""
    waits = Waits(3)
    began: list[float] = []
    late = iter([0.0, 0.25, 0.0])
    plain_wait = waits.wait

    def wait(seconds: float) -> bool:
        ended = plain_wait(seconds)
        waits.now += 0.0 if ended else next(late)
        return ended

    lateness: list[float | None] = []

    def tick() -> None:
        began.append(waits.now)
        lateness.append(ticker.lateness_seconds)

    ticker = Ticker(1.0, tick, monotonic=lambda: waits.now)
    waits.wait = wait  # type: ignore[method-assign]
    ticker._wake = waits  # type: ignore[assignment]
    waits.ticker = ticker
    ticker._run()
    assert began == [100.0, 101.25, 102.0]
    assert lateness == [0.0, 0.25, 0.0]
    assert ticker.missed == 0


def test_a_new_pace_counts_from_the_last_deadline() -> None:
    """From every 60 s to every second, 5 s after a tick: the next tick is now, not five ticks at once."""
    waits = Waits(4)
    began: list[float] = []
    ticker = Ticker(60.0, lambda: began.append(waits.now), monotonic=lambda: waits.now)
    waits.ticker = ticker
    plain_wait = waits.wait
    events = itertools.chain([False, True], itertools.repeat(False))

    class Wake(Waits):
        def wait(self, seconds: float) -> bool:
            if next(events):
                waits.now += 5.0
                ticker.pace(1.0)
                return True
            return plain_wait(seconds)

        def set(self) -> None:
            """Nobody waits: this is all one thread."""

    ticker._wake = Wake(0)  # type: ignore[assignment]
    ticker._run()
    assert began == [100.0, 105.0, 106.0, 107.0]
    assert (ticker.interval_seconds, ticker.missed, ticker.lateness_seconds) == (1.0, 0, 0.0)
    with pytest.raises(ValueError, match="outside"):
        ticker.pace(0.01)


def test_a_new_pace_wakes_the_thread() -> None:
    """Somebody comes to watch: the next tick is not a minute away."""
    ticks = threading.Semaphore(0)
    ticker = Ticker(60.0, ticks.release)
    ticker.start()
    assert ticks.acquire(timeout=5)
    ticker.pace(0.1)
    assert ticks.acquire(timeout=5)
    assert ticks.acquire(timeout=5)
    ticker.close()


def test_a_close_that_comes_with_a_new_pace_is_heard() -> None:
    """Between the thread's waking for the one and its going on, the other comes: it ends, and not a minute later."""
    ticked = threading.Event()
    ticker = Ticker(60.0, ticked.set)

    class Wake(threading.Event):
        def clear(self) -> None:
            if ticker.interval_seconds == 50.0:
                ticker._closed = True
                self.set()
            super().clear()

    ticker._wake = Wake()
    ticker.start()
    assert ticked.wait(5)
    ticker.pace(50.0)
    thread = ticker._thread
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()


def test_the_first_tick_is_now_and_close_is_at_once() -> None:
    """Nobody waits a minute for the first sample, nor for the end."""
    ticked = threading.Event()
    ticker = Ticker(60.0, ticked.set)
    ticker.start()
    assert ticked.wait(5)
    started = time.monotonic()
    ticker.close()
    ticker.close()
    assert time.monotonic() - started < 5
    assert ticker.made == 1
    assert ticker.last_tick_monotonic is not None
    assert "made=1" in repr(ticker)


def test_ticks_come_on_their_thread_with_their_name() -> None:
    """The thread reads ts-collect in top -H, and ticks go on until closed."""
    names: list[str] = []
    enough = threading.Event()

    def tick() -> None:
        names.append(threading.current_thread().name)
        if len(names) == 3:
            enough.set()

    ticker = Ticker(0.1, tick)
    ticker.start()
    assert enough.wait(5)
    ticker.close()
    assert set(names) == {"ts-collect"}


def test_a_tick_may_close_its_own_ticker() -> None:
    """Closing from within does not wait for itself."""
    done = threading.Event()

    def tick() -> None:
        ticker.close()
        done.set()

    ticker = Ticker(0.1, tick)
    ticker.start()
    assert done.wait(5)
    ticker.close()
    assert ticker.made == 1


def test_an_exception_ends_the_thread_and_is_told() -> None:
    """Nothing half-alive stays: on_crash hears what left the tick."""
    crashes: list[BaseException] = []
    told = threading.Event()

    def on_crash(error: BaseException) -> None:
        crashes.append(error)
        told.set()

    def tick() -> None:
        raise RuntimeError("broken tick")

    ticker = Ticker(0.1, tick, on_crash=on_crash)
    ticker.start()
    assert told.wait(5)
    ticker.close()
    assert str(crashes[0]) == "broken tick"
