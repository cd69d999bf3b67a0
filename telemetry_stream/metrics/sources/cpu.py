"""CPU use of each core and of all cores together, from /proc/stat.

All shares divide by the ticks that passed on the core itself, never by the wall clock: a second of a tickless core has
99 to 101 ticks. The kernel counts guest time in user and nice, too, so it is subtracted there and not added to the
total. Steal is busy, iowait is idle.

iowait and steal may decrease (Documentation/filesystems/proc.rst, 1.7); then the field is 0 in that interval. A core
whose idle, user or system time falls was plugged in again or resumed. It is unknown for one interval.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from .. import rates
from ..files import Files
from ..section import Field, OffPage, Part, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import CLK_TCK
from .kernel_stat import COLUMNS, CoreTicks, KernelStat, parse

USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, GUEST, GUEST_NICE = range(10)
# An idle counter that falls by more than this was reset; less may be jitter. node_exporter uses the same 3 s.
IDLE_FALL_TICKS = 3 * CLK_TCK

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
            prometheus="node_cpu_online_cores",
        ),
    ]
    context_switches_per_second: Annotated[float | None, "Changes from one task to another."]
    interrupts_per_second: Annotated[float | None, "Interrupts of all kinds."]
    forks_per_second: Annotated[float | None, "New processes and threads."]
    cores: Annotated[
        tuple[Core, ...],
        Part(
            text="Each online core.",
            prometheus="node_cpu_core",
            nulls="All shares of a core are null once if it is new or was plugged in again, and after a suspend.",
        ),
    ]


SHARES = (
    "usage_percent",
    "user_percent",
    "nice_percent",
    "system_percent",
    "idle_percent",
    "iowait_percent",
    "irq_percent",
    "softirq_percent",
    "steal_percent",
    "guest_percent",
)
UNKNOWN = (None,) * len(SHARES)


class CpuRates:
    """Makes a Cpu from each reading of /proc/stat or of psutil."""

    def __init__(self) -> None:
        self._previous: rates.Previous[int, CoreTicks] = rates.Previous()
        self._stat_before: KernelStat | None = None

    def record(self, stat: KernelStat, at: float, *, was_suspended: bool) -> Cpu:
        """Return the Cpu since the reading before. After a suspend, the counters of the cores mean nothing."""
        before, seconds = self._previous.exchange(stat.cores, at)
        stat_before, self._stat_before = self._stat_before, stat
        if was_suspended:
            seconds = None
        sums = [0] * COLUMNS
        cores: list[Core] = []
        for core_id, ticks in sorted(stat.cores.items()):
            passed = core_deltas(ticks, before.get(core_id), seconds)
            if passed is None:
                cores.append(Core(core_id))
                continue
            sums = list(map(operator.add, sums, passed))
            cores.append(Core(core_id, *shares(passed)))

        def rate(name: str) -> float | None:
            count = getattr(stat, name)
            count_before = getattr(stat_before, name, None)
            return None if count is None else rates.per_second(count, count_before, seconds)

        return Cpu(
            **dict(zip(SHARES, shares(sums), strict=True)),
            online_count=len(stat.cores),
            context_switches_per_second=rate("context_switches"),
            interrupts_per_second=rate("interrupts"),
            forks_per_second=rate("forks"),
            cores=tuple(cores),
        )


def core_deltas(
    ticks: CoreTicks, before: CoreTicks | None, seconds: float | None
) -> list[int] | None:
    """Return the ticks that passed per column, each at least 0; None if they cannot be known in this interval."""
    if before is None or seconds is None:
        return None
    raw = [now - then for now, then in zip(ticks, before, strict=True)]
    if min(raw) >= 0:  # nearly always
        return raw
    passed = [max(0, change) for change in raw]
    fell = raw[IDLE] < 0 or raw[USER] < 0 or raw[SYSTEM] < 0
    too_few = sum(passed[:GUEST]) < 0.5 * seconds * CLK_TCK
    if raw[IDLE] < -IDLE_FALL_TICKS or (fell and too_few):
        return None
    return passed


def shares(passed: list[int]) -> Sequence[float | None]:
    """Return the ten shares in the order of SHARES."""
    total = sum(passed[:GUEST])
    if total <= 0:
        return UNKNOWN
    # The kernel rounds, so guest can exceed user.
    guest = min(passed[GUEST], passed[USER])
    guest_nice = min(passed[GUEST_NICE], passed[NICE])
    parts = (
        total - passed[IDLE] - passed[IOWAIT],
        passed[USER] - guest,
        passed[NICE] - guest_nice,
        *passed[SYSTEM:GUEST],
        guest + guest_nice,
    )
    return rates.percents(parts, total)


class CpuSource:
    """Section ``cpu``."""

    name = "cpu"

    def __init__(self, files: Files) -> None:
        self._stat = files.proc("stat", parse)
        self._rates = CpuRates()

    def collect(self, now: Now) -> Cpu:
        """Raises OSError or ParseError if /proc/stat is unavailable."""
        stat = self._stat.read(now)
        return self._rates.record(stat, self._stat.monotonic, was_suspended=now.was_suspended)


SECTIONS = (
    Section(
        CpuSource,
        Cpu,
        title="CPU",
        text="Share of the time of all cores that was spent working. Waiting for a disk does not count. A high value "
        "is normal while there is work; it is a problem only if tasks have to wait for a core (pressure of cpu).",
        files="/proc/stat",
        prometheus="node_cpu",
        nulls="All shares and rates are null after a suspend. Shares are of the cores that are valid in both samples.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (CpuSource(setup.files),)
