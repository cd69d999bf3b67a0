"""What psutil answers when a kernel file is missing, unreadable or makes no sense (metrics.md 13).

Strategy: each answer only fills in what a parser would have returned, and goes through the same record builder as the
file would have, so the rules exist once. Every answer keeps its own previous reading: after a switch from one to the
other the first rates are None, never a difference between two ways of counting. psutil is imported by the first answer
that needs it (it costs 15 ms and 4 MiB), and sees the running system only, never another proc_root.
"""

from __future__ import annotations

from ..attributes import maybe_read_once
from ..files import Files
from ..source import Clock, Now, Source
from ..sources import cpu, host, load, memory, own
from ..sources.kernel_stat import CoreTicks, KernelStat
from ..units import CLK_TCK, PAGE_BYTES
from .devices import device_sources
from .lazy_psutil import load_psutil
from .processes import PROCESS_ROWS, PsutilProcesses, PsutilTable

# The columns of /proc/stat by psutil's field names; psutil 8 changed their order, and other systems have fewer.
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
    "Cached": "cached",  # psutil adds SReclaimable already, as we do
    "Shmem": "shared",
}


def psutil_sources(clock: Clock, stats: own.SelfStats) -> tuple[Source, ...]:
    """A source for each section that psutil can speak for. TCP is not among them: it walks every /proc/PID/fd."""
    return (
        Cpu(clock),
        Load(),
        Memory(),
        Swap(clock),
        System(),
        Own(clock, stats),
        *device_sources(clock),
        PsutilProcesses(Files("/proc", "/sys", clock), rows=PROCESS_ROWS, table=PsutilTable()),
    )


def parse_cpu_list(content: bytes) -> list[int]:
    """The ids in ``0-2,5``, as sysfs lists cpus. ValueError for anything else."""
    ids: list[int] = []
    for part in content.decode("ascii").strip().split(","):
        first, dash, last = part.partition("-")
        ids.extend(range(int(first), int(last if dash else first) + 1))
    return ids


def _core_ids(count: int) -> list[int]:
    """psutil lists the online cores without their ids: sysfs names them."""
    online = maybe_read_once("/sys/devices/system/cpu/online")
    ids = parse_cpu_list(online) if online is not None else []
    return ids if len(ids) == count else list(range(count))


def _ticks(times: object) -> CoreTicks:
    return tuple(round(getattr(times, field, 0.0) * CLK_TCK) for field in CPU_FIELDS)


class Cpu:
    """Section ``cpu``."""

    name = "cpu"

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._rates = cpu.CpuRates()

    def collect(self, now: Now) -> cpu.Cpu:
        psutil = load_psutil()
        at = self._monotonic()
        times = psutil.cpu_times(percpu=True)
        stats = psutil.cpu_stats()
        cores = {core: _ticks(of) for core, of in zip(_core_ids(len(times)), times, strict=True)}
        stat = KernelStat(cores, stats.ctx_switches, stats.interrupts)
        return self._rates.record(stat, at, was_suspended=now.was_suspended)


class Load:
    """Section ``load``."""

    name = "load"

    def collect(self, _now: Now) -> load.Load:
        psutil = load_psutil()
        averages = load.Loadavg(*(round(average, 2) for average in psutil.getloadavg()))
        cores = dict.fromkeys(range(psutil.cpu_count() or 1), ())
        return load.record(averages, KernelStat(cores))


class Memory:
    """Section ``memory``."""

    name = "memory"

    def collect(self, _now: Now) -> memory.Memory:
        answer = load_psutil().virtual_memory()
        meminfo = {
            key: getattr(answer, field)
            for key, field in MEMORY_FIELDS.items()
            if hasattr(answer, field)
        }
        return memory.record(meminfo)


class Swap:
    """Section ``swap``."""

    name = "swap"

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._rates = memory.SwapRates()

    def collect(self, _now: Now) -> memory.Swap | None:
        psutil = load_psutil()
        at = self._monotonic()
        answer = psutil.swap_memory()
        meminfo = {"SwapTotal": answer.total, "SwapFree": answer.free}
        # sin and sout assume pages of 4 KiB, whatever the machine has: bytes = count / 4096 pages.
        scale = PAGE_BYTES // 4096
        paging = {"pswpin": answer.sin * scale, "pswpout": answer.sout * scale}
        return self._rates.record(meminfo, paging, at)


class System:
    """Section ``system``."""

    name = "system"

    def collect(self, now: Now) -> host.System:
        boot_time = load_psutil().boot_time()
        # The boot time moves with the wall clock, as does now.realtime: their difference stays the uptime.
        uptime = max(0.0, now.realtime - boot_time)
        return host.System(
            round(uptime, 2), int(boot_time), None, round(now.suspended_seconds, 3), "host"
        )


class Own:
    """Section ``self``."""

    name = "self"

    def __init__(self, clock: Clock, stats: own.SelfStats) -> None:
        self._source = own.SelfSource(Files("/proc", "/sys", clock), stats)

    def collect(self, _now: Now) -> own.Own:
        process = load_psutil().Process()
        return self._source.record(process.num_threads(), process.memory_info().rss)
