"""The permit for request work: one connection's thread at a time parses, routes, answers and encrypts.

The interpreter executes one thread at a time and switches between those that are ready, in no order. If 64 threads
parse requests, the hub's thread waits behind them after each of its system calls, and a viewer gets its samples seconds
late. With the permit, only one of them is ready at a time; the others wait for a lock, which costs nothing.

A thread gives the permit up while it waits for anything, and passes it on before each read and between the pieces of
an answer, so that no peer can keep it. The hub, the grace thread and collectors never need it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

# A thread does not pass the permit on sooner than this. A request takes about a millisecond, a piece of a history much
# less: if the permit were passed on after each piece, a history would take 18 s beside 64 clients that repeat requests.
TURN_SECONDS = 0.002

# A thread that has kept the permit for this long without a call of pass_on is blocked, for example by a log that nobody
# reads or by a disk.
HUNG_SECONDS = 1.0


class Turn:
    """A thread that waits for the permit."""

    __slots__ = ("_given", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self._given = threading.Lock()
        self._given.acquire()

    def wait(self, timeout: float = -1) -> bool:
        """Wait until the permit is given to this thread; return False after ``timeout`` seconds (-1: never)."""
        return self._given.acquire(timeout=timeout)

    def give(self) -> None:
        """Wake the thread."""
        self._given.release()


class Permits:
    """Gives the permit to one thread after the other, in the order of their requests.

    As a context manager, it is for write pumps, which come before all others: live frames wait in their short queues
    behind what a pump is about to write. Each request starts at most one pump, so pumps cannot keep requests waiting.

    ``_lock`` guards ``_holder``, ``_since`` and ``_turns``. A plain lock would not keep the order: a connection whose
    next request has already arrived would take it again before the next thread wakes up.

    The permit protects no data. Therefore a thread that is blocked loses it after ``HUNG_SECONDS`` and works on without
    it, and ``held`` and ``pass_on`` may read without the lock: only the calling thread itself gives up what it holds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None  # the thread's identifier
        self._since = 0.0  # when the present turn began: monotonic seconds
        self._turns: deque[Turn] = deque()

    @property
    def held(self) -> bool:
        """Whether the calling thread has the permit."""
        return self._holder == threading.get_ident()

    def acquire(self, *, first: bool = False) -> None:
        """Wait for the permit, unless the calling thread has it. ``first``: before those that wait already."""
        if not self.held:
            turn = Turn()
            self.give_to(turn, first=first)
            while not turn.wait(HUNG_SECONDS):
                self.take_from_hung()

    def give_to(self, turn: Turn, *, first: bool = False) -> None:
        """Give the permit to the thread of ``turn``, as soon as those before it have given it up."""
        with self._lock:
            if self._holder is None:
                self._give_locked(turn)
            elif first:
                self._turns.appendleft(turn)
            else:
                self._turns.append(turn)

    @property
    def is_awaited(self) -> bool:
        """Whether a thread waits for the permit."""
        return bool(self._turns)

    def take_from_hung(self) -> None:
        """Give the permit to the next thread if one waits and the present turn has lasted for ``HUNG_SECONDS``."""
        with self._lock:
            if self._turns and time.monotonic() - self._since >= HUNG_SECONDS:
                self._give_locked(self._turns.popleft())

    def _give_locked(self, turn: Turn) -> None:
        self._holder = turn.thread
        self._since = time.monotonic()
        turn.give()

    def release(self) -> None:
        """Give the permit to the next thread, if the calling thread has it."""
        with self._lock:
            if not self.held:
                return
            if self._turns:
                self._give_locked(self._turns.popleft())
            else:
                self._holder = None

    def pass_on(self) -> None:
        """Take the permit again after those that wait for it, if the calling thread has had it for ``TURN_SECONDS``."""
        if self.held and time.monotonic() - self._since >= TURN_SECONDS and not self._renew():
            self.release()
            self.acquire()

    def _renew(self) -> bool:
        """Begin another turn of the calling thread, unless others wait. Return whether it has begun."""
        with self._lock:
            if self._turns or not self.held:
                return False
            self._since = time.monotonic()
        return True

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the permit up for a block that waits, if the calling thread has it."""
        held = self.held
        self.release()
        try:
            yield
        finally:
            if held:
                self.acquire()

    def __enter__(self) -> None:
        self.acquire(first=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
