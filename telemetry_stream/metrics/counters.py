"""The rules by which a number of the kernel is believed: what is a count, how much a counter rose, what is possible.

Sources:

- A count never has a sign. Many sums are made without a lock, so that they can be slightly negative for a moment; the
  kernel prints some of them as unsigned, 2^64 - n or 2^32 - n. Such values are unknown.
- A counter only rises. One that fell was reset, unless it has 32 bits (unsigned long of 32-bit kernels, the ms columns
  of diskstats, old drivers) and was so close to 2^32 that it can have wrapped in the time that passed.
- No counter rises faster than the hardware allows. What does not fit is unknown, never a spike.

All functions are pure. A number that is unknown is None. rates.py makes rates of the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# From here on, an unsigned 64-bit number is a negative one. No real counter gets so far.
NEGATIVE_FROM = 1 << 63
WRAP_32 = 1 << 32
# A counter of 32 bits wraps from its last quarter, and lands in the first half.
WRAP_32_FROM = WRAP_32 - (1 << 30)
MOST_AFTER_WRAP = 1 << 31

# More tasks than a kernel can have (PID_MAX_LIMIT in include/linux/threads.h).
MOST_TASKS = 1 << 22
# Counts that the kernel holds in an int: sockets, requests under way.
MOST_INT = (1 << 31) - 1
# No machine has more memory: the largest physical addresses have 52 bits (x86 with five levels, arm64 with LPA).
MOST_MEMORY_BYTES = 1 << 52


class Limit(NamedTuple):
    """What a counter can rise by in a second: in general, and where counters have 32 bits."""

    per_second: float
    wrapping_per_second: float

    def over(self, parts: float) -> Limit:
        """Return the limit of a counter that counts ``parts`` of the unit at a time (sectors, pages)."""
        return Limit(self.per_second / parts, self.wrapping_per_second / parts)


# The fastest port has 1.6 Tbit/s, and no array of disks is faster. 32-bit counters ended with 10 Gbit/s.
BYTES = Limit(2e11, 1.25e9)
# Packets, requests, segments: 1.6 Tbit/s of the smallest packets are 2.4e9. At 10 Gbit/s they are 1.5e7.
EVENTS = Limit(3e9, 2e7)
# Requests of a disk: the fastest arrays of NVMe complete some 1e7.
REQUESTS = Limit(1e8, 2e7)
# No counter of 64 bits has more.
MOST_DIGITS = 20


def maybe_count(word: bytes, most: int = NEGATIVE_FROM - 1) -> int | None:
    """Return a decimal number of the kernel, or None if it is not a count or exceeds ``most``."""
    if not word.isdigit() or len(word) > MOST_DIGITS:
        return None
    count = int(word)
    return count if count <= most else None


def counts(words: Sequence[bytes]) -> tuple[int | None, ...]:
    """Return the numbers of one line. A word that is not a count loses only its own place."""
    try:
        numbers = tuple(map(int, words))
    except ValueError:
        return tuple(map(maybe_count, words))
    # int() accepts signs and underscores, too.
    if not numbers or (b"".join(words).isdigit() and max(numbers) < NEGATIVE_FROM):
        return numbers
    return tuple(map(maybe_count, words))


def at_most(count: int | None, most: int | None) -> int | None:
    """Return a part of a whole, or None if it exceeds the whole (None: the whole is unknown)."""
    if count is None or (most is not None and count > most):
        return None
    return count


def rise(
    current: int | None,
    previous: int | None,
    seconds: float | None,
    limit: Limit = EVENTS,
) -> int | None:
    """Return how much a counter rose in ``seconds``; None at its first reading, after a reset, and if impossible."""
    if current is None or previous is None or seconds is None or seconds <= 0:
        return None
    change = current - previous
    if change >= 0:
        return change if change <= limit.per_second * seconds else None
    if not WRAP_32_FROM <= previous < WRAP_32:
        return None
    change += WRAP_32
    if change > min(MOST_AFTER_WRAP, limit.wrapping_per_second * seconds):
        return None
    return change


def rise_of_time(current: int | None, previous: int | None, most: float) -> int | None:
    """Return how much a counter of time rose, which cannot exceed ``most``, in the counter's own unit."""
    if current is None or previous is None:
        return None
    change = current - previous
    if change < 0 and WRAP_32_FROM <= previous < WRAP_32:
        change += WRAP_32
        most = min(most, MOST_AFTER_WRAP)
    return change if 0 <= change <= most else None


def was_reset(
    current: Sequence[int | None], previous: Sequence[int | None], rose: Sequence[int | None]
) -> bool:
    """Return whether a counter of a device fell without a wrap: then all its counters began anew."""
    return any(
        change is None and now is not None and then is not None and now < then
        for now, then, change in zip(current, previous, rose, strict=True)
    )
