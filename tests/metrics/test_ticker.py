"""Ticks at absolute deadlines, on a clock of the test and on the real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from telemetry_stream.metrics.ticker import Ticker
from tests.conftest import eventually


@pytest.mark.parametrize("seconds", [0.0, 0.09, 60.1, -1.0, float("nan")])
def test_an_interval_out_of_range_is_refused(seconds: float) -> None:
    """The error has the range, 0.1 to 60 seconds."""
    with pytest.raises(ValueError, match=r"outside 0\.1 to 60"):
        Ticker(seconds, lambda: None)


def is_running() -> bool:
    """Return whether a ticker's thread is running."""
    return any(thread.name == "ts-collect" for thread in threading.enumerate())


class MadeClock(threading.Event):
    """A clock that moves only while the ticker waits, or when a tick lets it. It closes the ticker after some waits."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.now = 100.0
        self.waited: list[float] = []
        self.began: list[float] = []
        self._left = waits
        self.ticker: Ticker

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._left -= 1
        if self._left < 0:
            self.ticker.close()
            return True
        self.waited.append(round(timeout, 6))
        self.now += timeout
        return False

    def run(self, interval_seconds: float, tick: Callable[[], None]) -> Ticker:
        """Run a ticker on this clock until it is closed. Records when each tick began."""

        def recorded() -> None:
            self.began.append(round(self.now, 6))
            tick()

        self.ticker = Ticker(interval_seconds, recorded, monotonic=lambda: self.now, wake=self)
        self.ticker.start()
        assert eventually(lambda: not is_running())
        return self.ticker


def ticks(clock: MadeClock, durations: list[float]) -> Callable[[], None]:
    """Return a tick that takes these durations in turn."""
    left = iter(durations)

    def tick() -> None:
        clock.now += next(left)

    return tick


def test_deadlines_do_not_drift() -> None:
    """A tick that takes 0.3 s is followed by a wait of 0.7 s, so that the next one begins on the second."""
    clock = MadeClock(3)
    ticker = clock.run(1.0, ticks(clock, [0.3, 0.5, 0.0]))
    assert clock.began == [100.0, 101.0, 102.0]
    assert clock.waited == [0.0, 0.7, 0.5]
    assert (ticker.made, ticker.missed, ticker.lateness_seconds) == (3, 0, 0.0)


def test_a_slow_tick_is_one_long_interval_and_no_burst() -> None:
    """A tick of 3.5 s misses the deadlines 101, 102 and 103. The next ticks are at 104 and 105."""
    clock = MadeClock(3)
    ticker = clock.run(1.0, ticks(clock, [3.5, 0.0, 0.0]))
    assert clock.began == [100.0, 104.0, 105.0]
    assert ticker.missed == 3


def test_a_tick_that_ends_at_its_deadline_misses_nothing() -> None:
    """The next tick begins at once, on time."""
    clock = MadeClock(2)
    ticker = clock.run(1.0, ticks(clock, [1.0, 0.0]))
    assert clock.began == [100.0, 101.0]
    assert ticker.missed == 0


def test_a_late_wake_up_is_reported_as_lateness() -> None:
    """If the wait returns 0.25 s after the deadline, the grid of deadlines stays."""

    class LateClock(MadeClock):
        late = iter([0.0, 0.25, 0.0])

        def wait(self, timeout: float | None = None) -> bool:
            ended = super().wait(timeout)
            self.now += 0.0 if ended else next(self.late)
            return ended

    clock = LateClock(3)
    lateness: list[float | None] = []
    ticker = clock.run(1.0, lambda: lateness.append(clock.ticker.lateness_seconds))
    assert clock.began == [100.0, 101.25, 102.0]
    assert lateness == [0.0, 0.25, 0.0]
    assert ticker.missed == 0


def test_a_new_interval_counts_from_the_last_deadline() -> None:
    """From 60 s to 1 s, 5 s after a tick: one tick follows at once, not five."""

    class PacedClock(MadeClock):
        paced = False

        def wait(self, timeout: float | None = None) -> bool:
            if self.began and not self.paced:
                self.paced = True
                self.now += 5.0
                self.ticker.pace(1.0)
                return True
            return super().wait(timeout)

    clock = PacedClock(4)
    ticker = clock.run(60.0, lambda: None)
    assert clock.began == [100.0, 105.0, 106.0, 107.0]
    assert (ticker.interval_seconds, ticker.missed, ticker.lateness_seconds) == (1.0, 0, 0.0)
    with pytest.raises(ValueError, match="outside"):
        ticker.pace(0.01)


def test_a_new_interval_wakes_the_thread() -> None:
    """When a viewer comes, the next tick is not a minute away."""
    ticked = threading.Semaphore(0)
    ticker = Ticker(60.0, ticked.release)
    ticker.start()
    assert ticked.acquire(timeout=20)
    ticker.pace(0.1)
    assert ticked.acquire(timeout=20)
    assert ticked.acquire(timeout=20)
    ticker.close()


def test_close_just_after_a_new_interval_ends_the_thread() -> None:
    """A close() between the wake-up for the new interval and the clearing of the event is not lost."""

    class ClosingEvent(threading.Event):
        def clear(self) -> None:
            if ticker.interval_seconds == 50.0:
                closer = threading.Thread(target=ticker.close)
                closer.start()
                assert closing.wait(20)
            super().clear()

        def set(self) -> None:
            super().set()
            if threading.current_thread() is not threading.main_thread():
                closing.set()

    ticked, closing = threading.Event(), threading.Event()
    ticker = Ticker(60.0, ticked.set, wake=ClosingEvent())
    ticker.start()
    assert ticked.wait(20)
    ticker.pace(50.0)
    assert eventually(lambda: not is_running())


def test_the_first_tick_and_the_end_come_at_once() -> None:
    """Neither waits for the interval of a minute."""
    ticked = threading.Event()
    ticker = Ticker(60.0, ticked.set)
    ticker.start()
    assert ticked.wait(20)
    started = time.monotonic()
    ticker.close()
    ticker.close()
    assert time.monotonic() - started < 5
    assert eventually(lambda: ticker.made == 1)
    assert ticker.last_tick_monotonic is not None
    assert "made=1" in repr(ticker)


def test_ticks_run_on_a_named_thread() -> None:
    """top -H shows ts-collect. The ticks go on until close."""
    names: list[str] = []
    enough = threading.Event()

    def tick() -> None:
        names.append(threading.current_thread().name)
        if len(names) == 3:
            enough.set()

    ticker = Ticker(0.1, tick)
    ticker.start()
    assert enough.wait(20)
    ticker.close()
    assert set(names) == {"ts-collect"}


def test_a_tick_may_close_its_ticker() -> None:
    """close() does not wait for its own thread."""
    done = threading.Event()

    def tick() -> None:
        ticker.close()
        done.set()

    ticker = Ticker(0.1, tick)
    ticker.start()
    assert done.wait(20)
    ticker.close()
    assert eventually(lambda: ticker.made == 1)


def test_an_exception_ends_the_thread_and_is_reported() -> None:
    """on_crash gets the exception of the tick."""
    crashes: list[BaseException] = []
    reported = threading.Event()

    def on_crash(error: BaseException) -> None:
        crashes.append(error)
        reported.set()

    def tick() -> None:
        raise RuntimeError("broken tick")

    ticker = Ticker(0.1, tick, on_crash=on_crash)
    ticker.start()
    assert reported.wait(20)
    ticker.close()
    assert str(crashes[0]) == "broken tick"
