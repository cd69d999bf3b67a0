"""Signals of a program whose main thread waits: none is lost.

CPython runs a signal's handler on the main thread, between two of its bytecodes. One that comes after the last look and
before a wait begins is not seen until that wait ends: of SIGHUPs sent right after the start, one in twenty was not seen
for ever. But the C handler writes the signal's number to a descriptor at once (signal.set_wakeup_fd), and the thread
``ts-signal`` reads it. So an action runs on a thread like any other, and may take locks.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from . import threads

log = logging.getLogger(__name__)


class Signals:
    """Calls the action of each signal that comes between enter and exit, one after the other. Main thread only."""

    def __init__(self, actions: Mapping[signal.Signals, Callable[[], object]]) -> None:
        self._actions = dict(actions)

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)  # as set_wakeup_fd wants it
        self._fd_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # The C handler is there for signals with a handler of Python only; that one has its turn, and nothing to do.
        self._before = {number: signal.signal(number, _do_nothing) for number in self._actions}
        self._thread = threads.start("ts-signal", self._run)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._writer)
        self._thread.join()
        os.close(self._reader)

    def _run(self) -> None:
        while numbers := os.read(self._reader, 64):
            for number in numbers:
                action = self._actions.get(signal.Signals(number))
                if action is None:
                    continue  # somebody else's handler
                try:
                    action()
                except Exception:
                    log.exception("%s could not be followed", signal.Signals(number).name)


def _do_nothing(_number: int, _frame: object) -> None:
    """Have a handler."""
