"""The counters of /proc/net/dev (net/core/net-procfs.c), and how fast they rise.

    eth0:68210035552   1609    0    0    0     0          0         0    94407     896    0    0    0     0       0    0

Eight numbers received and eight sent, after two lines of headings: bytes packets errs drop fifo frame/colls
compressed/carrier multicast/compressed. A name may contain a colon, and a wide counter may touch it, so the last colon
splits.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import counters, rates
from ..files import ParseError, parser

COLUMNS = 16
RX_BYTES, RX_PACKETS, RX_ERRORS, RX_DROPS = 0, 1, 2, 3
TX_BYTES, TX_PACKETS, TX_ERRORS, TX_DROPS = 8, 9, 10, 11
USED_COLUMNS = (
    RX_BYTES,
    TX_BYTES,
    RX_PACKETS,
    TX_PACKETS,
    RX_ERRORS,
    TX_ERRORS,
    RX_DROPS,
    TX_DROPS,
)
UNKNOWN = (None,) * len(USED_COLUMNS)
IDLE = (0.0,) * len(USED_COLUMNS)
LIMITS = tuple(
    counters.BYTES if column in (RX_BYTES, TX_BYTES) else counters.EVENTS for column in USED_COLUMNS
)
BITS_PER_MEGABIT = 1_000_000

Numbers = tuple[int | None, ...]  # of length COLUMNS, or a few more; None: not a count


@parser
def parse(content: bytes) -> Mapping[str, Numbers]:
    """Return the counters of /proc/net/dev by interface name. Raises ParseError if no line has its counters."""
    rows: dict[str, Numbers] = {}
    short = 0
    for number, line in enumerate(content.split(b"\n"), 1):
        name, colon, rest = line.rpartition(b":")
        if not colon:
            continue  # a heading, or the end
        numbers = counters.counts(rest.split())
        if len(numbers) <= TX_DROPS:
            short = number
            continue
        rows[name.strip().decode("utf-8", "replace")] = numbers
    if short and not rows:
        raise ParseError("sixteen counters expected", line=short)
    return rows


def speeds(
    numbers: Numbers,
    before: Numbers | None,
    seconds: float | None,
    speed_mbps: int | None = None,
) -> tuple[float | None, ...]:
    """Return the eight rates of a row in the order of its fields.

    All are None at the first reading and after a reset; one that is impossible is None alone. A counter of 32 bits
    cannot have wrapped if the link with ``speed_mbps`` would have needed more time. Nor can another rise be far above
    it.
    """
    if before is None or seconds is None:
        return UNKNOWN
    if numbers == before and None not in numbers:
        return IDLE  # That is the usual case.
    now = [numbers[column] for column in USED_COLUMNS]
    then = [before[column] for column in USED_COLUMNS]
    rose = list(map(counters.rise, now, then, (seconds,) * len(now), LIMITS))
    if speed_mbps is not None:
        speed = speed_mbps * BITS_PER_MEGABIT / 8
        # Twice: a driver may report what it sent a moment ago.
        most_after_wrap = 2 * speed * seconds
        # Emulated cards are faster than their nominal speed, the speed may have changed since it was read, and some
        # drivers report once per second.
        most = 10 * speed * (seconds + 1)
        for place in (0, 1):
            change, before_it, after_it = rose[place], then[place], now[place]
            if change is not None:
                wrapped = (after_it or 0) < (before_it or 0)
                if change > (most_after_wrap if wrapped else most):
                    rose[place] = None
    if None in rose and counters.was_reset(now, then, rose):
        return UNKNOWN
    return tuple([None if change is None else rates.quotient(change, seconds) for change in rose])
