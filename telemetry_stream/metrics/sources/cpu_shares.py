"""The shares of a core's time, from the ticks of its columns in /proc/stat (kernel_stat.py).

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
from typing import cast

from .. import rates
from ..units import CLK_TCK
from .kernel_stat import CoreTicks

USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, GUEST, GUEST_NICE = range(10)
# An idle counter that falls by more than this was reset; less may be jitter. node_exporter uses the same 3 s.
IDLE_FALL_TICKS = 3 * CLK_TCK
# A state may seem to gain more than the time that passed: the ticks of a core come late while its hypervisor runs
# others, and this program may be interrupted between reading the clock and the file.
MARGIN_SHARE, MARGIN_TICKS = 1.25, 0.25 * CLK_TCK
# Without one of these, the others are still known.
EXTRAS = frozenset({IOWAIT, STEAL, GUEST, GUEST_NICE})
ESSENTIAL = (USER, SYSTEM, IDLE)
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
