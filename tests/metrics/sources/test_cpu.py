"""CPU use between two readings of /proc/stat, with expected values computed by hand."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources.cpu import Core, Cpu, CpuRates, CpuSource
from telemetry_stream.metrics.sources.cpu_shares import SHARES
from telemetry_stream.metrics.sources.kernel_stat import CoreTicks, KernelStat
from telemetry_stream.metrics.units import CLK_TCK
from tests.metrics.trees import Tree, assert_sane

ZERO = (0,) * 10


def pair(
    before: Mapping[int, CoreTicks],
    after: Mapping[int, CoreTicks],
    *,
    seconds: float = 1.0,
) -> Cpu:
    """Return the second of two records of these cores."""
    rates = CpuRates()
    rates.record(KernelStat(before), 10.0, was_suspended=False)
    return rates.record(KernelStat(after), 10.0 + seconds, was_suspended=False)


def shares_of(record: Cpu | Core) -> dict[str, float | None]:
    """Return the ten shares by name."""
    return {name: getattr(record, name) for name in SHARES}


UNKNOWN = dict.fromkeys(SHARES)


def test_the_first_sample_has_no_rates() -> None:
    """No averages since boot and no zeros: only the online cores are known."""
    cpu = CpuRates().record(
        KernelStat({0: (5, 5, 5, 5, 5, 5, 5, 5, 5, 5)}, 9, 9, 9), 1.0, was_suspended=False
    )
    assert shares_of(cpu) == UNKNOWN
    assert cpu.cores == (Core(0),)
    assert cpu.online_count == 1
    assert cpu.context_switches_per_second is None


def test_shares_of_every_column() -> None:
    """Of 200 ticks: user 60 of which guest 20, nice 20 of which guest_nice 5, system 10, idle 80, iowait 12,
    irq 2, softirq 6, steal 10. Total = 60+20+10+80+12+2+6+10 = 200, busy = 200-80-12 = 108.
    """
    cpu = pair({0: ZERO}, {0: (60, 20, 10, 80, 12, 2, 6, 10, 20, 5)}, seconds=2.0)
    expected = {
        "usage_percent": 54.0,
        "user_percent": 20.0,
        "nice_percent": 7.5,
        "system_percent": 5.0,
        "idle_percent": 40.0,
        "iowait_percent": 6.0,
        "irq_percent": 1.0,
        "softirq_percent": 3.0,
        "steal_percent": 5.0,
        "guest_percent": 12.5,
    }
    assert shares_of(cpu.cores[0]) == expected
    assert shares_of(cpu) == expected
    parts = [share for name, share in expected.items() if name != "usage_percent"]
    assert sum(parts) == 100.0


def test_a_large_decrease_of_idle_is_a_core_that_was_plugged_in_again() -> None:
    """More than three seconds less: the core is unknown once, not at 100 %, and known in the next sample."""
    rates = CpuRates()
    high = (100, 0, 0, 10 * CLK_TCK, 0, 0, 0, 0, 0, 0)
    fallen = (200, 0, 0, 6 * CLK_TCK, 0, 0, 0, 0, 0, 0)
    later = (200 + CLK_TCK // 4, 0, 0, 6 * CLK_TCK + 3 * CLK_TCK // 4, 0, 0, 0, 0, 0, 0)
    rates.record(KernelStat({0: high}), 1.0, was_suspended=False)
    assert rates.record(KernelStat({0: fallen}), 2.0, was_suspended=False).cores == (Core(0),)
    assert rates.record(KernelStat({0: later}), 3.0, was_suspended=False).usage_percent == 25.0


QUIET = (0, 0, 10, 90, 0, 0, 0, 0, 0, 0)  # 10 of 100 ticks in the kernel


def test_a_steal_of_one_core_is_unknown_for_all() -> None:
    """The other shares are of all cores."""
    before = {0: ZERO, 1: ZERO}
    cpu = pair(before, {0: QUIET, 1: (0, 0, 10, 90, 0, 0, 0, 10**9, 0, 0)})
    assert (cpu.usage_percent, cpu.steal_percent) == (10.0, None)
    assert [core.steal_percent for core in cpu.cores] == [0.0, None]


def test_columns_that_an_old_kernel_does_not_have_are_unknown() -> None:
    """Seven columns: before Linux 2.6.11 there is no steal. Not measured is not 0."""
    before = (*ZERO[:7], None, None, None)
    cpu = pair({0: before}, {0: (25, 0, 0, 75, 0, 0, 0, None, None, None)})
    assert (cpu.usage_percent, cpu.user_percent, cpu.iowait_percent) == (25.0, 25.0, 0.0)
    assert (cpu.steal_percent, cpu.guest_percent) == (None, None)


def test_more_switches_or_forks_than_cores_can_make_are_unknown(tree: Tree) -> None:
    """The counter of forks passed 2^31 on a kernel that prints an int, and the others jumped."""
    source = CpuSource(tree.files)
    stat = "cpu0 {ticks} 1 1 1\nintr {many} 0\nctxt {many}\nprocesses {forks}\n"
    tree.put("proc/stat", stat.format(ticks=1, many=5, forks=-2049562273))
    source.collect(tree.tick())
    tree.put("proc/stat", stat.format(ticks=9, many=5 + 10**8, forks=-2049562266))
    cpu = source.collect(tree.tick())
    assert cpu.context_switches_per_second is None
    assert cpu.interrupts_per_second is None
    assert cpu.forks_per_second is None
    assert cpu.usage_percent == 100.0


def test_cores_are_identified_by_their_number() -> None:
    """Core 2 went and is absent, core 3 keeps its numbers, core 5 is new and unknown once.

    Core 0: 25 of 100 busy; core 3: 75 of 100 busy. Over the two that are in both readings: 100 of 200.
    """
    before = {0: ZERO, 2: (9, 0, 0, 9, 0, 0, 0, 0, 0, 0), 3: ZERO}
    after = {
        0: (25, 0, 0, 75, 0, 0, 0, 0, 0, 0),
        3: (75, 0, 0, 25, 0, 0, 0, 0, 0, 0),
        5: (80, 0, 0, 20, 0, 0, 0, 0, 0, 0),
    }
    cpu = pair(before, after)
    assert [(core.id, core.usage_percent) for core in cpu.cores] == [
        (0, 25.0),
        (3, 75.0),
        (5, None),
    ]
    assert cpu.usage_percent == 50.0
    assert cpu.online_count == 3


def test_a_suspend_makes_rates_unknown_once(tree: Tree) -> None:
    """All rates of the section are null in the sample after it, and known in the next one."""
    source = CpuSource(tree.files)

    def stat(ticks: int) -> str:
        return (
            f"cpu0 {ticks} 0 0 {ticks} 0 0 0 0 0 0\nctxt {ticks}\nintr {ticks}\nprocesses {ticks}\n"
        )

    tree.put("proc/stat", stat(0))
    source.collect(tree.tick())
    tree.put("proc/stat", stat(100))
    asleep = source.collect(tree.tick(2.0, slept=30.0))
    assert shares_of(asleep) == UNKNOWN
    assert (
        asleep.context_switches_per_second,
        asleep.interrupts_per_second,
        asleep.forks_per_second,
    ) == (None,) * 3
    tree.put("proc/stat", stat(150))
    awake = source.collect(tree.tick(2.0))
    assert awake.usage_percent == 50.0
    assert (
        awake.context_switches_per_second,
        awake.interrupts_per_second,
        awake.forks_per_second,
    ) == (25.0,) * 3


def test_rates_divide_by_the_measured_time(tree: Tree) -> None:
    """500 switches in 2.5 s are 200 per second. A counter that falls was reset, and is unknown."""
    source = CpuSource(tree.files)
    tree.put("proc/stat", "cpu0 1 1 1 1\nctxt 1000\n")
    source.collect(tree.tick())
    tree.put("proc/stat", "cpu0 2 2 2 2\nctxt 1500\n")
    assert source.collect(tree.tick(2.5)).context_switches_per_second == 200.0
    tree.put("proc/stat", "cpu0 3 3 3 3\nctxt 10\n")
    fallen = source.collect(tree.tick())
    assert fallen.context_switches_per_second is None
    assert fallen.interrupts_per_second is None  # not in the file


TICKS = st.tuples(*[st.integers(0, 1 << 64)] * 10)


@given(
    st.dictionaries(st.integers(0, 3), TICKS),
    st.dictionaries(st.integers(0, 3), TICKS, min_size=1),
    st.floats(0, 100),
)
def test_any_two_readings_are_sane(
    before: dict[int, tuple[int, ...]], after: dict[int, tuple[int, ...]], seconds: float
) -> None:
    """Whatever the counters do, nothing is negative or above 100."""
    assert_sane(pair(before, after, seconds=seconds))
