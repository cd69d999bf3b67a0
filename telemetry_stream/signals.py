"""Signals of a program whose main thread waits: none is lost.

CPython runs a signal handler on the main thread, between two bytecodes. A signal that arrives after the last check and
before a wait begins is handled only when that wait ends: of SIGHUPs sent right after the start, one in twenty was
delayed indefinitely. But the C handler writes the signal's number to a descriptor at once (signal.set_wakeup_fd), and
the thread ``ts-signal`` reads that descriptor. So an action runs on an ordinary thread, and may take locks.
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
    """A context in which each signal runs its action, in the order of arrival. For the main thread only.

    Entering it raises ThreadUnavailableError.
    """

    def __init__(self, actions: Mapping[signal.Signals, Callable[[], object]]) -> None:
        self._actions = dict(actions)

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)  # required by set_wakeup_fd
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # CPython installs its C handler only for a signal that has a Python handler. That one has nothing to do.
        self._previous = {number: signal.signal(number, _do_nothing) for number in self._actions}
        try:
            self._thread = threads.start("ts-signal", self._run)
        except threads.ThreadUnavailableError:
            self._restore()
            os.close(self._reader)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()
        self._thread.join()
        os.close(self._reader)

    def _restore(self) -> None:
        """Restore the previous handlers and end the thread's input."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        os.close(self._writer)

    def _run(self) -> None:
        """Run the actions. Runs on ``ts-signal``."""
        while numbers := os.read(self._reader, 64):
            for number in numbers:
                action = self._actions.get(signal.Signals(number))
                if action is None:
                    continue  # a signal that other code of the process handles
                try:
                    action()
                except Exception:
                    log.exception("Handling %s failed", signal.Signals(number).name)


def _do_nothing(_number: int, _frame: object) -> None:
    """Be a Python handler."""
