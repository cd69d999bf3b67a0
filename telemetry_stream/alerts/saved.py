"""The firing alerts in a file of the state directory, so that a restart neither forgets them nor fires them again.

It is written only when an alert changes, by the thread ``ts-alerts``.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from ..state_file import StateFile
from ..stream import to_json
from .alert import Alert
from .rule import SEVERITIES

log = logging.getLogger(__name__)

FILE = "alerts.json"
FLEET_FILE = "fleet-alerts.json"  # of the hosts of a front end
MAX_FILE_BYTES = 4 * 1024 * 1024
VERSION = 1


class Saved:
    """The file of one state directory. ``load`` it, ``start``, ``keep`` each new state, ``close``."""

    def __init__(
        self, directory: str, *, on_crash: Callable[[BaseException], None], file: str = FILE
    ) -> None:
        self._file = StateFile(os.path.join(directory, file), "ts-alerts", on_crash=on_crash)
        self.start = self._file.start
        self.close = self._file.close

    def load(self) -> tuple[Alert, ...]:
        """Return the alerts in the file. An invalid file has none, and is logged."""
        try:
            content = self._file.maybe_read(MAX_FILE_BYTES)
            return () if content is None else _alerts(content)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("%s is not valid, so no alert is restored: %r", self._file.path, error)
        return ()

    def keep(self, alerts: Iterable[Alert]) -> None:
        """Have these firing alerts written. Never waits."""
        entries = [{**alert.report(), "key": _listed(alert.key)} for alert in alerts]
        self._file.keep(to_json({"version": VERSION, "alerts": entries}))


def _listed(key: Hashable) -> object:
    return list(key) if isinstance(key, tuple) else key


def _key(value: Any) -> Hashable:
    key = tuple(value) if isinstance(value, list) else value
    hash(key)  # raises TypeError
    return key


def _alerts(content: bytes) -> tuple[Alert, ...]:
    """Return the alerts in the content of a file. Raises ValueError, TypeError or KeyError."""
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
