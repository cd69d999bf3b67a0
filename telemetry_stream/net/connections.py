"""The open connections: each is served by a thread of its own, until its handler returns or all of them are ended.

Relies on ``threads`` to start threads, and on a handler that serves one transport until that ends. The transport is
closed here, even if the handler crashes. Which connections are accepted is decided by the listener.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .. import threads
from .heap import Trimmer, trim
from .transport import Transport

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.3  # at the close, for the rest of an answer: a loading page gets whole files


class Counts(NamedTuple):
    """How many connections are open, were started and have crashed."""

    open: int
    started: int
    crashed: int


class Connections:
    """Runs ``handle(transport)`` for each connection. One thread calls ``start``, until ``close`` is called.

    ``_lock`` guards ``_open``, the counts and ``_trimmer``.
    """

    def __init__(self, handle: Callable[[Transport], object]) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self._trimmer = Trimmer()
        self._open: dict[Transport, threading.Thread | None] = {}
        self._started = 0
        self._crashed = 0

    def counts(self) -> Counts:
        """Return the counts. Any thread may call this."""
        with self._lock:
            return Counts(len(self._open), self._started, self._crashed)

    def start(self, transport: Transport, on_end: Callable[[], object]) -> None:
        """Serve the connection on a new thread, which closes it and calls ``on_end`` at last.

        Raises ThreadUnavailableError: then the transport is as it was, and ``on_end`` is not called.
        """
        with self._lock:
            number, self._started = self._started, self._started + 1
            # Before the thread starts, because it removes this entry when it ends.
            self._open[transport] = None
            self._trimmer.is_due(len(self._open))
        name = f"ts-conn{number % 10_000_000}"
        try:  # without the lock: without memory, it may never return (Listener.stuck_seconds)
            thread = threads.start(name, self._run, transport, on_end)
        except threads.ThreadUnavailableError:
            with self._lock:
                del self._open[transport]
                self._started -= 1
            raise
        with self._lock:
            if transport in self._open:
                self._open[transport] = thread

    def close(self, deadline: float) -> bool:
        """End every connection, and wait for their threads until ``deadline`` (monotonic seconds).

        A connection that waits for a request ends at once. One that is being answered gets ``ANSWER_SECONDS``.

        Return whether all have ended. The log names threads that have not; they are daemons, so the process can exit.
        """
        with self._lock:
            left = list(self._open.items())
        started = [(thread, transport.peer) for transport, thread in left if thread is not None]
        for transport, _ in left:
            transport.shutdown_reading()
        _join(started, min(time.monotonic() + ANSWER_SECONDS, deadline))
        for transport, _ in left:
            transport.shutdown()
        _join(started, deadline)
        stuck = [f"{thread.name} ({peer})" for thread, peer in started if thread.is_alive()]
        if stuck:
            examples = ", ".join(stuck[:5])
            log.warning("%d connections did not end in time, for example %s", len(stuck), examples)
        return not stuck

    def _run(self, transport: Transport, on_end: Callable[[], object]) -> None:
        """Serve one connection. Runs on its thread."""
        try:
            transport.permits.acquire()
            self._handle(transport)
        except Exception:
            log.exception("Connection %s crashed", transport.peer)
            with self._lock:
                self._crashed += 1
        finally:
            self._end(transport, on_end)

    def _end(self, transport: Transport, on_end: Callable[[], object]) -> None:
        try:
            transport.close()
        finally:
            transport.permits.release()
            on_end()
            with self._lock:
                del self._open[transport]
                is_trim_due = self._trimmer.is_due(len(self._open))
            if is_trim_due:
                trim()


def _join(started: list[tuple[threading.Thread, str]], deadline: float) -> None:
    for thread, _ in started:
        thread.join(max(0.0, deadline - time.monotonic()))
