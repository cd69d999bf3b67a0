"""Waits for the sockets of all connections on one thread, ``ts-poll``, as Go's runtime does for its goroutines.

If each thread waited in poll(2) itself, a thousand viewers that leave at once would make two thousand threads ready.
Each of them would then ask for the interpreter twice in every millisecond (sys.setswitchinterval). That alone takes
more than two cores, and the thread that has the interpreter gets a thousandth of one. Here a thread whose socket is
ready wakes up when it gets the permit, so one of them is ready at a time, whatever the peers do.

Relies on epoll(7). A descriptor is armed for one event at a time (EPOLLONESHOT), because nobody may be waiting for it.
"""

from __future__ import annotations

import heapq
import math
import os
import select
import threading
import time
from collections.abc import Callable

from .. import threads
from .permit import HUNG_SECONDS, Permits, Turn

# Deadlines are rounded up to this fraction of a second, so that those of thousands of threads are few.
PARTS_OF_A_SECOND = 20

JOIN_SECONDS = 0.5
MAX_POLL_SECONDS = 3600.0  # epoll_wait(2) has milliseconds in 32 bits
NEVER = 1e12  # monotonic seconds; an infinite deadline has no integer

ENDED = select.EPOLLERR | select.EPOLLHUP


class _Waiter(Turn):
    """A thread that waits for a socket, and then for the permit."""

    __slots__ = ("event", "expires", "fd", "is_first", "is_ready")

    def __init__(self, fd: int, event: int, deadline: float, *, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        self.fd = fd
        self.event = event
        self.expires = math.ceil(min(deadline, NEVER) * PARTS_OF_A_SECOND)
        self.is_ready = False


class Poller:
    """The thread, and the permit that it gives. ``close`` must be called.

    ``_lock`` guards everything that waits. Any thread calls ``wait``; only ``ts-poll`` ends a wait, until ``close``.
    """

    def __init__(self, on_crash: Callable[[BaseException], None] | None = None) -> None:
        self.permits = Permits()
        self._on_crash = on_crash
        self._thread: threading.Thread | None = None
        self._epoll = select.epoll()
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._alarm, select.EPOLLIN)
        self._lock = threading.Lock()
        self._closed = False
        # By descriptor: at most one thread that reads, and those that write.
        self._waiting: dict[int, list[_Waiter]] = {}
        # By the end of their time, and a heap of these ends.
        self._expiring: dict[int, set[_Waiter]] = {}
        self._ends: list[int] = []

    def start(self) -> None:
        self._thread = threads.start("ts-poll", self._run, on_crash=self._on_crash)

    def close(self) -> None:
        """End the thread and every wait, as if its time were over. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.eventfd_write(self._alarm, 1)
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
        with self._lock:
            for waiters in self._waiting.values():
                for waiter in waiters:
                    self.permits.give_to(waiter, first=waiter.is_first)
            self._waiting.clear()
            self._expiring.clear()
            self._ends.clear()
            # A thread that is alive still uses them.
            if self._thread is None or not self._thread.is_alive():
                self._epoll.close()
                os.close(self._alarm)

    def wait(self, fd: int, event: int, deadline: float) -> bool:
        """Wait until ``fd`` is ready for ``event`` (POLLIN or POLLOUT) or has ended; return False at ``deadline``.

        ``deadline`` is in monotonic seconds, and is noticed up to 50 ms late. Meanwhile the permit is given up;
        afterwards the calling thread has it. A thread that did not have it, which is a write pump, gets it before those
        that did, because live frames wait behind what it writes. Raises OSError if ``fd`` is closed. May return True
        without a reason.
        """
        held = self.permits.held
        waiter = _Waiter(fd, event, deadline, is_first=not held)
        with self._lock:
            if self._closed:
                return False
            waiters = self._waiting.get(fd, [])
            self._arm_locked(fd, [*waiters, waiter])
            self._waiting[fd] = [*waiters, waiter]
            self._expire_locked(waiter)
        if held:  # else it may have been given to this thread already
            self.permits.release()
        waiter.wait()
        return waiter.is_ready

    def _arm_locked(self, fd: int, waiters: list[_Waiter]) -> None:
        events = select.EPOLLONESHOT
        for waiter in waiters:
            events |= waiter.event
        try:
            self._epoll.modify(fd, events)
        except FileNotFoundError:  # its first wait: closing a descriptor removes it
            self._epoll.register(fd, events)

    def _expire_locked(self, waiter: _Waiter) -> None:
        if waiter.expires in self._expiring:
            self._expiring[waiter.expires].add(waiter)
            return
        self._expiring[waiter.expires] = {waiter}
        heapq.heappush(self._ends, waiter.expires)
        if self._ends[0] == waiter.expires:
            os.eventfd_write(self._alarm, 1)

    def _run(self) -> None:
        """Wake threads until ``close``. Runs on ``ts-poll``."""
        while not self._closed:
            for fd, events in self._epoll.poll(self._timeout()):
                if fd == self._alarm:
                    os.eventfd_read(self._alarm)
                else:
                    self._wake_ready(fd, events)
            self._wake_expired()
            self.permits.take_from_hung()

    def _timeout(self) -> float:
        """Return the seconds until the next deadline, or until a thread has had the permit for too long."""
        longest = HUNG_SECONDS if self.permits.is_awaited else MAX_POLL_SECONDS
        with self._lock:
            if not self._ends:
                return longest
            return min(longest, max(0.0, self._ends[0] / PARTS_OF_A_SECOND - time.monotonic()))

    def _wake_ready(self, fd: int, events: int) -> None:
        with self._lock:
            waiters = self._waiting.pop(fd, [])
            remaining = [waiter for waiter in waiters if not events & (waiter.event | ENDED)]
            if remaining:
                self._waiting[fd] = remaining
                self._arm_locked(fd, remaining)
            for waiter in waiters:
                if waiter not in remaining:
                    waiter.is_ready = True
                    self._expiring[waiter.expires].discard(waiter)
                    self.permits.give_to(waiter, first=waiter.is_first)

    def _wake_expired(self) -> None:
        with self._lock:
            now = time.monotonic() * PARTS_OF_A_SECOND
            while self._ends and self._ends[0] <= now:
                for waiter in self._expiring.pop(heapq.heappop(self._ends)):
                    waiters = self._waiting[waiter.fd]
                    waiters.remove(waiter)
                    if not waiters:
                        del self._waiting[waiter.fd]
                    self.permits.give_to(waiter, first=waiter.is_first)
