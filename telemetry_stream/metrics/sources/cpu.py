"""CPU use, in total and per core, from /proc/stat (metrics.md 1).

Everything divides by the ticks that passed on the core itself, never by wall time: a tickless core's second has 99 to
101 of them. Guest time is inside user and nice already, so it is taken out there and left out of the total; steal is
busy, iowait is idle. iowait and steal run backwards by themselves (clamped to 0 for that field); a core whose idle,
user or system falls was plugged in again or resumed, and is unknown for one interval. Kernel: fs/proc/stat.c.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

from .. import rates
from ..files import Files
from ..source import Now
from ..units import CLK_TCK
from .kernel_stat import COLUMNS, CoreTicks, KernelStat, parse

USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, GUEST, GUEST_NICE = range(10)
# An idle counter that falls by more than this did not just jitter (node_exporter uses the same 3 s).
IDLE_FALL_TICKS = 3 * CLK_TCK


@dataclass(slots=True)
class Core:
    """One online core; ``id`` is the kernel's, which has holes where cores are offline."""

    id: int
    usage_percent: float | None = None
    user_percent: float | None = None
    nice_percent: float | None = None
    system_percent: float | None = None
    idle_percent: float | None = None
    iowait_percent: float | None = None
    irq_percent: float | None = None
    softirq_percent: float | None = None
    steal_percent: float | None = None
    guest_percent: float | None = None


@dataclass(slots=True)
class Cpu:
    """All cores that are valid in both samples together, and each online core."""

    usage_percent: float | None
    user_percent: float | None
    nice_percent: float | None
    system_percent: float | None
    idle_percent: float | None
    iowait_percent: float | None
    irq_percent: float | None
    softirq_percent: float | None
    steal_percent: float | None
    guest_percent: float | None
    online_count: int
    context_switches_per_second: float | None
    interrupts_per_second: float | None
    forks_per_second: float | None  # counts new threads too
    cores: tuple[Core, ...]


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
    """Turns readings of /proc/stat, or of psutil, into a Cpu each."""

    def __init__(self) -> None:
        self._previous: rates.Previous[int, CoreTicks] = rates.Previous()
        self._stat_before: KernelStat | None = None

    def record(self, stat: KernelStat, at: float, *, was_suspended: bool) -> Cpu:
        """The Cpu since the reading before. After a suspend the cores' counters mean nothing."""
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
            then = getattr(stat_before, name, None)
            return None if count is None else rates.per_second(count, then, seconds)

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
    """The ticks that passed per column, each at least 0; None for a core that cannot be judged this time."""
    if before is None or seconds is None:
        return None
    raw = [now - then for now, then in zip(ticks, before, strict=True)]
    if min(raw) >= 0:
        return raw  # as nearly always
    passed = [max(0, change) for change in raw]
    fell = raw[IDLE] < 0 or raw[USER] < 0 or raw[SYSTEM] < 0
    too_little = sum(passed[:GUEST]) < 0.5 * seconds * CLK_TCK
    if raw[IDLE] < -IDLE_FALL_TICKS or (fell and too_little):
        return None
    return passed


def shares(passed: list[int]) -> Sequence[float | None]:
    """The ten shares in the order of SHARES, which is that of the fields."""
    total = sum(passed[:GUEST])
    if total <= 0:
        return UNKNOWN
    # Rounding in the kernel can make guest larger than user.
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
        """Raises OSError or ParseError where /proc/stat cannot be had."""
        stat = self._stat.read(now)
        return self._rates.record(stat, self._stat.monotonic, was_suspended=now.was_suspended)
