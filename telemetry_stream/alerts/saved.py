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
from .hosts import Identity
from .rule import SEVERITIES

log = logging.getLogger(__name__)

FILE = "alerts.json"
FLEET_FILE = "fleet-alerts.json"  # of the hosts of a front end
MAX_FILE_BYTES = 4 * 1024 * 1024  # without other hosts: an alert takes about 450 bytes
HOST_BYTES = 4 * 1024  # of a host and up to four alerts, as the engine limits them
VERSION = 1


class Saved:
    """The file of one state directory. ``load`` it, ``start``, ``keep`` each new state, ``close``.

    ``hosts`` are those of a front end, by their addresses, which are the keys of alerts. Those with alerts are saved.
    """

    def __init__(
        self,
        directory: str,
        *,
        on_crash: Callable[[BaseException], None],
        file: str = FILE,
        max_hosts: int = 0,
    ) -> None:
        """``max_hosts`` are the hosts that can have alerts beside this one: the file may be larger."""
        self.hosts: dict[str, Identity] = {}
        self._file = StateFile(
            os.path.join(directory, file),
            "ts-alerts",
            max_bytes=max(MAX_FILE_BYTES, HOST_BYTES * max_hosts),
            on_crash=on_crash,
        )
        self.start = self._file.start
        self.close = self._file.close

    def load(self) -> tuple[Alert, ...]:
        """Return the alerts in the file. An invalid file has none, and is logged."""
        try:
            content = self._file.maybe_read()
            return () if content is None else self._restored(content)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("%s is not valid, so no alert is restored: %r", self._file.path, error)
        return ()

    def _restored(self, content: bytes) -> tuple[Alert, ...]:
        """Return the alerts in the content of a file. Raises ValueError, TypeError or KeyError."""
        saved = json.loads(content)
        if saved["version"] != VERSION:
            raise ValueError(f"version {saved['version']}")
        alerts = tuple(map(_alert, saved["alerts"]))
        hosts = dict(saved.get("hosts", {}))
        self.hosts = {address: _identity(entry) for address, entry in hosts.items()}
        return alerts

    def keep(self, alerts: Iterable[Alert]) -> None:
        """Have these firing alerts written. Never waits."""
        entries = [{**alert.report(), "key": _listed(alert.key)} for alert in alerts]
        keys = {entry["key"] for entry in entries if isinstance(entry["key"], str)}
        hosts = {key: self.hosts[key] for key in keys & self.hosts.keys()}
        saved = {"version": VERSION, "alerts": entries, **({"hosts": hosts} if hosts else {})}
        self._file.keep(to_json(saved))


def _listed(key: Hashable) -> object:
    return list(key) if isinstance(key, tuple) else key


def _key(value: Any) -> Hashable:
    key = tuple(value) if isinstance(value, list) else value
    hash(key)  # raises TypeError
    return key


def _identity(entry: Any) -> Identity:
    found = Identity(*entry)
    if not all(isinstance(text, str) for text in (found.id, found.name, found.site or "")):
        raise ValueError("a host of a wrong form")
    return found


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
