"""The tick: one thread, ``ts-collect``, that calls a function on absolute deadlines.

A tick that comes late, or takes too long, is one long interval: the deadlines that passed meanwhile
are counted as missed and never made up for in a burst. Waiting is on an Event, so ``close()`` ends
it at once. An exception that leaves the tick ends the thread; ``on_crash`` hears of it.
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
    """Owned by the program: ``start`` and ``close`` once each. The thread alone writes the figures;
    anyone reads them.
    """

    def __init__(
        self,
        interval_seconds: float,
        tick: Callable[[], None],
        *,
        on_crash: Callable[[BaseException], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not SHORTEST_SECONDS <= interval_seconds <= LONGEST_SECONDS:
            raise ValueError(
                f"interval {interval_seconds} s is outside {SHORTEST_SECONDS} to {LONGEST_SECONDS:g} s"
            )
        self.interval_seconds = interval_seconds
        self.lateness_seconds: float | None = (
            None  # of the newest tick: how long after its deadline it began
        )
        self.last_tick_monotonic: float | None = None
        self.made = 0
        self.missed = 0
        self._tick = tick
        self._on_crash = on_crash
        self._monotonic = monotonic
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Ticker every {self.interval_seconds} s made={self.made} missed={self.missed}>"

    def start(self) -> None:
        """Make the first tick now, on the new thread, and the next ones on time."""
        self._thread = threads.start("ts-collect", self._run, on_crash=self._on_crash)

    def close(self) -> None:
        """No tick begins after this; the one that runs is waited for, but not for ever. May be
        called twice.
        """
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        """Runs on ts-collect until closed."""
        deadline = self._monotonic()
        while not self._closing.wait(max(0.0, deadline - self._monotonic())):
            began = self._monotonic()
            self.lateness_seconds = max(0.0, began - deadline)
            self.last_tick_monotonic = began
            self._tick()
            self.made += 1
            deadline += self.interval_seconds
            passed = self._monotonic() - deadline
            if passed > 0:
                # The grid stays: the next deadline is the first one still ahead.
                skipped = int(passed / self.interval_seconds) + 1
                self.missed += skipped
                deadline += skipped * self.interval_seconds
