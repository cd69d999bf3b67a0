"""What a restart must remember: ``notify.json`` with what each receiver was notified of, and ``silences.json``.

The files are written at once when something has changed: what is not saved is lost if the program is killed. But with
many alerts, the first one has many megabytes, so the next change waits in proportion.
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..state_file import StateFile
from ..stream import to_json
from .delivery import Delivery
from .silences import Silences

log = logging.getLogger(__name__)

FILE = "notify.json"
SILENCES_FILE = "silences.json"
# An alert takes about 550 bytes, and up to 50 receivers have up to 1000 each.
MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_SILENCES_FILE_BYTES = 8 * 1024 * 1024
VERSION = 1
BYTES_PER_SECOND = 4_000_000  # that are written, on average


class State:
    """The files. ``restore`` them, ``start``, ``save`` what changes, ``close``."""

    def __init__(
        self,
        state_dir: str,
        silences: Silences,
        *,
        on_crash: Callable[[BaseException], None],
        clock: Callable[[], float],
    ) -> None:
        self._silences = silences
        self._clock = clock
        path, silences_path = (os.path.join(state_dir, name) for name in (FILE, SILENCES_FILE))
        self._file = StateFile(path, "ts-notify-save", max_bytes=MAX_FILE_BYTES, on_crash=on_crash)
        self._silences_file = StateFile(
            silences_path, "ts-silences", max_bytes=MAX_SILENCES_FILE_BYTES, on_crash=on_crash
        )
        self._next_at = -math.inf
        self._saved_version = silences.version

    def start(self) -> None:
        """Start the threads that write. Raises ThreadUnavailableError."""
        self._file.start()
        self._silences_file.start()

    def close(self) -> None:
        """Write what was saved last. Safe to repeat, and before ``start``."""
        self._file.close()
        self._silences_file.close()

    def restore(self, deliveries: Iterable[Delivery]) -> None:
        """Continue with what the run before has saved. A file that is not valid is ignored, and logged."""
        _read(self._silences_file, lambda saved: self._silences.restore(saved["silences"]))
        _read(self._file, lambda saved: self._restore(saved, deliveries))

    def _restore(self, saved: Mapping[str, Any], deliveries: Iterable[Delivery]) -> None:
        offset = time.time() - self._clock()
        for delivery in deliveries:
            # A time in the future: the clock was set back.
            delivery.outbox.restore(
                saved["receivers"].get(delivery.receiver.name, ()),
                lambda unix: min(unix - offset, self._clock()),
            )

    def maybe_save_at(self, deliveries: Iterable[Delivery]) -> float | None:
        """Return when ``save`` must be called for what has changed; None if nothing has."""
        is_dirty = any(delivery.outbox.is_dirty for delivery in deliveries)
        if not is_dirty and self._silences.version == self._saved_version:
            return None
        return self._next_at

    def save(self, deliveries: Iterable[Delivery], *, is_last: bool) -> None:
        """Have written what has changed, if it is time; the last time in any case. Never waits."""
        deliveries = tuple(deliveries)
        now = self._clock()
        at = self.maybe_save_at(deliveries)
        if at is None or (now < at and not is_last):
            return
        size = 0
        if self._silences.version != self._saved_version:
            self._saved_version = self._silences.version
            content = to_json({"version": VERSION, "silences": self._silences.saved()})
            self._silences_file.keep(content)
            size += len(content)
        if any(delivery.outbox.is_dirty for delivery in deliveries):
            size += self._save_outboxes(deliveries)
        self._next_at = now + size / BYTES_PER_SECOND

    def _save_outboxes(self, deliveries: Iterable[Delivery]) -> int:
        """Have the state of all receivers written; return its size in bytes."""
        offset = time.time() - self._clock()
        receivers = {}
        for delivery in deliveries:
            delivery.outbox.is_dirty = False
            receivers[delivery.receiver.name] = delivery.outbox.saved(lambda at: at + offset)
        content = to_json({"version": VERSION, "receivers": receivers})
        self._file.keep(content)
        return len(content)


def _read(file: StateFile, take: Callable[[Mapping[str, Any]], None]) -> None:
    """Pass on the content of a file, if there is one."""
    try:
        content = file.maybe_read()
        if content is None:
            return
        saved = json.loads(content)
        _check(saved["version"])
        take(saved)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        log.warning("%s is not valid, so it is ignored: %r", file.path, error)


def _check(version: object) -> None:
    if version != VERSION:
        raise ValueError(f"version {version}")
