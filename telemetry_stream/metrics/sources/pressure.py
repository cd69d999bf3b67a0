"""Pressure stall information from /proc/pressure/{cpu,memory,io,irq} (metrics.md 4; kernel docs: accounting/psi.rst).

Specimen, a line each for some and full:
    some avg10=3.00 avg60=19.52 avg300=13.94 total=92919312
The averages move every 2 s; ``total`` (µs) is exact on every read, so our own ``*_percent`` comes from its delta.
Absent before Linux 4.20; built in but off, reading gives EOPNOTSUPP. cpu has no full line before 5.13 (and 0 after),
irq (6.1) has only that. Opened read-only: a write would register a trigger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .. import rates
from ..files import Files, KeptFile, ParseError, parser
from ..source import Now

KEYS = (b"avg10=", b"avg60=", b"avg300=", b"total=")
RESOURCES = ("cpu", "memory", "io", "irq")


@dataclass(slots=True)
class Stalls:
    """One resource: ``some`` task waited for it, or ``full``: all of them did."""

    some_avg10_percent: float | None = None
    some_avg60_percent: float | None = None
    some_avg300_percent: float | None = None
    some_total_us: int | None = None
    some_percent: float | None = None
    full_avg10_percent: float | None = None
    full_avg60_percent: float | None = None
    full_avg300_percent: float | None = None
    full_total_us: int | None = None
    full_percent: float | None = None


@dataclass(slots=True)
class Pressure:
    """All resources that this kernel measures."""

    cpu: Stalls | None
    memory: Stalls | None
    io: Stalls | None
    irq: Stalls | None


Line = tuple[float, float, float, int]  # avg10, avg60, avg300, total µs


@parser
def parse(content: bytes) -> Mapping[str, Line]:
    """One pressure file: ``some`` and ``full``, whichever it has. Keys go by name."""
    lines: dict[str, Line] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        words = line.split()
        if not words or words[0] not in (b"some", b"full"):
            continue
        keys = tuple(word[: word.find(b"=") + 1] for word in words[1:5])
        if keys != KEYS:
            raise ParseError("avg10, avg60, avg300 and total expected", line=number)
        averages = float(words[1][6:]), float(words[2][6:]), float(words[3][7:])
        total = int(words[4][6:])
        if total < 0 or not 0 <= min(averages) <= max(averages) < math.inf:
            raise ParseError("not a share of time", line=number)
        if max(averages) > 100:
            averages = min(averages[0], 100.0), min(averages[1], 100.0), min(averages[2], 100.0)
        lines[words[0].decode()] = (*averages, total)
    if not lines:
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

    def collect(self, now: Now) -> Pressure | None:
        """None where the kernel has no PSI or has it switched off. Raises OSError or ParseError."""
        stalls = [self._stalls(name, now) for name in RESOURCES]
        return Pressure(*stalls) if any(stalls) else None

    def _stalls(self, name: str, now: Now) -> Stalls | None:
        kept = self._files[name]
        lines = kept.maybe_read(now)
        if lines is None:
            return None
        before, seconds = self._previous[name].exchange(lines, kept.monotonic)
        us = None if seconds is None else seconds * 1e6
        return Stalls(*_line(lines, before, "some", us), *_line(lines, before, "full", us))


def _line(
    lines: Mapping[str, Line], before: Mapping[str, Line], kind: str, us: float | None
) -> tuple[float | None, float | None, float | None, int | None, float | None]:
    """The five fields of one line."""
    line, then = lines.get(kind), before.get(kind)
    if line is None:
        return None, None, None, None, None
    if line == then and us is not None:
        return *line, 0.0  # nobody waited: most resources, most of the time
    return *line, rates.percent(rates.delta(line[3], then and then[3]), us)
