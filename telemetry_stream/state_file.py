"""A file of the state directory, of which only the newest content matters.

A thread of its own writes it, in one step: a disk that hangs delays nothing else, and another process never reads a
part of a file. While it writes, only the newest of several contents is kept. What could not be written, because the
disk was full, is tried again each minute, and at the end.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from . import threads

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
CLOSE_SECONDS = 0.3  # to write the last content; the whole program may take two seconds to stop


class StateFile:
    """One file. Read it, ``start``, ``keep`` each new content, ``close``. Any thread may call ``keep``."""

    def __init__(
        self, path: str, thread: str, *, max_bytes: int, on_crash: Callable[[BaseException], None]
    ) -> None:
        """``thread`` is the name of the thread that writes. More than ``max_bytes`` are neither read nor written."""
        self.path = path
        self._max_bytes = max_bytes
        self._thread_name = thread
        self._on_crash = on_crash
        self._lock = threading.Lock()  # guards _next and _is_too_large
        self._next: bytes | None = None  # what has to be written
        self._wake = threading.Event()
        self._is_too_large = False
        self._is_closed = False
        self._has_failed = False
        self._thread: threading.Thread | None = None

    def maybe_read(self) -> bytes | None:
        """Return the content, None if there is no file. Raises ValueError if it is too large; logs another failure."""
        try:
            with open(self.path, "rb") as file:
                content = file.read(self._max_bytes + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", self.path, error.strerror)
            return None
        if len(content) > self._max_bytes:
            raise ValueError("too large")
        return content

    def start(self) -> None:
        """Start the thread. Raises ThreadUnavailableError."""
        self._thread = threads.start(self._thread_name, self._run, on_crash=self._on_crash)

    def keep(self, content: bytes) -> None:
        """Have this content written, unless it is too large to be read: then the file stays. Never waits."""
        is_too_large = len(content) > self._max_bytes
        with self._lock:
            was_too_large, self._is_too_large = self._is_too_large, is_too_large
            if not is_too_large:
                self._next = content
        if is_too_large and not was_too_large:  # the next one that fits allows another line
            log.warning("%s cannot be written: too large", self.path)
        self._wake.set()

    def close(self) -> None:
        """Write the last content, and wait a moment for it. Safe to repeat, and before ``start``."""
        self._is_closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        """Write each new content until ``close``. Runs on the thread."""
        while True:
            self._wake.wait(RETRY_SECONDS if self._has_failed else None)
            self._wake.clear()
            is_closed = self._is_closed
            self._write_next()
            if is_closed:
                return

    def _write_next(self) -> None:
        """Write the newest content, if there is one. It is kept until it has been written."""
        content = self._next
        if content is None:
            return
        try:
            self._write(content)
        except OSError as error:
            if not self._has_failed:  # the next success allows another line
                log.warning("%s cannot be written: %s", self.path, error.strerror)
            self._has_failed = True
        else:
            self._has_failed = False
            with self._lock:
                if self._next is content:
                    self._next = None

    def _write(self, content: bytes) -> None:
        """Replace the file. Raises OSError."""
        draft = f"{self.path}.new"
        os.makedirs(os.path.dirname(self.path), 0o700, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self.path)
