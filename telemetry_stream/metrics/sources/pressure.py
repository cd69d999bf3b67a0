"""Pressure stall information from /proc/pressure/{cpu,memory,io,irq} (Documentation/accounting/psi.rst).

    some avg10=3.00 avg60=19.52 avg300=13.94 total=92919312
    full avg10=0.00 avg60=0.10 avg300=0.00 total=400

The kernel updates the averages every 2 s. ``total`` (µs) is exact in every read, so our own ``*_percent`` comes
from its difference. The files exist since Linux 4.20; if PSI is built in but switched off, reading gives EOPNOTSUPP.
cpu has no full line before 5.13, and a full line of zeros since then. irq (6.1) has only a full line. The files are
opened for reading only, because a write registers a trigger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import NOT_SUPPORTED, Files, KeptFile, ParseError, parser
from ..section import Field, OffPage, Section
from ..setup import Setup
from ..source import Now, Source

KEYS = (b"avg10=", b"avg60=", b"avg300=", b"total=")
RESOURCES = ("cpu", "memory", "io", "irq")


@dataclass(slots=True)
class Stalls:
    """One resource: time in which some task waited for it, and time in which all tasks did (full)."""

    some_avg10_percent: Annotated[
        float | None,
        "Share of the last 10 s in which some task waited. The kernel updates it every 2 s.",
    ] = None
    some_avg60_percent: Annotated[
        float | None, "Share of the last 60 s in which some task waited."
    ] = None
    some_avg300_percent: Annotated[
        float | None, "Share of the last 300 s in which some task waited."
    ] = None
    some_total_us: OffPage[
        Annotated[int | None, "Microseconds since boot in which some task waited."]
    ] = None
    some_percent: Annotated[
        float | None, "Share of this interval in which some task waited. Exact, from the total."
    ] = None
    full_avg10_percent: Annotated[
        float | None,
        "Share of the last 10 s in which every task waited. The kernel updates it every 2 s.",
    ] = None
    full_avg60_percent: Annotated[
        float | None, "Share of the last 60 s in which every task waited."
    ] = None
    full_avg300_percent: Annotated[
        float | None, "Share of the last 300 s in which every task waited."
    ] = None
    full_total_us: OffPage[
        Annotated[int | None, "Microseconds since boot in which every task waited."]
    ] = None
    full_percent: Annotated[
        float | None, "Share of this interval in which every task waited. Exact, from the total."
    ] = None


@dataclass(slots=True)
class Pressure:
    """The resources that this kernel measures."""

    cpu: Annotated[
        Stalls | None,
        Field(
            "Share of time in which some task waited for a core. Above 25 %, tasks queue all the time.",
            title="cpu stall",
        ),
    ]
    memory: Annotated[
        Stalls | None,
        Field(
            "Share of time in which some task waited for memory to be freed. Any lasting value makes programs slow.",
            title="memory stall",
        ),
    ]
    io: Annotated[
        Stalls | None,
        Field(
            "Share of time in which some task waited for a disk. Above 10 %, programs are slowed down.",
            title="io stall",
        ),
    ]
    irq: Annotated[
        Stalls | None,
        Field(
            "Share of time in which interrupts delayed all tasks. Normally close to 0.",
            title="irq stall",
        ),
    ]


# avg10, avg60, avg300, total µs; None: not a share of time, or not a count
Line = tuple[float | None, float | None, float | None, int | None]
# The kernel prints shares of a little more than 100 %.
MOST_PERCENT = 101.0


def maybe_share(word: bytes) -> float | None:
    """Return a percentage, or None if the word is not a number."""
    try:
        share = float(word)
    except ValueError:
        return None
    return min(share, 100.0) if 0 <= share <= MOST_PERCENT else None


@parser
def parse(content: bytes) -> Mapping[str, Line]:
    """Return the lines ``some`` and ``full`` of one pressure file, as far as it has them."""
    lines: dict[str, Line] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        words = line.split()
        if not words or words[0] not in (b"some", b"full"):
            continue
        keys = tuple(word[: word.find(b"=") + 1] for word in words[1:5])
        if keys != KEYS:
            raise ParseError("avg10, avg60, avg300 and total expected", line=number)
        lines[words[0].decode()] = (
            maybe_share(words[1][6:]),
            maybe_share(words[2][6:]),
            maybe_share(words[3][7:]),
            counters.maybe_count(words[4][6:]),
        )
    if all(number is None for line in lines.values() for number in line):
        raise ParseError("neither some nor full")
    return lines


class PressureSource:
    """Section ``pressure``."""

    name = "pressure"

    def __init__(self, files: Files) -> None:
        self._files: dict[str, KeptFile[Mapping[str, Line]]] = {
            name: files.proc(f"pressure/{name}", parse) for name in RESOURCES
        }
        self._previous: dict[str, rates.Previous[str, Line]] = {
            name: rates.Previous() for name in RESOURCES
        }
        # Of each resource for which no task waited in the last interval: the content, and the record of it. While the
        # content stays the same, so does the record.
        self._quiet: dict[str, tuple[Mapping[str, Line], Stalls]] = {}

    def collect(self, now: Now) -> Pressure | None:
        """Return None if the kernel has no PSI or has it switched off.

        Raises OSError or ParseError if no resource can be read, and one of them should.
        """
        stalls = [self._maybe_stalls(name, now) for name in RESOURCES]
        if any(stalls):
            return Pressure(*stalls)
        for kept in self._files.values():
            if kept.error is not None and getattr(kept.error, "errno", None) not in NOT_SUPPORTED:
                raise kept.error.with_traceback(None)  # else it grows until the file is tried again
        return None

    def _maybe_stalls(self, name: str, now: Now) -> Stalls | None:
        kept = self._files[name]
        lines = kept.maybe_read(now)
        if lines is None:
            return None
        before, seconds = self._previous[name].exchange(lines, kept.monotonic)
        quiet = self._quiet.get(name)
        if quiet is not None and quiet[0] is lines and before is lines and seconds is not None:
            return quiet[1]
        us = None if seconds is None else seconds * 1e6
        stalls = Stalls(*_line(lines, before, "some", us), *_line(lines, before, "full", us))
        if before is lines and seconds is not None:
            self._quiet[name] = lines, stalls
        return stalls


def _line(
    lines: Mapping[str, Line], before: Mapping[str, Line], kind: str, us: float | None
) -> tuple[float | None, float | None, float | None, int | None, float | None]:
    """Return the five fields of one line."""
    line, then = lines.get(kind), before.get(kind)
    if line is None:
        return None, None, None, None, None
    if us is None or then is None:
        return *line, None
    if line == then and line[3] is not None:
        return *line, 0.0  # No task waited. That is the usual case.
    # The times of all cores are put together, so that they may be a little ahead of the clock.
    waited = counters.rise_of_time(line[3], then[3], 2 * us + 1e6)
    return *line, rates.percent(waited, us)


SECTIONS = (
    Section(
        PressureSource,
        Pressure,
        title="Pressure",
        text="How much time tasks lost because they waited for a resource.",
        files="/proc/pressure/*",
        prometheus="telemetry_stream_pressure",
        label="resource",
        nulls="A resource is null if the kernel does not measure it. `full_*` of cpu is null before Linux 5.13 and 0 "
        "since then. irq (since Linux 6.1) has no `some_*`. `some_percent` and `full_percent` are null once if the "
        "total fell, or rose by more than the time that passed.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (PressureSource(setup.files),)
