"""The queue of a client: at most 16 items, each a frame or several frames that are made when they are written.

It is a ``queue.Queue`` that takes less memory, because a program with 1000 viewers has 1000 of them.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass

QUEUE_FRAMES = 16

# An empty item that wakes the pump when the client ends, and when the direct path has sent only a part of a frame: then
# the pump sends the rest, which the sender keeps.
FLUSH = b""


@dataclass(frozen=True, slots=True)
class Many:
    """Many frames, more than a queue has room for. ``make`` returns an iterator that makes them for one client.

    In a queue they take one place, and a queue has room for one Many: what they are made of may stay in memory until
    then. The iterator may make fewer than ``count``, because what they are made of is gone: the others are dropped.
    """

    count: int
    make: Callable[[], Iterator[bytes]]


def frames_in(item: bytes | Many) -> int:
    """Return the number of frames that an item of a queue stands for."""
    return item.count if isinstance(item, Many) else 1


# What a queue holds: a frame, many of them, or the first ones of a client.
Item = bytes | Many | Iterator[bytes]


class FrameQueue(queue.Queue[Item]):
    """A bounded queue of items. Several threads may add and one takes, as with any ``queue.Queue``."""

    def __init__(self) -> None:
        super().__init__(maxsize=QUEUE_FRAMES)
        # Nobody waits for room or for the end of all tasks, and each Condition has 1.3 KB. All three use one mutex.
        self.not_full = self.all_tasks_done = self.not_empty

    def _init(self, _: int) -> None:
        self.queue: list[Item] = []  # an empty deque has 760 bytes

    def _get(self) -> Item:
        return self.queue.pop(0)

    def offer(self, item: Item) -> bool:
        """Add ``item`` without waiting. Return False if the queue is full, or if a Many waits and this is another."""
        if isinstance(item, Many) and self._has_many():
            return False
        try:
            self.put_nowait(item)
        except queue.Full:
            return False
        return True

    def _has_many(self) -> bool:
        with self.mutex:
            return any(isinstance(item, Many) for item in self.queue)
