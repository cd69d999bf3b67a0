"""The alerts of another host, as a front end receives them: in its ``hello``, and as messages ``alerts``.

They come from the network, so each field is checked, and texts are escaped and cut. They are kept as JSON, which takes
a tenth of the memory of the objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..escape import escaped
from ..stream import to_json
from ..stream.received import ReceivedError, maybe_number

MAX_ALERTS = 256
MAX_BYTES = 32 * 1024  # of all that are kept
MAX_FIELDS = 16  # labels, and values, of an alert
MAX_TEXT_CHARACTERS = 512
SEVERITIES = ("critical", "warning", "info")

Alert = dict[str, Any]


class Alerts(NamedTuple):
    """The state in one message. ``firing`` is a JSON list, None if the host evaluates no rules, or has not yet."""

    firing: bytes | None = None
    time_unix: float | None = None  # of their sample; None: they were in hello
    resolved: tuple[Alert, ...] = ()
    omitted: int = 0

    @property
    def firing_alerts(self) -> list[Alert] | None:
        """The firing alerts, decoded."""
        found: list[Alert] | None = None if self.firing is None else json.loads(self.firing)
        return found


UNKNOWN = Alerts()


def alerts_of(message: Mapping[str, Any]) -> Alerts:
    """Check the alerts in a ``hello`` or in a message ``alerts``. Raises ReceivedError."""
    entries, omitted = message.get("alerts"), message.get("omitted_alerts", 0)
    if entries is None:
        return UNKNOWN
    if type(omitted) is not int or not 0 <= omitted < 2**31 or type(entries) is not list:
        raise ReceivedError("has alerts of a wrong form")
    firing: list[Alert] = []
    resolved: list[Alert] = []
    size = 0
    for number, entry in enumerate(entries):
        alert = _alert(entry)
        size += len(to_json(alert)) + 1
        if number == MAX_ALERTS or size > MAX_BYTES:
            omitted += len(entries) - number
            break
        (firing if alert["state"] == "firing" else resolved).append(alert)
    time_unix = maybe_number(message.get("time_unix"))
    return Alerts(to_json(firing), time_unix, tuple(resolved), omitted)


def _alert(entry: Any) -> Alert:
    if not isinstance(entry, dict) or entry.get("severity") not in SEVERITIES:
        raise ReceivedError("has an alert of a wrong form")
    since = maybe_number(entry.get("since_unix"))
    if since is None:
        raise ReceivedError("has an alert without a time")
    return {
        "rule": _text(entry.get("rule")),
        "state": "resolved" if entry.get("state") == "resolved" else "firing",
        "severity": entry["severity"],
        "labels": {_text(name): _text(value) for name, value in _fields(entry, "labels")},
        "since_unix": since,
        "text": _text(entry.get("text")),
        "values": {_text(name): _value(value) for name, value in _fields(entry, "values")},
        "known": entry.get("known") is not False,
    }


def _fields(entry: Alert, name: str) -> Iterable[tuple[Any, Any]]:
    found = entry.get(name)
    if not isinstance(found, dict) or len(found) > MAX_FIELDS:
        raise ReceivedError("has an alert of a wrong form")
    return found.items()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ReceivedError("has an alert of a wrong form")
    return escaped(value[:MAX_TEXT_CHARACTERS])[:MAX_TEXT_CHARACTERS]


def _value(value: object) -> object:
    """Return a number, a text or a truth value; None for anything else."""
    if isinstance(value, bool):
        return value
    return _text(value) if isinstance(value, str) else maybe_number(value)
