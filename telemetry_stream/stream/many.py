"""Many samples that are published at once: the answer of a host to a mirror.

A viewer's queue has room for 16 frames, so these are one item in it, and its write pump makes each frame when it can
write it. They may wait for a slow viewer for long. So it keeps the newest ones, which have on-demand sections, and
looks up the others in the ring. Those that the ring has forgotten by then are dropped.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

from ..hub import Many
from .choice import Choice
from .ring import Entry, Ring

# About 30 usual samples. The newest one is kept whatever its size.
KEPT_BYTES = 256 * 1024


def many(choice: Choice, ring: Ring, entries: Sequence[Entry]) -> Many:
    """Return the frames of these samples, which ``ring`` remembers. ``entries`` are in rising order, and not empty."""
    kept = _newest_within(entries, KEPT_BYTES)
    return Many(len(entries), functools.partial(_frames, choice, ring, entries[0].seq, kept))


def _newest_within(entries: Sequence[Entry], most_bytes: int) -> Sequence[Entry]:
    """Return the newest entries that take at most so much memory together, at least one."""
    begin, size = len(entries) - 1, len(entries[-1])
    while begin and size + len(entries[begin - 1]) <= most_bytes:
        begin -= 1
        size += len(entries[begin])
    return entries[begin:]


def _frames(choice: Choice, ring: Ring, first: int, kept: Sequence[Entry]) -> Iterator[bytes]:
    before = ring.read(first, kept[0].seq - 1, choice.every)
    for entry in itertools.chain(before, kept):
        yield choice.framing.message(entry.text(choice.sections))
