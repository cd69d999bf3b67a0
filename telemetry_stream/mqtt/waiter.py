"""Waiting for a socket and for other threads at once, with poll(2), which has no limit on the numbers of descriptors.

An eventfd(2) is the alarm: any thread may ring it, and the thread that waits wakes up.
"""

from __future__ import annotations

import math
import os
import select
import threading
from typing import Protocol


class StoppedError(Exception):
    """The program stops, so what is under way is given up."""


class HasFileno(Protocol):
    """A socket, or anything else with a descriptor."""

    def fileno(self) -> int: ...


class Waiter:
    """Lets one thread wait, between ``open`` and ``close``. Any thread may call ``wake`` and ``stop``.

    The lock guards ``_alarm``, which another thread may close.
    """

    def __init__(self) -> None:
        self.is_stopped = False
        self._lock = threading.Lock()
        self._alarm = -1

    def open(self) -> None:
        """Create the alarm."""
        with self._lock:
            self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def close(self) -> None:
        """Close the alarm. Safe to repeat; ``wake`` does nothing after it."""
        with self._lock:
            if self._alarm >= 0:
                os.close(self._alarm)
            self._alarm = -1

    def wake(self) -> None:
        """End the present or the next wait."""
        with self._lock:
            if self._alarm >= 0:
                os.eventfd_write(self._alarm, 1)

    def stop(self) -> None:
        """Set ``is_stopped``, and end the present wait."""
        self.is_stopped = True
        self.wake()

    def wait(
        self, seconds: float, waited: HasFileno | None = None, events: int = select.POLLIN
    ) -> bool:
        """Wait up to ``seconds`` for the socket or the alarm. Return whether the socket is ready, or has an error."""
        poll = select.poll()
        poll.register(self._alarm, select.POLLIN)
        if waited is not None:
            poll.register(waited, events)
        ready = [fd for fd, _ in poll.poll(math.ceil(max(0.0, seconds) * 1000))]
        if self._alarm in ready:
            ready.remove(self._alarm)
            os.eventfd_read(self._alarm)
        return bool(ready)
