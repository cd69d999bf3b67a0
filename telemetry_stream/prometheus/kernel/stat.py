"""/proc/stat: the times of each core, and what the kernel counts in total (collectors cpu and stat)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...metrics.sources import kernel_stat
from ..exposition import Column, Family, Kind, labels, single, table
from .host import Host

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUEST_MODES = ("user", "nice")  # the columns behind MODES; user and nice contain them

TOTALS: tuple[tuple[str, Kind, str, str], ...] = (
    ("intr_total", "counter", "Total number of interrupts serviced.", "interrupts"),
    ("context_switches_total", "counter", "Total number of context switches.", "context_switches"),
    ("forks_total", "counter", "Total number of forks.", "forks"),
    ("boot_time_seconds", "gauge", "Node boot time, in unixtime.", "boot_time_unix"),
    ("procs_running", "gauge", "Number of processes in runnable state.", "procs_running"),
    (
        "procs_blocked",
        "gauge",
        "Number of processes blocked waiting for I/O to complete.",
        "procs_blocked",
    ),
)


def collect(host: Host) -> Iterator[Family]:
    """Yield the families of /proc/stat. Raises OSError or ParseError."""
    stat = kernel_stat.parse(host.proc("stat"))
    seconds = 1 / os.sysconf("SC_CLK_TCK")
    cores = host.core_ticks.rising(stat.cores)
    for name, text, modes, first in (
        ("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", MODES, 0),
        (
            "node_cpu_guest_seconds_total",
            "Seconds the CPUs spent in guests (VMs) for each mode.",
            GUEST_MODES,
            len(MODES),
        ),
    ):
        rows = [
            (labels({"cpu": str(core), "mode": mode}), (ticks[first + place],))
            for core, ticks in cores.items()
            for place, mode in enumerate(modes)
        ]
        yield from table([Column(name, "counter", text, seconds)], rows)
    for suffix, kind, text, field in TOTALS:
        yield single(f"node_{suffix}", kind, text, getattr(stat, field))
