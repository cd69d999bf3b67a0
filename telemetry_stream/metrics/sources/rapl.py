"""Power of the processor from its energy counters, in /sys/class/powercap/intel-rapl:* (Documentation/power/powercap/
powercap.rst). Processors of AMD have the same directories.

A zone is a package (socket) or the whole platform (psys); its subzones are the cores, the graphics and the memory. A
counter in µJ wraps at ``max_energy_range_uj``, after minutes under load. Reading one is a few µs: the kernel reads a
register of the processor. Since Linux 5.10 only root may read them, because their resolution reveals secrets of other
programs (CVE-2020-8694, Platypus). intel-rapl-mmio:* has the same packages again and is not read.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..attributes import Attribute, maybe_read_once, maybe_text
from ..files import Files
from ..section import Field
from ..source import SEARCH_SECONDS, Clock

ZONE = re.compile(r"intel-rapl:\d+(:\d+)?$")
# No package of a processor needs more, and neither does a platform with several of them.
MOST_WATTS = 20_000
MICROJOULES = 1_000_000


@dataclass(slots=True)
class RaplZone:
    """One energy counter of the processor."""

    name: Annotated[
        str,
        Field(
            "package-0, psys (the whole platform), or a part such as package-0/core or package-0/dram.",
            is_identity=True,
            prometheus="zone",
        ),
    ]
    watts: Annotated[
        float | None,
        Field(
            "Mean power since the sample before. Null if this program may not read the counter.",
            title="power",
        ),
    ]


class _Counter:
    """One zone: its file, and the reading before."""

    def __init__(self, name: str, attribute: Attribute, range_uj: int | None) -> None:
        self.name = name
        self.attribute = attribute
        self._range_uj = range_uj
        self._before: tuple[int, float] | None = None
        self._retry_at = -math.inf

    def watts(self, clock: Clock) -> float | None:
        """Return the power since the call before; None at the first one, after a reset, and if unreadable."""
        at = clock.monotonic()
        if at < self._retry_at:
            return None
        energy = counters.maybe_count((self.attribute.maybe_read() or b"").strip())
        before, self._before = self._before, None if energy is None else (energy, at)
        if energy is None:
            self._retry_at = at + SEARCH_SECONDS
            return None
        if before is None:
            return None
        seconds = at - before[1]
        rose = wrapped_rise(energy, before[0], self._range_uj)
        if rose is None or rose > MOST_WATTS * MICROJOULES * seconds:
            return None
        return rates.quotient(rose, MICROJOULES * seconds)


def wrapped_rise(current: int, previous: int, most: int | None) -> int | None:
    """Return how much a counter rose that begins again at 0 after ``most``; None if it fell and that is unknown."""
    if current >= previous:
        return current - previous
    if most is None or previous > most:
        return None
    return current + most - previous


class Rapl:
    """The energy counters of one host. They are read in the tick."""

    def __init__(self, files: Files) -> None:
        self._clock = files.clock
        self._budget = files.budget
        self._directory = os.path.join(files.sys_root, "class", "powercap")
        self._counters: dict[str, _Counter] = {}

    @property
    def has_zones(self) -> bool:
        """Whether there is a zone, readable or not."""
        return bool(self._counters)

    def find(self) -> None:
        """Look for zones. Those that are still there keep their readings."""
        try:
            names = sorted(name for name in os.listdir(self._directory) if ZONE.match(name))
        except OSError:
            names = []
        for gone in self._counters.keys() - set(names):
            self._counters.pop(gone).attribute.close()
        for name in names:
            if name not in self._counters:
                self._counters[name] = self._counter(name)

    def zones(self) -> tuple[RaplZone, ...]:
        """Return the power of each zone since the call before."""
        return tuple(
            RaplZone(counter.name, counter.watts(self._clock))
            for counter in self._counters.values()
        )

    def close(self) -> None:
        """Close the descriptors and forget all readings."""
        for counter in self._counters.values():
            counter.attribute.close()
        self._counters.clear()

    def _counter(self, directory: str) -> _Counter:
        path = os.path.join(self._directory, directory)
        content = maybe_read_once(os.path.join(path, "max_energy_range_uj"))
        parent = directory.rpartition(":")[0]
        name = self._name(directory)
        if ZONE.match(parent):
            name = f"{self._name(parent)}/{name}"
        return _Counter(
            name,
            Attribute(self._budget, os.path.join(path, "energy_uj")),
            counters.maybe_count((content or b"").strip()),
        )

    def _name(self, directory: str) -> str:
        content = maybe_read_once(os.path.join(self._directory, directory, "name"))
        return maybe_text(content) or directory
