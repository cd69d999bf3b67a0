"""The parser of /proc/stat (Documentation/filesystems/proc.rst, 1.7), which cpu, load, system and process share.

    cpu  1393 0 2411 ...                           sum of all possible CPUs; not used, since it falls when a core goes
    cpu3 702 0 1207 88213 52 0 4 0 0 0             user nice system idle iowait irq softirq steal guest guest_nice
    intr 104883 9 0 ...                            the first number is the total; over 100 KB long on large hosts
    ctxt 219922
    btime 1763969000
    processes 4711
    procs_running 2
    procs_blocked 0

Times are in units of CLK_TCK. Kernels before 2.6.33 write 4, 7, 8 or 9 columns; the missing ones are None. What is
not a number, or is negative, loses only its own place: the kernel sums some of them without a lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import counters
from ..files import ParseError, parser

COLUMNS = 10
MAX_DIGITS = 32  # enough for a 64-bit number and the space after it
MOST_DIGITS_OF_A_CORE = 9  # its number is an int
CoreTicks = tuple[int | None, ...]  # of length COLUMNS


@dataclass(slots=True)
class KernelStat:
    """The values of /proc/stat that we use. None: this kernel does not have the line, or its number is not a count."""

    # By the kernel's number. The file has no line for an offline core.
    cores: Mapping[int, CoreTicks]
    context_switches: int | None = None
    interrupts: int | None = None
    forks: int | None = None
    boot_time_unix: int | None = None
    procs_running: int | None = None
    procs_blocked: int | None = None


# The fields behind the cores, how their lines begin, and the largest count.
FIELDS = (
    ("context_switches", b"\nctxt ", counters.NEGATIVE_FROM - 1),
    ("interrupts", b"\nintr ", counters.NEGATIVE_FROM - 1),
    ("forks", b"\nprocesses ", counters.NEGATIVE_FROM - 1),
    ("boot_time_unix", b"\nbtime ", counters.NEGATIVE_FROM - 1),
    ("procs_running", b"\nprocs_running ", counters.MOST_TASKS),
    ("procs_blocked", b"\nprocs_blocked ", counters.MOST_TASKS),
)


@parser
def parse(content: bytes) -> KernelStat:
    """Parse /proc/stat. Raises ParseError only if no core has a count.

    Only the lines of the cores are split. The others are searched for, because the intr line of a large host holds a
    hundred thousand bytes of single interrupts.
    """
    cores: dict[int, CoreTicks] = {}
    end_of_cores = content.find(b"\nintr ")
    lines = content if end_of_cores < 0 else content[:end_of_cores]
    for line in lines.split(b"\n"):
        if line[:3] != b"cpu" or not line[3:4].isdigit():
            continue
        words = line.split(None, COLUMNS + 1)
        number = words[0][3:]
        if not number.isdigit() or len(number) > MOST_DIGITS_OF_A_CORE:
            continue
        ticks = counters.counts(words[1 : COLUMNS + 1])
        if len(ticks) < COLUMNS:
            ticks += (None,) * (COLUMNS - len(ticks))
        cores[int(number)] = ticks
    if all(count is None for ticks in cores.values() for count in ticks):
        raise ParseError("no line of a core")
    others: dict[str, int | None] = {}
    for field, needle, most in FIELDS:
        start = content.find(needle)
        if start >= 0:
            words = content[start + len(needle) : start + len(needle) + MAX_DIGITS].split(None, 1)
            others[field] = counters.maybe_count(words[0], most) if words else None
    return KernelStat(cores, **others)
