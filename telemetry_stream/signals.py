"""Signals of a program whose main thread waits: none is lost.

CPython runs a signal handler on the main thread, between two bytecodes. A signal that arrives after the last check and
before a wait begins is handled only when that wait ends: of SIGHUPs sent right after the start, one in twenty was
delayed indefinitely. But the C handler writes the signal's number to a descriptor at once (signal.set_wakeup_fd), and
the thread ``ts-signal`` reads that descriptor. So an action runs on an ordinary thread, and may take locks. It must not
block, because the next signal may be the one that ends the program: ``Background`` is for actions that may.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from . import threads

log = logging.getLogger(__name__)

JOIN_SECONDS = 0.2  # the whole program may take two seconds to stop


class Signals:
    """A context in which each signal runs its action, in the order of arrival. For the main thread only.

    ``on_crash`` gets the error if the thread dies, because no signal would have an effect from then on. Entering the
    context raises ThreadUnavailableError.
    """

    def __init__(
        self,
        actions: Mapping[signal.Signals, Callable[[], object]],
        *,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._actions = {int(number): action for number, action in actions.items()}
        self._on_crash = on_crash

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)  # required by set_wakeup_fd
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # CPython installs its C handler only for a signal that has a Python handler. That one has nothing to do.
        self._previous = {number: signal.signal(number, _do_nothing) for number in self._actions}
        try:
            self._thread = threads.start("ts-signal", self._run, on_crash=self._on_crash)
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
        self._thread.join(JOIN_SECONDS)
        if not self._thread.is_alive():
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
                # Other code of the process may handle other signals. Those between SIGRTMIN and SIGRTMAX have no name.
                action = self._actions.get(number)
                if action is None:
                    continue
                try:
                    action()
                except Exception:
                    log.exception("Handling %s failed", signal.Signals(number).name)


class Background:
    """A context with the thread ``name``, which runs an action that may block, once for each request.

    Requests that arrive before a run begins cause one run together. Entering the context raises ThreadUnavailableError.
    Leaving it does not wait for an action that blocks; its thread ends with the process.
    """

    def __init__(
        self,
        name: str,
        action: Callable[[], object],
        *,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._name = name
        self._action = action
        self._on_crash = on_crash
        self._wake = threading.Event()
        self._running = False
        self._closed = False

    def request(self) -> None:
        """Make the thread run the action. Any thread may call this."""
        if self._running:
            log.warning(
                "%s is still busy with the previous request; this one has to wait", self._name
            )
        self._wake.set()

    def __enter__(self) -> Self:
        self._thread = threads.start(self._name, self._run, on_crash=self._on_crash)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        self._wake.set()
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        """Run the action. Runs on the thread ``name``."""
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closed:
                return
            self._running = True
            try:
                self._action()
            except Exception:
                log.exception("%s failed", self._name)
            self._running = False


def _do_nothing(_number: int, _frame: object) -> None:
    """Be a Python handler."""
