"""The program for scripts/soak: the real command line, with sources that fail and clocks that jump.

It takes the same arguments, and ``--one-by-one`` to send without io_uring. It also broadcasts filler, so that the queue
of a viewer that reads nothing is full within seconds.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from telemetry_stream import app, cli
from telemetry_stream.hub import hub
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.source import Clock, Now
from telemetry_stream.stream import origin

FILLER = "x" * 30_000

# Seconds by which the clock is wrong, one after another, for STEP_TICKS ticks each.
STEPS = (0.0, 3600.0, -86_400.0, 0.0, 0.5, -0.5, 400 * 86_400.0)
STEP_TICKS = 7
SUSPEND_TICKS = 50  # after each 50 ticks, the machine seems to have been suspended for an hour


class JumpingClock:
    """Real and boot time of a machine whose clock is set and which is suspended; monotonic time is the real one."""

    def __init__(self) -> None:
        self._samples = 0

    def realtime(self) -> float:
        """Return the wrong time; called once per tick."""
        self._samples += 1
        return time.time() + STEPS[self._samples // STEP_TICKS % len(STEPS)]

    def boottime(self) -> float:
        """Return a time that is ahead of monotonic time by the suspensions."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self._samples // SUSPEND_TICKS * 3600.0


class Failing:
    """A source of an embedding program that fails in some of its calls."""

    def __init__(self, name: str, fail: Callable[[], object]) -> None:
        self.name = name
        self._fail = fail
        self._turns = itertools.cycle([True, True, True, False, True, False, False, False])

    def collect(self, now: Now) -> object:
        """Return a section, or fail."""
        return (
            {"tick": now.tick, "noise": "n" * (now.tick % 100)}
            if next(self._turns)
            else self._fail()
        )


def raise_error() -> object:
    """Raise an error with another message each time."""
    raise RuntimeError(f"broken at {time.monotonic()}")


class Filler:
    """A source without a section that broadcasts filler at every tick."""

    name = "filler"

    def __init__(self) -> None:
        self.app: app.App | None = None

    def collect(self, _now: Now) -> None:
        """Broadcast once."""
        if self.app is not None:
            self.app.stream.broadcast("filler", text=FILLER)


class SoakApp(app.App):
    """The app with sources that fail, and with filler."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        failing = [Failing("raising", raise_error), Failing("invalid", lambda: {"value": math.nan})]
        filler = Filler()
        super().__init__(*arguments, sources=[*failing, filler], **options)
        filler.app = self


if __name__ == "__main__":
    if "--one-by-one" in sys.argv:
        sys.argv.remove("--one-by-one")
        hub.BATCH_CLIENTS = sys.maxsize
    clock = JumpingClock()
    jumping = Clock(realtime=clock.realtime, boottime=clock.boottime)
    setattr(origin, "Collector", partial(Collector, clock=jumping))  # noqa: B010 (mypy refuses an assignment)
    setattr(cli, "App", SoakApp)  # noqa: B010
    sys.exit(cli.main())
