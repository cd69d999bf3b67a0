"""The parse of /proc/stat (kernel docs: filesystems/proc.rst, 1.8), shared by cpu, load and host.

Specimen:
    cpu  1393 0 2411 ...           sum over all possible CPUs: not used, it jumps when a core goes
    offline cpu3 702 0 1207 88213 52 0 4 0 0 0     user nice system idle iowait irq softirq steal
    guest guest_nice, in CLK_TCK intr 104883 9 0 ...            the first number is the total; the
    line exceeds 100 KB on large hosts ctxt 219922 / btime 1763969000 / processes 4711 /
    procs_running 2 / procs_blocked 0
Kernels before 2.6.33 write fewer columns (4, 7, 8 or 9): what is missing is 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..files import ParseError, parser
from ..frozen import frozen

COLUMNS = 10
CoreTicks = tuple[int, ...]  # COLUMNS of them


@frozen
class KernelStat:
    """What we use of /proc/stat; None where the kernel does not say."""

    cores: Mapping[int, CoreTicks]  # by cpu id: offline cores are not in the file
    context_switches: int | None = None
    interrupts: int | None = None
    forks: int | None = None
    boot_time_unix: int | None = None
    procs_running: int | None = None
    procs_blocked: int | None = None


# The lines after the cores, by their first word.
FIELDS = {
    b"ctxt": "context_switches",
    b"intr": "interrupts",
    b"processes": "forks",
    b"btime": "boot_time_unix",
    b"procs_running": "procs_running",
    b"procs_blocked": "procs_blocked",
}


@parser
def parse(content: bytes) -> KernelStat:
    """/proc/stat, whole."""
    if b"-" in content:  # int() would take it; the kernel prints unsigned
        raise ParseError("negative number")
    cores: dict[int, CoreTicks] = {}
    others: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if line[:3] == b"cpu":
            words = line.split()
            if len(words[0]) == 3:
                continue
            if len(words) < 5:
                raise ParseError("a core needs at least four columns", line=number)
            ticks = tuple(map(int, words[1 : COLUMNS + 1]))
            if len(ticks) < COLUMNS:
                ticks += (0,) * (COLUMNS - len(ticks))
            cores[int(words[0][3:])] = ticks
        else:
            # Two words are enough: the rest of an intr line is a hundred thousand bytes of single
            # interrupts.
            words = line.split(None, 2)
            field = FIELDS.get(words[0]) if words else None
            if field is not None and len(words) > 1:
                others[field] = int(words[1])
    if not cores:
        raise ParseError("no line of a core")
    return KernelStat(cores, **others)
