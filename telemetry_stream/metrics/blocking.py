"""Calls that may block for ever (statvfs of a dead server, a sensor on a slow bus), kept away from the tick.

Strategy: keys are asked for and answers looked up later; between them stand daemon workers. One call per key is
outstanding at most, so a dead mount holds one thread and not one per tick; while a call hangs, another worker takes the
rest. Not a ThreadPoolExecutor, whose workers are joined at exit: a hung one would keep the process.

``ask`` and ``answer`` belong to the collecting thread, the calls run on the workers; the condition's lock guards what
stands between. With ``timeout_seconds`` ask waits for the answers, which a program that takes one sample wants.
"""

from __future__ import annotations

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

HUNG_SECONDS = 2.0  # a call that takes longer is not waited for: another worker does the rest
# With so many dead mounts the living ones go stale, too, instead of eating threads.
MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """What the last finished call for a key brought: a value or an error, and when (monotonic)."""

    value: V | None
    error: Exception | None
    at: float


class Blocking(Generic[K, V]):
    """One kind of blocking call, on threads called ``name``."""

    def __init__(
        self,
        name: str,
        call: Callable[[K], V],
        clock: Clock,
        *,
        timeout_seconds: float = 0.0,
    ) -> None:
        self._name = name
        self._call = call
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._changed = threading.Condition()
        self._waiting: deque[K] = deque()
        self._asked: dict[K, float] = {}  # key -> when it was asked for, until it is answered
        self._answers: dict[K, Answer[V]] = {}
        self._running: dict[int, float] = {}  # worker -> when its call began, by the real clock
        self._idle = 0
        self._workers = 0
        self._generation = 0  # close() starts the next: workers of an older one end

    def ask(self, keys: Iterable[K]) -> None:
        """Have the call made for each key that is not outstanding already."""
        keys = list(keys)
        now = self._clock.monotonic()
        with self._changed:
            for key in keys:
                if key not in self._asked:
                    self._asked[key] = now
                    self._waiting.append(key)
            self._staff_locked()
            self._changed.notify_all()
            if self._timeout_seconds:
                self._changed.wait_for(
                    lambda: not any(key in self._asked for key in keys), self._timeout_seconds
                )

    def keep_only(self, keys: Iterable[K]) -> None:
        """Forget what is known of all other keys: unmounted, unplugged."""
        keys = set(keys)
        with self._changed:
            for key in self._answers.keys() - keys:
                del self._answers[key]

    def tend(self) -> None:
        """Once per tick: when all workers hang and calls wait, put one more to work."""
        if self._waiting:
            with self._changed:
                self._staff_locked()

    def answer(self, key: K) -> Answer[V] | None:
        """What the last finished call for ``key`` brought."""
        return self._answers.get(key)

    def outstanding_seconds(self, key: K) -> float:
        """How long the call for ``key`` has been due; 0 when none is."""
        asked = self._asked.get(key)
        return 0.0 if asked is None else max(0.0, self._clock.monotonic() - asked)

    def close(self) -> None:
        """Let idle workers go. One that hangs is left behind: it is a daemon and ends when its call does."""
        with self._changed:
            self._generation += 1
            self._waiting.clear()
            self._asked.clear()
            self._running.clear()
            self._workers = self._idle = 0
            self._changed.notify_all()

    def _staff_locked(self) -> None:
        """Start a worker when calls wait and nobody is free or about to be."""
        if not self._waiting or self._idle or self._workers >= MOST_WORKERS:
            return
        long_ago = time.monotonic() - HUNG_SECONDS
        if any(began > long_ago for began in self._running.values()):
            return
        if self._workers > len(self._running):
            return  # one that was just started has not taken its first call yet
        threads.start(self._name, self._work, self._generation)
        self._workers += 1  # only now: the system may have had no thread to give

    def _work(self, generation: int) -> None:
        """Runs on a worker: call after call until closed, or until another one is idle already."""
        me = threading.get_ident()
        while (key := self._maybe_next(me, generation)) is not None:
            value: V | None = None
            error: Exception | None = None
            try:
                value = self._call(key[0])
            except Exception as caught:  # noqa: BLE001 (kept: whoever looks up the answer judges it)
                error = caught
            with self._changed:
                if generation != self._generation:
                    return
                del self._running[me]
                if self._asked.pop(key[0], None) is not None:
                    self._answers[key[0]] = Answer(value, error, self._clock.monotonic())
                self._changed.notify_all()

    def _maybe_next(self, me: int, generation: int) -> tuple[K] | None:
        """The next key, in a tuple since a key may be None; None when this worker is not needed any more."""
        with self._changed:
            while generation == self._generation:
                if self._waiting:
                    self._running[me] = time.monotonic()
                    return (self._waiting.popleft(),)
                if self._idle:
                    self._workers -= 1
                    return None
                self._idle += 1
                self._changed.wait_for(
                    lambda: bool(self._waiting) or generation != self._generation
                )
                if generation == self._generation:
                    self._idle -= 1
            return None
