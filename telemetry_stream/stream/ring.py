"""What a feed remembers: its last samples, for so many seconds and in so much memory."""

from __future__ import annotations

import bisect
import operator
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .choice import Resume
from .encoded import EncodedSample

ENTRY_BYTES = 600  # of a sample's objects, beside its texts


class HistoryLimits(NamedTuple):
    """What a ring keeps at most: for how long, and in how much memory."""

    seconds: float
    bytes: int = 32 * 1024 * 1024  # on a small board, the whole program may take 64 MiB


@dataclass(frozen=True, slots=True)
class Entry:
    """A published sample: what the feed adds to it, and its texts."""

    seq: int
    published_at: float  # monotonic seconds
    head: bytes
    sample: EncodedSample

    def text(self, chosen: tuple[str, ...] | None) -> bytes:
        """Return the ``sample`` message for this choice of sections."""
        return b"".join(self.parts(chosen))

    def parts(self, chosen: tuple[str, ...] | None, *, brief: bool = False) -> list[bytes]:
        """Return the message in parts, for a history that contains it."""
        parts = self.sample.brief_parts if brief else self.sample.parts
        return parts(self.head, chosen)

    def __len__(self) -> int:
        """The memory that it takes in a ring, in bytes."""
        return len(self.head) + len(self.sample) + ENTRY_BYTES


class Ring:
    """The last samples of one run, without on-demand sections, and the newest one with them.

    Any thread may read it. ``_lock`` guards the entries and their snapshot. ``latest`` may be read without the lock.
    """

    def __init__(self, limits: HistoryLimits, monotonic: Callable[[], float]) -> None:
        self.latest: Entry | None = None
        self._limits = limits
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._snapshot: tuple[Entry, ...] | None = None  # of the entries, until they change

    def add(self, seq: int, head: bytes, sample: EncodedSample, age_seconds: float) -> Entry:
        """Remember a sample that was taken ``age_seconds`` ago, and forget the oldest ones beyond the limits."""
        now = self._monotonic()
        published_at = now - age_seconds
        if self.latest is not None:  # the entries are in the order of time
            published_at = max(published_at, self.latest.published_at)
        self.latest = latest = Entry(seq, published_at, head, sample)
        remembered = Entry(seq, published_at, head, sample.without_on_demand())
        with self._lock:
            self._entries.append(remembered)
            self._bytes += len(remembered)
            while self._entries and (
                self._entries[0].published_at < now - self._limits.seconds
                or self._bytes > self._limits.bytes
            ):
                self._bytes -= len(self._entries.popleft())
            self._snapshot = None
        return latest

    def clear(self) -> None:
        """Forget all samples: the run has ended."""
        with self._lock:
            self._entries.clear()
            self._snapshot = None

    def select(self, resume: Resume, every: int, stream: str) -> Iterator[Entry]:
        """Return the samples that ``resume`` selects among the present ones. ``stream`` is the id of this run.

        Each is looked up when it is taken, and left out if it is forgotten by then. So a reader that takes an hour
        keeps one sample in memory, not a ring of its own.

        The seconds count back from the newest sample that is a multiple of ``every``: the newest one that is returned.
        """
        entries = self._shared()
        begin, end = 0, len(entries)
        if resume.stream in (None, stream):
            begin = bisect.bisect_right(entries, resume.since, key=_seq_of)
            if resume.before is not None:
                end = bisect.bisect_left(entries, resume.before, key=_seq_of)
        while begin < end and entries[end - 1].seq % every:
            end -= 1
        if resume.history_seconds is not None and begin < end:
            oldest = entries[end - 1].published_at - resume.history_seconds
            begin = bisect.bisect_right(entries, oldest, begin, end, key=_published_at_of)
        if begin >= end:
            return iter(())
        return self.read(entries[begin].seq, entries[end - 1].seq, every)

    def read(self, first: int, last: int, every: int) -> Iterator[Entry]:
        """Yield the samples from ``first`` to ``last`` that are still remembered, each when it is taken."""
        seq = first + -first % every
        while (entry := self._maybe_from(seq)) is not None and entry.seq <= last:
            if entry.seq % every == 0:
                yield entry
            seq = entry.seq + every - entry.seq % every

    def _maybe_from(self, seq: int) -> Entry | None:
        """Return the first sample whose number is ``seq`` or higher."""
        entries = self._shared()
        index = bisect.bisect_left(entries, seq, key=_seq_of)
        return entries[index] if index < len(entries) else None

    def _shared(self) -> tuple[Entry, ...]:
        """Return the remembered samples. All calls before the next sample share one tuple."""
        snapshot = self._snapshot  # without the lock: a reader looks up each sample
        if snapshot is None:
            with self._lock:
                self._snapshot = snapshot = self._snapshot or tuple(self._entries)
        return snapshot


_seq_of: Callable[[Entry], int] = operator.attrgetter("seq")
_published_at_of: Callable[[Entry], float] = operator.attrgetter("published_at")
