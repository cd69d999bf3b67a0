"""Counters of a core that must not fall between two scrapes.

The kernel's idle and iowait times fall by a few ticks now and then (Documentation/filesystems/proc.rst, 1.7), and
Prometheus takes each fall for a reset: rate() would count the time since boot again. node_exporter does the same as
this module (collector/cpu_linux.go, updateCPUStats).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

Ticks = tuple[int | None, ...]

# A fall by more is a reset: the core was taken out and is back.
RESET_SECONDS = 3


class Monotonic:
    """Remembers the ticks of each core that were served last. The thread of a scrape uses it."""

    def __init__(self) -> None:
        self._served: dict[int, Ticks] = {}

    def rising(self, cores: Mapping[int, Ticks]) -> Mapping[int, Ticks]:
        """Return the ticks of each core, without small falls. Those of cores that are gone are forgotten."""
        most = RESET_SECONDS * os.sysconf("SC_CLK_TCK")
        served = {}
        for core, ticks in cores.items():
            before = self._served.get(core)
            served[core] = ticks if before is None else _rising(ticks, before, most)
        self._served = served
        return served


def _rising(ticks: Ticks, before: Ticks, most: int) -> Ticks:
    falls = [
        then - now
        for now, then in zip(ticks, before, strict=True)
        if now is not None and then is not None
    ]
    if any(fall > most for fall in falls):
        return ticks
    return tuple(
        now if now is None or then is None else max(now, then)
        for now, then in zip(ticks, before, strict=True)
    )
