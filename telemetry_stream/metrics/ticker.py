"""The tick: one thread, ``ts-collect``, that calls a function at absolute deadlines.

If a tick is late or takes too long, the interval is longer once. The deadlines that passed meanwhile are counted as
missed; no burst of ticks makes up for them. The thread waits for an Event, so that ``close()`` ends it at once. An
exception in the tick ends the thread and is passed to ``on_crash``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .. import threads

MIN_SECONDS = 0.1
MAX_SECONDS = 60.0
JOIN_SECONDS = 0.4  # the whole program has two seconds to stop


class Ticker:
    """Calls ``tick`` every ``interval_seconds`` between ``start`` and ``close``, which the program calls once each.

    Only the ticker's thread writes the figures. Any thread may read them and may call ``pace``.
    """

    def __init__(
        self,
        interval_seconds: float,
        tick: Callable[[], None],
        *,
        on_crash: Callable[[BaseException], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wake: threading.Event | None = None,
    ) -> None:
        """``monotonic`` and the waiting of ``wake`` are the ticker's clock."""
        self.interval_seconds = _checked(interval_seconds)
        # How long after its deadline the newest tick began.
        self.lateness_seconds: float | None = None
        self.last_tick_monotonic: float | None = None
        self.made = 0
        self.missed = 0
        self._tick = tick
        self._on_crash = on_crash
        self._monotonic = monotonic
        self._wake = wake or threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Ticker every {self.interval_seconds} s made={self.made} missed={self.missed}>"

    def start(self) -> None:
        """Start the thread. It makes the first tick at once."""
        self._thread = threads.start("ts-collect", self._run, on_crash=self._on_crash)

    def pace(self, interval_seconds: float) -> None:
        """Change the interval, because the first viewer came or the last one left. A shorter one applies at once."""
        if interval_seconds != self.interval_seconds:
            self.interval_seconds = _checked(interval_seconds)
            self._wake.set()

    def close(self) -> None:
        """Begin no more ticks, and wait up to JOIN_SECONDS for a running one. May be called more than once."""
        self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        """Tick until closed. Runs on ts-collect."""
        deadline = before = self._monotonic()
        while True:
            woken = self._wake.wait(max(0.0, deadline - self._monotonic()))
            self._wake.clear()  # Before the check: a close() after it sets the event again.
            if self._closed:
                return
            # The interval changed. It counts from the last deadline, so that no burst follows.
            if woken:
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
                # The next deadline is the first one of the same grid that is still in the future.
                skipped = int(passed / interval) + 1
                self.missed += skipped
                before += skipped * interval
                deadline += skipped * interval


def _checked(interval_seconds: float) -> float:
    if not MIN_SECONDS <= interval_seconds <= MAX_SECONDS:
        raise ValueError(
            f"interval {interval_seconds} s is outside {MIN_SECONDS} to {MAX_SECONDS:g} s"
        )
    return interval_seconds
