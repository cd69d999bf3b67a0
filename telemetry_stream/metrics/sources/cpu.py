"""CPU use of each core and of all cores together, from /proc/stat. cpu_shares.py calculates the shares of their time.

clocks.py has their frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..files import Files
from ..section import Field, OffPage, Part, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import CLK_TCK
from .clocks import Clocks, ClocksScan
from .cpu_shares import SHARES, Passed, added, core_deltas, shares
from .kernel_stat import COLUMNS, CoreTicks, KernelStat, parse

# A core switches tasks or handles interrupts at most once in 100 ns, and a fork takes at least 1 µs.
SWITCHES = counters.Limit(1e7, 1e7)
FORKS = counters.Limit(1e6, 1e6)

# The shares of a core, and of all cores together.
Usage = Annotated[
    float | None,
    "Share of time spent working: everything except idle and iowait. Null if no tick passed.",
]
User = Annotated[float | None, "Share of time in programs, without nice and guest time."]
Nice = Annotated[float | None, "Share of time in programs of low priority, without guest time."]
SystemTime = Annotated[float | None, "Share of time in the kernel on behalf of programs."]
Idle = Annotated[float | None, "Share of time without anything to do."]
Iowait = Annotated[
    float | None,
    "Share of time that was idle while a task waited for a disk. The kernel calls it unreliable; pressure of io is "
    "exact.",
]
Irq = Annotated[float | None, "Share of time in handlers of hardware interrupts."]
Softirq = Annotated[
    float | None, "Share of time in deferred interrupt work, mostly of the network."
]
Steal = Annotated[
    float | None,
    "Share of time that this virtual machine wanted and did not get. Above 5 %, its hypervisor is overcommitted.",
]
Guest = Annotated[float | None, "Share of time in virtual machines that this host runs."]


@dataclass(slots=True)
class Core:
    """One online core."""

    id: Annotated[
        int,
        Field(
            "The kernel's number. It is not consecutive if a core is offline.",
            unit="number",
            prometheus="cpu",
            is_identity=True,
        ),
    ]
    usage_percent: Usage = None
    user_percent: OffPage[User] = None
    nice_percent: OffPage[Nice] = None
    system_percent: OffPage[SystemTime] = None
    idle_percent: OffPage[Idle] = None
    iowait_percent: OffPage[Iowait] = None
    irq_percent: OffPage[Irq] = None
    softirq_percent: OffPage[Softirq] = None
    steal_percent: OffPage[Steal] = None
    guest_percent: OffPage[Guest] = None


@dataclass(slots=True)
class Cpu:
    """The cores that are valid in both samples together, and each online core."""

    usage_percent: Usage
    user_percent: User
    nice_percent: Nice
    system_percent: SystemTime
    idle_percent: Idle
    iowait_percent: Iowait
    irq_percent: Irq
    softirq_percent: Softirq
    steal_percent: Steal
    guest_percent: Guest
    online_count: Annotated[
        int,
        Field(
            "Cores that are online.",
            unit="cores",
            title="online cores",
            prometheus="telemetry_stream_cpu_online_cores",
        ),
    ]
    context_switches_per_second: Annotated[float | None, "Changes from one task to another."]
    interrupts_per_second: Annotated[float | None, "Interrupts of all kinds."]
    forks_per_second: Annotated[float | None, "New processes and threads."]
    cores: Annotated[
        tuple[Core, ...],
        Part(
            text="Each online core.",
            prometheus="telemetry_stream_cpu_core",
            nulls="All shares of a core are null once if it is new or was plugged in again, and after a suspend.",
        ),
    ]
    clocks: Annotated[
        Clocks | None,
        Part(
            text="Frequencies and throttling, at most once per second. Null while no viewer wants the section, and on "
            "a host that has neither.",
            files="/sys/devices/system/cpu",
            prometheus="telemetry_stream_cpu_clocks",
        ),
    ] = None


class CpuRates:
    """Makes a Cpu from each reading of /proc/stat or of psutil."""

    def __init__(self) -> None:
        self._previous: rates.Previous[int, CoreTicks] = rates.Previous()
        self._stat_before: KernelStat | None = None
        # The limits of all cores together. Their number hardly ever changes.
        self._cores = 0
        self._switches, self._forks = SWITCHES, FORKS

    def record(self, stat: KernelStat, at: float, *, was_suspended: bool) -> Cpu:
        """Return the Cpu since the reading before. After a suspend, the counters of the cores mean nothing."""
        before, seconds = self._previous.exchange(stat.cores, at)
        stat_before, self._stat_before = self._stat_before, stat
        if was_suspended:
            seconds = None
        sums: Passed = [0] * COLUMNS
        absent: set[int] = set()
        elapsed = round((seconds or 0) * CLK_TCK)
        valid = 0
        cores: list[Core] = []
        for core_id, ticks in sorted(stat.cores.items()):
            passed = core_deltas(ticks, before.get(core_id), seconds)
            if passed is None:
                cores.append(Core(core_id))
                continue
            sums = added(sums, passed)
            valid += 1
            absent_here: list[int] = []
            if None in ticks:
                absent_here = [column for column, count in enumerate(ticks) if count is None]
                absent.update(absent_here)
            cores.append(Core(core_id, *shares(passed, elapsed, absent_here)))

        if len(cores) != self._cores:
            self._cores = len(cores)
            self._switches = SWITCHES.over(1 / self._cores)
            self._forks = FORKS.over(1 / self._cores)
        then = stat_before or stat
        return Cpu(
            **dict(zip(SHARES, shares(sums, elapsed * valid, absent), strict=True)),
            online_count=len(stat.cores),
            context_switches_per_second=rates.per_second(
                stat.context_switches, then.context_switches, seconds, self._switches
            ),
            interrupts_per_second=rates.per_second(
                stat.interrupts, then.interrupts, seconds, self._switches
            ),
            forks_per_second=rates.per_second(stat.forks, then.forks, seconds, self._forks),
            cores=tuple(cores),
            clocks=None,
        )


class CpuSource:
    """Section ``cpu``. Its part ``clocks`` is collected while the section is wanted."""

    name = "cpu"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._stat = files.proc("stat", parse)
        self._rates = CpuRates()
        self._clocks = ClocksScan(files, timeout_seconds=timeout_seconds)

    def collect(self, now: Now) -> Cpu:
        """Raises OSError or ParseError if /proc/stat is unavailable."""
        stat = self._stat.read(now)
        cpu = self._rates.record(stat, self._stat.monotonic, was_suspended=now.was_suspended)
        if self.name in now.wanted:
            cpu.clocks = self._clocks.maybe_clocks(now)
        else:
            self._clocks.pause()
        return cpu

    def close(self) -> None:
        """End the idle worker."""
        self._clocks.close()


SECTIONS = (
    Section(
        CpuSource,
        Cpu,
        title="CPU",
        text="Share of the time of all cores that was spent working. Waiting for a disk does not count. A high value "
        "is normal while there is work; it is a problem only if tasks have to wait for a core (pressure of cpu).",
        files="/proc/stat",
        prometheus="telemetry_stream_cpu",
        nulls="All shares and rates are null after a suspend. Shares are of the cores that are valid in both samples. "
        "A share is null if the kernel does not have its column, or if it gained more than the time that passed.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (CpuSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
