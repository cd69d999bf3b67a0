"""CPU use of each core and of all cores together, from /proc/stat. clocks.py has their frequencies.

All shares divide by the ticks that passed on the core itself, never by the wall clock: a second of a tickless core has
99 to 101 ticks. The kernel counts guest time in user and nice, too, so it is subtracted there and not added to the
total. Steal is busy, iowait is idle.

iowait and steal may decrease (Documentation/filesystems/proc.rst, 1.7); then the field is 0 in that interval. A core
whose idle, user or system time falls was plugged in again or resumed. It is unknown for one interval.

No state can gain more than the time that passed. A hypervisor that counts steal backwards makes it leap by years.
Steal, iowait and guest time are extras: if one of them is impossible, only its own share is unknown. If another state
is impossible, the core is. Without iowait, which may be most of the time, the ticks that passed are unknown; then the
shares divide by the clock.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from .. import counters, rates
from ..files import Files
from ..section import Field, OffPage, Part, Section
from ..setup import Setup
from ..source import Now, Source
from ..units import CLK_TCK
from .clocks import Clocks, ClocksScan
from .kernel_stat import COLUMNS, CoreTicks, KernelStat, parse

USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, GUEST, GUEST_NICE = range(10)
# An idle counter that falls by more than this was reset; less may be jitter. node_exporter uses the same 3 s.
IDLE_FALL_TICKS = 3 * CLK_TCK
# A state may seem to gain more than the time that passed: the ticks of a core come late while its hypervisor runs
# others, and this program may be interrupted between reading the clock and the file.
MARGIN_SHARE, MARGIN_TICKS = 1.25, 0.25 * CLK_TCK
# Without one of these, the others are still known.
EXTRAS = frozenset({IOWAIT, STEAL, GUEST, GUEST_NICE})
ESSENTIAL = (USER, SYSTEM, IDLE)
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
# The places in SHARES that are unknown if the kernel does not have a column, and if a column is impossible. The kernel
# counts guest time in user, too, and guest_nice in nice.
WITHOUT = {NICE: (2,), IOWAIT: (5,), IRQ: (6,), SOFTIRQ: (7,), STEAL: (8,), GUEST: (9,)}
IF_IMPOSSIBLE = {IOWAIT: (5,), STEAL: (8,), GUEST: (1, 9), GUEST_NICE: (2, 9)}
Passed = list[int | None]


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


def added(sums: Passed, passed: Passed) -> Passed:
    """Return the sums per column. A column that is impossible on one core is unknown in the sum."""
    try:
        return list(map(operator.add, sums, passed))
    except TypeError:
        return [
            None if one is None or other is None else one + other
            for one, other in zip(sums, passed, strict=True)
        ]


def core_deltas(ticks: CoreTicks, before: CoreTicks | None, seconds: float | None) -> Passed | None:
    """Return the ticks that passed per column, each at least 0, or None if impossible; None if the core is unknown.

    A column that the kernel does not have is 0.
    """
    if before is None or seconds is None:
        return None
    most = MARGIN_SHARE * seconds * CLK_TCK + MARGIN_TICKS
    try:
        raw = list(map(operator.sub, ticks, before))
        if min(raw) >= 0 and max(raw) <= most:  # nearly always
            return raw
    except TypeError:  # The kernel does not have all columns, or one is not a count.
        pass
    return _doubtful_deltas(ticks, before, seconds, most)


def _doubtful_deltas(
    ticks: CoreTicks, before: CoreTicks, seconds: float, most: float
) -> Passed | None:
    passed: Passed = []
    fell = False
    for column, (now, then) in enumerate(zip(ticks, before, strict=True)):
        if now is None and then is None and column not in ESSENTIAL:
            passed.append(0)
            continue
        change = None if now is None or then is None else now - then
        if change is None or change > most or change < -IDLE_FALL_TICKS:
            if column not in EXTRAS:
                return None
            passed.append(None)
            continue
        fell = fell or (change < 0 and column in ESSENTIAL)
        passed.append(max(0, change))
    if fell and sum(change or 0 for change in passed[:GUEST]) < 0.5 * seconds * CLK_TCK:
        return None
    return passed


def shares(passed: Passed, elapsed: int, absent: Collection[int] = ()) -> Sequence[float | None]:
    """Return the ten shares in the order of SHARES; None for those that need an impossible or ``absent`` column.

    ``elapsed`` is the time in ticks, of all cores together.
    """
    known = [ticks or 0 for ticks in passed] if None in passed else cast("list[int]", passed)
    total = sum(known[:GUEST])
    if total <= 0:
        return UNKNOWN
    busy = total - known[IDLE] - known[IOWAIT]
    if passed[IOWAIT] is None:
        total = max(total, elapsed)
    # The kernel rounds, so guest can exceed user.
    guest = min(known[GUEST], known[USER])
    guest_nice = min(known[GUEST_NICE], known[NICE])
    parts = (
        busy,
        known[USER] - guest,
        known[NICE] - guest_nice,
        *known[SYSTEM:GUEST],
        guest + guest_nice,
    )
    found: list[float | None] = [*rates.percents(parts, total)]
    if absent or known is not passed:
        unknown = [places for column in absent for places in WITHOUT.get(column, ())]
        for column, places in IF_IMPOSSIBLE.items():
            if passed[column] is None:
                unknown.extend(places)
        for place in unknown:
            found[place] = None
    return found


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
