"""The tick: one thread, ``ts-collect``, that calls a function on absolute deadlines.

A tick that comes late, or takes too long, is one long interval: the deadlines that passed meanwhile are counted as
missed and never made up for in a burst. Waiting is on an Event, so ``close()`` ends it at once. An exception that
leaves the tick ends the thread; ``on_crash`` hears of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .. import threads

SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 60.0
JOIN_SECONDS = 0.4  # a stop of the whole program may take two seconds


class Ticker:
    """Owned by the program, which calls ``start`` once and ``close`` at the end.

    The thread alone writes the figures; anyone reads them and may call ``pace``.
    """

    def __init__(
        self,
        interval_seconds: float,
        tick: Callable[[], None],
        *,
        on_crash: Callable[[BaseException], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.interval_seconds = _checked(interval_seconds)
        # Of the newest tick: how long after its deadline it began.
        self.lateness_seconds: float | None = None
        self.last_tick_monotonic: float | None = None
        self.made = 0
        self.missed = 0
        self._tick = tick
        self._on_crash = on_crash
        self._monotonic = monotonic
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Ticker every {self.interval_seconds} s made={self.made} missed={self.missed}>"

    def start(self) -> None:
        """Make the first tick now, on the new thread, and the next ones on time."""
        self._thread = threads.start("ts-collect", self._run, on_crash=self._on_crash)

    def pace(self, interval_seconds: float) -> None:
        """Tick this often from now on: a viewer came, or the last one left. A shorter interval takes effect at once."""
        if interval_seconds != self.interval_seconds:
            self.interval_seconds = _checked(interval_seconds)
            self._wake.set()

    def close(self) -> None:
        """No tick begins after this; the one that runs is waited for, but not for ever. May be called twice."""
        self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        """Runs on ts-collect until closed."""
        deadline = before = self._monotonic()
        while True:
            woken = self._wake.wait(max(0.0, deadline - self._monotonic()))
            self._wake.clear()  # first, so that a close() that comes now is seen or wakes again
            if self._closed:
                return
            if woken:  # another pace: counted from the last deadline, so that it makes no burst
                deadline = max(before + self.interval_seconds, self._monotonic())
                continue
            began = self._monotonic()
            self.lateness_seconds = max(0.0, began - deadline)
            self.last_tick_monotonic = began
            self._tick()
            self.made += 1
            before, interval = deadline, self.interval_seconds
            deadline += interval
            passed = self._monotonic() - deadline
            if passed > 0:
                # The grid stays: the next deadline is the first one still ahead.
                skipped = int(passed / interval) + 1
                self.missed += skipped
                before += skipped * interval
                deadline += skipped * interval


def _checked(interval_seconds: float) -> float:
    if not SHORTEST_SECONDS <= interval_seconds <= LONGEST_SECONDS:
        raise ValueError(
            f"interval {interval_seconds} s is outside {SHORTEST_SECONDS} to {LONGEST_SECONDS:g} s"
        )
    return interval_seconds
