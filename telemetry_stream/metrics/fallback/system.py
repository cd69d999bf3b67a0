"""psutil's figures of the system as a whole: the sections cpu, load, memory, swap, system and self.

Strategy: a fallback source only fills in what a parser would have returned; the same function as for the file makes the
record, so that every rule exists once. Each source keeps its own previous reading. So after a switch between file and
psutil the first rates are None, never the difference of two ways to count. psutil reads the running system only, never
another proc_root. Its module is passed in, because the collector imports it only when a source fails.
"""

from __future__ import annotations

from typing import Any

from ..attributes import maybe_read_once, parse_cpu_list
from ..files import Files
from ..setup import SelfStats
from ..source import Clock, Now, Options, Source
from ..sources import cpu, load, memory, own, swap, system
from ..sources.kernel_stat import CoreTicks, KernelStat
from ..sources.process_list import ProcessList
from ..units import CLK_TCK
from .devices import device_sources
from .processes import PsutilProcesses, PsutilTable

# The columns of /proc/stat as psutil names them. psutil 8 changed their order, and other systems have fewer.
CPU_FIELDS = (
    "user",
    "nice",
    "system",
    "idle",
    "iowait",
    "irq",
    "softirq",
    "steal",
    "guest",
    "guest_nice",
)
MEMORY_FIELDS = {
    "MemTotal": "total",
    "MemAvailable": "available",
    "MemFree": "free",
    "Buffers": "buffers",
    "Cached": "cached",  # psutil has already added SReclaimable, as we do
    "Shmem": "shared",
}


def psutil_sources(
    psutil: Any,
    clock: Clock,
    stats: SelfStats,
    options: Options,
    all_processes: ProcessList | None = None,
) -> tuple[Source, ...]:
    """Return a source for each section that psutil can fill. TCP is missing: psutil reads every /proc/PID/fd for it.

    ``all_processes`` gets each reading of the processes.
    """
    files = Files("/proc", "/sys", clock)
    return (
        Cpu(psutil, clock),
        Load(psutil),
        Memory(psutil),
        Swap(psutil, clock),
        System(psutil, files, timeout_seconds=options.timeout_seconds),
        Own(psutil, files, stats),
        *device_sources(psutil, files, options),
        PsutilProcesses(
            psutil,
            files,
            rows=options.process_rows,
            table=PsutilTable(psutil),
            all_processes=all_processes,
            timeout_seconds=options.timeout_seconds,
        ),
    )


def core_ids(online: bytes | None, count: int) -> list[int]:
    """Return the ids of the ``count`` cores that psutil lists, from the content of sysfs' cpu/online.

    psutil does not return ids. If there are not ``count`` cores in sysfs, they are numbered.
    """
    ids = sorted(parse_cpu_list(online or b""))
    return ids if len(ids) == count else list(range(count))


def _ticks(times: object) -> CoreTicks:
    """Return the columns of /proc/stat; None for those that this system does not have."""
    seconds = [getattr(times, field, None) for field in CPU_FIELDS]
    return tuple(None if each is None else round(each * CLK_TCK) for each in seconds)


class Cpu:
    """Section ``cpu``."""

    name = "cpu"

    def __init__(self, psutil: Any, clock: Clock) -> None:
        self._psutil = psutil
        self._monotonic = clock.monotonic
        self._rates = cpu.CpuRates()

    def collect(self, now: Now) -> cpu.Cpu:
        at = self._monotonic()
        times = self._psutil.cpu_times(percpu=True)
        stats = self._psutil.cpu_stats()
        ids = core_ids(maybe_read_once("/sys/devices/system/cpu/online"), len(times))
        cores = {core: _ticks(of) for core, of in zip(ids, times, strict=True)}
        stat = KernelStat(cores, stats.ctx_switches, stats.interrupts)
        return self._rates.record(stat, at, was_suspended=now.was_suspended)


class Load:
    """Section ``load``."""

    name = "load"

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil

    def collect(self, _now: Now) -> load.Load:
        averages = load.Loadavg(*(round(average, 2) for average in self._psutil.getloadavg()))
        cores: dict[int, CoreTicks] = dict.fromkeys(range(self._psutil.cpu_count() or 0), ())
        return load.record(averages, KernelStat(cores))


class Memory:
    """Section ``memory``. psutil puts 0 in the place of what it cannot find, so that 0 is unknown."""

    name = "memory"

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil

    def collect(self, _now: Now) -> memory.Memory:
        figures = self._psutil.virtual_memory()
        meminfo = {key: getattr(figures, field, 0) or None for key, field in MEMORY_FIELDS.items()}
        return memory.record(meminfo, low_bytes=None)


class Swap:
    """Section ``swap``.

    psutil returns 0 for both counters if it cannot read /proc/vmstat, as for a system that has never swapped. So the
    rates are unknown until one of them has counted something.
    """

    name = "swap"

    def __init__(self, psutil: Any, clock: Clock) -> None:
        self._psutil = psutil
        self._monotonic = clock.monotonic
        self._rates = swap.SwapRates()

    def collect(self, _now: Now) -> swap.Swap | None:
        at = self._monotonic()
        figures = self._psutil.swap_memory()
        meminfo = {"SwapTotal": figures.total, "SwapFree": figures.free}
        # sin and sout are pages × 4096, whatever the page size of the machine is.
        pages = {"pswpin": figures.sin // 4096, "pswpout": figures.sout // 4096}
        return self._rates.record(meminfo, pages if any(pages.values()) else {}, at)


class System:
    """Section ``system``."""

    name = "system"

    def __init__(self, psutil: Any, files: Files, *, timeout_seconds: float) -> None:
        self._psutil = psutil
        self._source = system.SystemSource(files, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """End the idle worker."""
        self._source.close()

    def collect(self, now: Now) -> system.System:
        boot_time = self._psutil.boot_time()
        # Both move if the system time is set, so their difference stays the uptime.
        uptime = now.realtime - boot_time
        return self._source.record(round(uptime, 2) if uptime >= 0 else None, int(boot_time), now)


class Own:
    """Section ``self``."""

    name = "self"

    def __init__(self, psutil: Any, files: Files, stats: SelfStats) -> None:
        self._psutil = psutil
        self._source = own.SelfSource(files, stats)

    def collect(self, _now: Now) -> own.Own:
        process = self._psutil.Process()
        return self._source.record(process.num_threads(), process.memory_info().rss)
