"""The parser of /proc/stat (Documentation/filesystems/proc.rst, 1.7), which cpu, load, system and process share.

    cpu  1393 0 2411 ...                           sum of all possible CPUs; not used, since it falls when a core goes
    cpu3 702 0 1207 88213 52 0 4 0 0 0             user nice system idle iowait irq softirq steal guest guest_nice
    intr 104883 9 0 ...                            the first number is the total; over 100 KB long on large hosts
    ctxt 219922
    btime 1763969000
    processes 4711
    procs_running 2
    procs_blocked 0

Times are in units of CLK_TCK. Kernels before 2.6.33 write 4, 7, 8 or 9 columns; the missing ones are read as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..files import ParseError, parser

COLUMNS = 10
MAX_DIGITS = 32  # enough for a 64-bit number and the space after it
CoreTicks = tuple[int, ...]  # of length COLUMNS


@dataclass(slots=True)
class KernelStat:
    """The values of /proc/stat that we use. None: this kernel does not have the line."""

    cores: Mapping[
        int, CoreTicks
    ]  # by the kernel's number; the file has no line for an offline core
    context_switches: int | None = None
    interrupts: int | None = None
    forks: int | None = None
    boot_time_unix: int | None = None
    procs_running: int | None = None
    procs_blocked: int | None = None


# The fields behind the cores, and how their lines begin.
FIELDS = (
    ("context_switches", b"\nctxt "),
    ("interrupts", b"\nintr "),
    ("forks", b"\nprocesses "),
    ("boot_time_unix", b"\nbtime "),
    ("procs_running", b"\nprocs_running "),
    ("procs_blocked", b"\nprocs_blocked "),
)


@parser
def parse(content: bytes) -> KernelStat:
    """Parse /proc/stat.

    Only the lines of the cores are split. The others are searched for, because the intr line of a large host holds a
    hundred thousand bytes of single interrupts.
    """
    if b"-" in content:  # int() would accept it, but the kernel prints unsigned numbers.
        raise ParseError("negative number")
    cores: dict[int, CoreTicks] = {}
    end_of_cores = content.find(b"\nintr ")
    lines = content if end_of_cores < 0 else content[:end_of_cores]
    for number, line in enumerate(lines.split(b"\n"), 1):
        if line[:3] != b"cpu" or line[3:4] in b" ":
            continue
        words = line.split(None, COLUMNS + 1)
        if len(words) < 5:
            raise ParseError("a core has fewer than four columns", line=number)
        ticks = tuple(map(int, words[1 : COLUMNS + 1]))
        if len(ticks) < COLUMNS:
            ticks += (0,) * (COLUMNS - len(ticks))
        cores[int(words[0][3:])] = ticks
    if not cores:
        raise ParseError("no line of a core")
    others: dict[str, int] = {}
    for field, needle in FIELDS:
        start = content.find(needle)
        if start >= 0:
            words = content[start + len(needle) : start + len(needle) + MAX_DIGITS].split(None, 1)
            others[field] = int(words[0])
    return KernelStat(cores, **others)
