"""The firing alerts in a file of the state directory, so that a restart neither forgets them nor fires them again.

The file is written by the thread ``ts-alerts``, only when an alert changes, and in one step: a disk that hangs delays
nothing else, and another process never reads a part of a file. Only the newest state is kept for it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from .. import threads
from ..stream import to_json
from .alert import Alert
from .rule import SEVERITIES

log = logging.getLogger(__name__)

FILE = "alerts.json"
MAX_FILE_BYTES = 4 * 1024 * 1024
VERSION = 1
CLOSE_SECONDS = 0.3  # to write the last state; the whole program may take two seconds to stop


class Saved:
    """The file of one state directory. ``load`` it, ``start``, ``keep`` each new state, ``close``."""

    def __init__(self, directory: str, *, on_crash: Callable[[BaseException], None]) -> None:
        self._path = os.path.join(directory, FILE)
        self._on_crash = on_crash
        self._next: bytes | None = None  # what has to be written
        self._wake = threading.Event()
        self._is_closed = False
        self._has_failed = False
        self._thread: threading.Thread | None = None

    def load(self) -> tuple[Alert, ...]:
        """Return the alerts in the file. An invalid file has none, and is logged."""
        try:
            with open(self._path, "rb") as file:
                return _alerts(file.read(MAX_FILE_BYTES + 1))
        except FileNotFoundError:
            return ()
        except OSError as error:
            log.warning("%s cannot be read: %s", self._path, error.strerror)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("%s is not valid, so no alert is restored: %r", self._path, error)
        return ()

    def start(self) -> None:
        """Start the thread. Raises ThreadUnavailableError."""
        self._thread = threads.start("ts-alerts", self._run, on_crash=self._on_crash)

    def keep(self, alerts: Iterable[Alert]) -> None:
        """Have these firing alerts written. Never waits."""
        entries = [{**alert.report(), "key": _listed(alert.key)} for alert in alerts]
        self._next = to_json({"version": VERSION, "alerts": entries})
        self._wake.set()

    def close(self) -> None:
        """Write the last state, and wait a moment for it. Safe to repeat, and before ``start``."""
        self._is_closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        """Write each new state until ``close``. Runs on ``ts-alerts``."""
        while True:
            self._wake.wait()
            self._wake.clear()
            is_closed = self._is_closed
            content, self._next = self._next, None
            if content is not None:
                self._write(content)
            if is_closed:
                return

    def _write(self, content: bytes) -> None:
        draft = f"{self._path}.new"
        try:
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)
        except OSError as error:
            if not self._has_failed:  # the next success allows another line
                log.warning("%s cannot be written: %s", self._path, error.strerror)
            self._has_failed = True
        else:
            self._has_failed = False


def _listed(key: Hashable) -> object:
    return list(key) if isinstance(key, tuple) else key


def _key(value: Any) -> Hashable:
    key = tuple(value) if isinstance(value, list) else value
    hash(key)  # raises TypeError
    return key


def _alerts(content: bytes) -> tuple[Alert, ...]:
    """Return the alerts in the content of a file. Raises ValueError, TypeError or KeyError."""
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("too large")
    saved = json.loads(content)
    if saved["version"] != VERSION:
        raise ValueError(f"version {saved['version']}")
    return tuple(map(_alert, saved["alerts"]))


def _alert(entry: Mapping[str, Any]) -> Alert:
    labels, values = dict(entry["labels"]), dict(entry["values"])
    texts = [entry["rule"], entry["text"], *labels.values()]
    if entry["severity"] not in SEVERITIES or not all(isinstance(text, str) for text in texts):
        raise ValueError("an alert of a wrong form")
    return Alert(
        rule=entry["rule"],
        state="firing",
        severity=entry["severity"],
        key=_key(entry["key"]),
        labels=labels,
        since_unix=float(entry["since_unix"]),
        text=entry["text"],
        values=values,
    )
