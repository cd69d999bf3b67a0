"""Calls that may block indefinitely (statvfs of a dead server, a sensor on a slow bus), made outside of the tick.

Strategy: the collecting thread requests calls by key, and reads their results in a later tick. Daemon workers make the
calls. At most one call per key is pending, so that a dead mount blocks one worker and not one more per tick. While a
call hangs, another worker makes the remaining calls. A ThreadPoolExecutor would not do: the interpreter joins its
workers at exit, so a hung call would keep the process alive.

One thread at a time calls the methods. The condition's lock guards everything that the workers share with it. With
``timeout_seconds``, ``request`` waits for the results; a program that takes a single sample needs that. While the
system is out of threads, calls stay queued, and each tick tries to start a worker.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .. import threads
from .source import Clock

K = TypeVar("K")
V = TypeVar("V")

log = logging.getLogger(__name__)

# After this time, another worker is started for the remaining calls.
HUNG_SECONDS = 2.0
# If more mounts than this hang, the results of the others become stale too; the number of threads stays bounded.
MAX_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Result(Generic[V]):
    """The outcome of the last finished call for a key: a value or an error, and when it finished (monotonic)."""

    value: V | None
    error: Exception | None
    at: float


class Blocking(Generic[K, V]):
    """One kind of blocking call, made by threads that are called ``name``."""

    def __init__(
        self,
        name: str,
        call: Callable[[K], V],
        clock: Clock,
        *,
        timeout_seconds: float = 0.0,
        runs_foreign_code: bool = False,
    ) -> None:
        """``runs_foreign_code``: the call needs a stack of the usual size (``threads.start``)."""
        self._name = name
        self._call = call
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._runs_foreign_code = runs_foreign_code
        self._changed = threading.Condition()
        self._queue: deque[K] = deque()
        self._requested_at: dict[K, float] = {}  # of each pending call
        # Those whose call is running; its result is dropped. If another call was requested since then: when.
        self._forgotten: dict[K, float | None] = {}
        self._results: dict[K, Result[V]] = {}
        # When the call of each busy worker began, on the system's clock: a replaced clock may stand still.
        self._running: dict[int, float] = {}
        self._idle = 0
        self._workers = 0
        self._was_refused = False  # the last start of a worker
        # close() begins a new generation. Workers of an older one end.
        self._generation = 0

    def request(self, keys: Iterable[K]) -> None:
        """Have the call made for each key that has no pending call.

        If it was forgotten while its call was running, another one follows: what happened before does not count.
        """
        keys = list(keys)
        now = self._clock.monotonic()
        with self._changed:
            for key in keys:
                if key in self._forgotten:
                    self._forgotten[key] = self._forgotten[key] or now
                elif key not in self._requested_at:
                    self._requested_at[key] = now
                    self._queue.append(key)
            self._maybe_start_worker_locked()
            self._changed.notify_all()
            if self._timeout_seconds and self._workers:
                self._changed.wait_for(
                    lambda: not any(key in self._requested_at for key in keys),
                    self._timeout_seconds,
                )

    def forget_all_except(self, keys: Iterable[K]) -> None:
        """Drop the results and the calls of all other keys: their mounts or devices are gone."""
        kept = set(keys)
        with self._changed:
            self._forget_locked((self._results.keys() | self._requested_at.keys()) - kept)

    def forget(self, keys: Iterable[K]) -> None:
        """Drop the results and the calls of these keys. A call that is running ends, and its result is dropped."""
        with self._changed:
            self._forget_locked(keys)

    def check_workers(self) -> None:
        """Start another worker if calls are queued and every worker hangs. To be called once per tick."""
        if self._queue:
            with self._changed:
                self._maybe_start_worker_locked()

    def maybe_result(self, key: K) -> Result[V] | None:
        """Return the outcome of the last finished call for ``key``, or None if none has finished."""
        return self._results.get(key)

    def pending_seconds(self, key: K) -> float:
        """Return how long the call for ``key`` has been pending, or 0 if none is."""
        requested_at = self._requested_at.get(key)
        return 0.0 if requested_at is None else max(0.0, self._clock.monotonic() - requested_at)

    def close(self) -> None:
        """End the idle workers. A worker that hangs ends when its call returns; its result is ignored."""
        with self._changed:
            self._generation += 1
            self._queue.clear()
            self._requested_at.clear()
            self._forgotten.clear()
            self._running.clear()
            self._workers = self._idle = 0
            self._changed.notify_all()

    def _forget_locked(self, keys: Iterable[K]) -> None:
        for key in keys:
            self._results.pop(key, None)
            if key in self._queue:
                self._queue.remove(key)
                del self._requested_at[key]
            elif key in self._requested_at:
                self._forgotten[key] = None

    def _maybe_start_worker_locked(self) -> None:
        """Start a worker if calls are queued and no worker is free or about to be free, and a thread is available."""
        if not self._queue or self._idle or self._workers >= MAX_WORKERS:
            return
        hung_since = time.monotonic() - HUNG_SECONDS
        if any(began > hung_since for began in self._running.values()):
            return
        if self._workers > len(self._running):
            return  # A worker that was just started has not taken its first call yet.
        try:
            threads.start(
                self._name, self._work, self._generation, runs_foreign_code=self._runs_foreign_code
            )
        except threads.ThreadUnavailableError as error:
            if not self._was_refused:
                log.warning(
                    "A worker %s cannot be started, so its calls wait: %s", self._name, error
                )
            self._was_refused = True
            return
        self._was_refused = False
        self._workers += 1

    def _work(self, generation: int) -> None:
        """Make queued calls until closed, or until another worker is idle. Runs on a worker."""
        me = threading.get_ident()
        while (key := self._maybe_next(me, generation)) is not None:
            value: V | None = None
            error: Exception | None = None
            try:
                value = self._call(key[0])
            except Exception as caught:  # noqa: BLE001 (kept in the result, which the source evaluates)
                error = caught
            with self._changed:
                if generation != self._generation:
                    return
                del self._running[me]
                self._note_result_locked(key[0], Result(value, error, self._clock.monotonic()))
                # Calls are made in the order of the requests, so that none is complete while others are queued.
                if not self._queue:
                    self._changed.notify_all()

    def _note_result_locked(self, key: K, result: Result[V]) -> None:
        """Keep the result of a call, or drop it and queue the call that was requested since then."""
        if key not in self._forgotten:
            self._results[key] = result
        elif (requested_at := self._forgotten.pop(key)) is not None:
            self._requested_at[key] = requested_at
            self._queue.append(key)
            return
        # Last: without the lock, a key that is not pending has its result.
        del self._requested_at[key]

    def _maybe_next(self, me: int, generation: int) -> tuple[K] | None:
        """Return the next key in a tuple, since a key may be None; return None if this worker should end."""
        with self._changed:
            while generation == self._generation:
                if self._queue:
                    self._running[me] = time.monotonic()
                    return (self._queue.popleft(),)
                if self._idle:
                    self._workers -= 1
                    return None
                self._idle += 1
                self._changed.wait_for(lambda: bool(self._queue) or generation != self._generation)
                if generation == self._generation:
                    self._idle -= 1
            return None
