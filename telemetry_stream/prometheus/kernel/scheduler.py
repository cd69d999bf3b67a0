"""Time in which tasks ran and waited: /proc/pressure and /proc/schedstat (Documentation/accounting/psi.rst,
Documentation/scheduler/sched-stats.rst; collectors pressure and schedstat).

    cpu0 0 0 0 0 0 0 2045936778163 343796328169 4767485      ... running ns, waiting ns, timeslices
"""

from __future__ import annotations

from collections.abc import Iterator

from ...metrics.files import NOT_SUPPORTED
from ...metrics.sources import pressure
from ..exposition import Column, Family, labels, scaled, single, table
from .host import Host, maybe_number

TOTAL = 3  # the place of the total in a parsed line
# Resource, line of its file, series.
PRESSURE = (
    ("cpu", "some", "cpu_waiting", "that processes have waited for CPU time"),
    ("io", "some", "io_waiting", "that processes have waited due to IO congestion"),
    ("io", "full", "io_stalled", "no process could make progress due to IO congestion"),
    ("memory", "some", "memory_waiting", "that processes have waited for memory"),
    ("memory", "full", "memory_stalled", "no process could make progress due to memory congestion"),
    ("irq", "full", "irq_stalled", "no process could make progress due to IRQ congestion"),
)

SCHEDSTAT_NUMBERS = slice(7, 10)
SCHEDSTAT = tuple(
    Column(f"node_schedstat_{name}_total", "counter", text, factor)
    for name, text, factor in (
        ("running_seconds", "Number of seconds CPU spent running a process.", 1e-9),
        ("waiting_seconds", "Number of seconds spent by processing waiting for this CPU.", 1e-9),
        ("timeslices", "Number of timeslices executed by CPU.", 1),
    )
)


def collect_pressure(host: Host) -> Iterator[Family]:
    """Yield the totals of each resource. Raises OSError or ParseError.

    A kernel that has PSI but does not use it has no families, and an older kernel has none for irq.
    """
    files = {}
    for resource in ("cpu", "io", "memory", "irq"):
        try:
            files[resource] = pressure.parse(host.proc(f"pressure/{resource}"))
        except OSError as error:
            if error.errno not in NOT_SUPPORTED:
                raise
    for resource, line, name, text in PRESSURE:
        parsed = files.get(resource, {}).get(line)
        seconds = None if parsed is None else scaled(parsed[TOTAL], 1e-6)
        yield single(
            f"node_pressure_{name}_seconds_total",
            "counter",
            f"Total time in seconds {text}",
            seconds,
        )


def collect_schedstat(host: Host) -> Iterator[Family]:
    """Yield the times of each core. Raises OSError."""
    rows = []
    for line in host.proc("schedstat").decode("ascii", "replace").splitlines():
        name, *_ = words = line.split()
        core = name.removeprefix("cpu")
        if core != name and core.isdigit():
            numbers = [maybe_number(word) for word in words[SCHEDSTAT_NUMBERS]]
            rows.append((labels({"cpu": core}), numbers))
    yield from table(SCHEDSTAT, rows)
