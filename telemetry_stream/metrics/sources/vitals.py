"""The section ``vitals``: the few numbers of a host that are always sent, from the other sections of the same sample.

It reads nothing itself, so it must be the last of the built-in sections. All others except the on-demand ones are
collected in every tick anyway, because the ring remembers them. Its names are short and percentages have one decimal:
with the id of the run, the number and the time of the sample, it fits into 256 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from .cpu import Cpu
from .disk import Disk
from .filesystem import Filesystem
from .load import Load
from .memory import Memory
from .network import Network
from .pressure import Pressure
from .swap import Swap
from .temperature import Temperature

T = TypeVar("T")


@dataclass(slots=True)
class Vitals:
    """One number for each resource."""

    cpu: Annotated[float | None, Field("`cpu.usage_percent`.", unit="%")]
    memory: Annotated[float | None, Field("`memory.used_percent`.", unit="%")]
    swap: Annotated[float | None, Field("`swap.used_percent`.", unit="%")]
    load: Annotated[
        float | None, Field("`load.avg1_per_cpu`.", unit="tasks", title="load per core")
    ]
    pressure: Annotated[
        float | None,
        Field("The highest `pressure.*.some_percent` of cpu, memory and io.", unit="%"),
    ]
    disk: Annotated[
        float | None,
        Field(
            "The highest `disks[].util_percent` of the disks that the totals count.",
            unit="%",
            title="busiest disk",
        ),
    ]
    filesystem: Annotated[
        float | None,
        Field(
            "The highest `filesystems[].used_percent` of the filesystems that can be written to.",
            unit="%",
            title="fullest filesystem",
        ),
    ]
    rx: Annotated[
        int | None,
        Field("`network.total_rx_bytes_per_second`.", unit="bytes per second", title="received"),
    ]
    tx: Annotated[
        int | None,
        Field("`network.total_tx_bytes_per_second`.", unit="bytes per second", title="sent"),
    ]
    celsius: Annotated[
        float | None,
        Field("The highest `temperatures[].celsius`.", title="hottest sensor"),
    ]


def derive(sections: Mapping[str, object]) -> Vitals:
    """Return the vitals of a sample. What a missing or unknown section would give is None."""
    cpu = _maybe(sections, "cpu", Cpu)
    memory = _maybe(sections, "memory", Memory)
    swap = _maybe(sections, "swap", Swap)
    load = _maybe(sections, "load", Load)
    pressure = _maybe(sections, "pressure", Pressure)
    network = _maybe(sections, "network", Network)
    stalls = (pressure.cpu, pressure.memory, pressure.io) if pressure else ()
    return Vitals(
        cpu=_short(cpu.usage_percent if cpu else None),
        memory=_short(memory.used_percent if memory else None),
        swap=_short(swap.used_percent if swap else None),
        load=_short(load.avg1_per_cpu if load else None, 2),
        pressure=_highest(stall.some_percent for stall in stalls if stall),
        disk=_highest(row.util_percent for row in _rows(sections, "disks", Disk) if row.counted),
        filesystem=_highest(
            row.used_percent
            for row in _rows(sections, "filesystems", Filesystem)
            if not row.read_only
        ),
        rx=_whole(network.total_rx_bytes_per_second if network else None),
        tx=_whole(network.total_tx_bytes_per_second if network else None),
        celsius=_highest(row.celsius for row in _rows(sections, "temperatures", Temperature)),
    )


def _maybe(sections: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    section = sections.get(name)
    return section if isinstance(section, kind) else None


def _rows(sections: Mapping[str, object], name: str, kind: type[T]) -> list[T]:
    rows = sections.get(name)
    return [row for row in rows if isinstance(row, kind)] if isinstance(rows, tuple) else []


def _short(number: float | None, decimals: int = 1) -> float | None:
    return None if number is None else round(number, decimals)


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _highest(numbers: Iterable[float | None]) -> float | None:
    """Return the highest known number, or None if none is known."""
    return _short(max((number for number in numbers if number is not None), default=None))


class VitalsSource:
    """Section ``vitals``."""

    name = "vitals"
    on_demand = True

    def collect(self, now: Now) -> Vitals:
        """Never fails: a section that is missing gives None."""
        return derive(now.sections)


SECTIONS = (
    Section(
        VitalsSource,
        Vitals,
        title="Vitals",
        text="One number for each resource, for the overview of many hosts.",
        files="the other sections of the same sample",
        nulls="A field is null if that section is missing, or if all numbers that it is made of are null.",
    ),
)


def build(_setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (VitalsSource(),)
