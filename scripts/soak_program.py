"""The program that scripts/soak strains: the real command line, with sources that fail and clocks that jump.

Its own settings are the arguments. It broadcasts filler, so that who reads nothing is full within seconds.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from telemetry_stream import app, cli
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.source import Clock, Now

FILLER = "x" * 30_000

# Seconds that somebody sets the clock to, beside the truth; each holds for a while.
STEPS = (0.0, 3600.0, -86_400.0, 0.0, 0.5, -0.5, 400 * 86_400.0)
STEP_TICKS = 7
SUSPEND_TICKS = 50  # each so many, the machine has slept for an hour


class JumpingClock:
    """Real and boot time as on a machine whose clock is set and whose lid is closed; monotonic time is the truth."""

    def __init__(self) -> None:
        self._samples = 0

    def realtime(self) -> float:
        """Asked for once a tick."""
        self._samples += 1
        return time.time() + STEPS[self._samples // STEP_TICKS % len(STEPS)]

    def boottime(self) -> float:
        """Ahead of monotonic time by what was slept."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self._samples // SUSPEND_TICKS * 3600.0


class Failing:
    """A source of an embedding program that fails now and then, each time otherwise."""

    def __init__(self, name: str, fail: Callable[[], object]) -> None:
        self.name = name
        self._fail = fail
        self._turns = itertools.cycle([True, True, True, False, True, False, False, False])

    def collect(self, now: Now) -> object:
        """One section, or what fail does."""
        return (
            {"tick": now.tick, "noise": "n" * (now.tick % 100)}
            if next(self._turns)
            else self._fail()
        )


def blunder() -> object:
    """An error with other words each time."""
    raise RuntimeError(f"broken at {time.monotonic()}")


class Filling(app.App):
    """The app, with something to say at every tick beside the sample."""

    def _tick(self) -> None:
        super()._tick()
        self.stream.broadcast("filler", text=FILLER)


if __name__ == "__main__":
    clock = JumpingClock()
    jumping = Clock(realtime=clock.realtime, boottime=clock.boottime)
    failing = [Failing("raising", blunder), Failing("unspeakable", lambda: {"value": math.nan})]
    setattr(app, "Collector", partial(Collector, clock=jumping))  # noqa: B010 (mypy would not have it)
    setattr(cli, "App", partial(Filling, sources=failing))  # noqa: B010
    sys.exit(cli.main())
