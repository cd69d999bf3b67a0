"""The shares of one core between two readings, with expected values computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from telemetry_stream.metrics.sources.cpu_shares import SHARES, core_deltas, shares
from telemetry_stream.metrics.sources.kernel_stat import CoreTicks
from telemetry_stream.metrics.units import CLK_TCK

ZERO = (0,) * 10


def between(
    before: Sequence[int | None], after: Sequence[int | None], *, seconds: float = 1.0
) -> dict[str, float | None] | None:
    """Return the shares by name, or None if the core is unknown."""
    passed = core_deltas(tuple(after), tuple(before), seconds)
    if passed is None:
        return None
    return dict(zip(SHARES, shares(passed, round(seconds * CLK_TCK)), strict=True))


def known(before: Sequence[int | None], after: Sequence[int | None]) -> dict[str, float | None]:
    """Return the shares by name of a core that is known."""
    found = between(before, after)
    assert found is not None
    return found


def test_the_shares_of_every_column() -> None:
    """Of 100 ticks: user 30 of which guest 10, nice 10 of which guest_nice 5, system 5, idle 40, iowait 6, irq 1,
    softirq 3, steal 5. Busy are 100 - 40 - 6.
    """
    assert known(ZERO, (30, 10, 5, 40, 6, 1, 3, 5, 10, 5)) == {
        "usage_percent": 54.0,
        "user_percent": 20.0,
        "nice_percent": 5.0,
        "system_percent": 5.0,
        "idle_percent": 40.0,
        "iowait_percent": 6.0,
        "irq_percent": 1.0,
        "softirq_percent": 3.0,
        "steal_percent": 5.0,
        "guest_percent": 15.0,
    }


def test_guest_is_limited_to_user() -> None:
    """The kernel rounds each of them: 11 ticks of guest in 10 ticks of user."""
    found = known(ZERO, (10, 0, 0, 90, 0, 0, 0, 0, 11, 0))
    assert (found["user_percent"], found["guest_percent"], found["usage_percent"]) == (0, 10, 10)


@pytest.mark.parametrize("column", [4, 7])
def test_a_decrease_of_iowait_or_steal_affects_only_that_field(column: int) -> None:
    """It is 0, and the other 100 ticks count."""
    before = [100] * 10
    after = [150, 100, 100, 150, 100, 100, 100, 100, 100, 100]
    after[column] = 97
    found = known(before, after)
    assert (found["usage_percent"], found["idle_percent"]) == (50.0, 50.0)


def test_a_small_decrease_of_idle_is_jitter() -> None:
    """One tick less in a second of 100 other ticks."""
    found = known((0, 0, 0, 500, 0, 0, 0, 0, 0, 0), (CLK_TCK, 0, 0, 499, 0, 0, 0, 0, 0, 0))
    assert found["usage_percent"] == 100.0


@pytest.mark.parametrize("column", [0, 2, 3])
def test_a_fall_with_too_few_ticks_is_a_reset(column: int) -> None:
    """User, system or idle fell, and less than half a second of ticks passed in a second: the core is unknown."""
    before, after = [1000] * 10, [1000] * 10
    after[column] = 900
    after[0 if column != 0 else 3] += CLK_TCK // 4
    assert between(before, after) is None


def test_shares_are_unknown_if_no_tick_passed() -> None:
    """Two equal readings: no division by zero."""
    assert known((5,) * 10, (5,) * 10) == dict.fromkeys(SHARES)


def test_a_core_is_unknown_without_a_reading_before_or_without_time() -> None:
    """There is nothing to divide, or to divide by."""
    assert core_deltas(ZERO, None, 1.0) is None
    assert core_deltas(ZERO, ZERO, None) is None


QUIET = (0, 0, 10, 90, 0, 0, 0, 0, 0, 0)  # 10 of 100 ticks in the kernel


def leap(column: int, ticks: int) -> tuple[CoreTicks, CoreTicks]:
    """Return two readings of a core that was 10 % busy, and in which one column changed by so many ticks."""
    before = [10**12] * 10
    after = [then + change for then, change in zip(before, QUIET, strict=True)]
    after[column] = before[column] + ticks
    return tuple(before), tuple(after)


# kernel/sched/cputime.c: steal_account_process_time() trusts the hypervisor; arch/x86/xen and KVM counted backwards.
@pytest.mark.parametrize("ticks", [160, 832457433, 10**11, -(10**6)])
@pytest.mark.parametrize(
    ("column", "unknown"),
    [
        (4, {"iowait_percent"}),
        (7, {"steal_percent"}),
        (8, {"user_percent", "guest_percent"}),
        (9, {"nice_percent", "guest_percent"}),
    ],
)
def test_an_extra_state_that_is_impossible_loses_only_its_share(
    column: int, unknown: set[str], ticks: int
) -> None:
    """No state gains more than the second that passed, or loses years."""
    found = known(*leap(column, ticks))
    assert [found[f"{name}_percent"] for name in ("usage", "system", "idle")] == [10, 10, 90]
    assert {name for name, share in found.items() if share is None} == unknown


@pytest.mark.parametrize("column", [0, 1, 2, 3, 5, 6])
def test_another_state_that_is_impossible_makes_the_core_unknown(column: int) -> None:
    """Its time is missing in the whole, so that no share is right."""
    assert between(*leap(column, 10**9)) is None
    assert between(*leap(column, 160)) is None


def test_a_state_that_is_a_little_ahead_of_the_clock_is_possible() -> None:
    """A core that its hypervisor did not run gets its ticks late."""
    assert known(*leap(3, 140))["usage_percent"] == 6.667


def test_without_iowait_the_shares_divide_by_the_clock() -> None:
    """Its ticks are missing in the whole: 25 of the 100 ticks of the second are busy, not 25 of 75."""
    found = known(ZERO, (25, 0, 0, 50, 10**9, 0, 0, 0, 0, 0))
    assert (found["usage_percent"], found["iowait_percent"]) == (25.0, None)


def test_an_absent_column_is_unknown() -> None:
    """Not measured is not 0."""
    before, after = (*ZERO[:7], None, None, None), (25, 0, 0, 75, 0, 0, 0, None, None, None)
    passed = core_deltas(after, before, 1.0)
    assert passed is not None
    found = dict(zip(SHARES, shares(passed, CLK_TCK, (7, 8, 9)), strict=True))
    assert (found["usage_percent"], found["iowait_percent"]) == (25.0, 0.0)
    assert (found["steal_percent"], found["guest_percent"]) == (None, None)
