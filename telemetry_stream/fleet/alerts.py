"""The alerts of another host, as a front end receives them: in its ``hello``, and as messages ``alerts``.

They come from the network, so each field is checked, and texts are escaped and cut. They are kept as JSON, which takes
a tenth of the memory of the objects.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..alerts.rule import SEVERITIES
from ..escape import escaped
from ..stream import to_json
from ..stream.received import ReceivedError, maybe_number

MAX_ALERTS = 200
MAX_BYTES = 32 * 1024  # of all that are kept
MAX_OMITTED = 2**31 - 1
MAX_FIELDS = 16  # labels, values, and fields of the condition, of an alert
MAX_TEXT_CHARACTERS = 512
MAX_WORST_CHARACTERS = 120  # of a text in the overview, which is sent each second

Alert = dict[str, Any]


class Summary(NamedTuple):
    """What a row of the overview shows: the number of firing alerts by severity, and the text of the worst one.

    The numbers are None if the alerts are unknown.
    """

    critical: int | None = None
    warning: int | None = None
    info: int | None = None
    worst: str | None = None


class Alerts(NamedTuple):
    """The state in one message. ``firing`` is a JSON list, None if the host evaluates no rules, or has not yet."""

    firing: bytes | None = None
    time_unix: float | None = None  # of their sample; None: they were in hello
    resolved: tuple[Alert, ...] = ()
    omitted: int = 0
    summary: Summary = Summary()

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
    if type(omitted) is not int or not 0 <= omitted <= MAX_OMITTED or type(entries) is not list:
        raise ReceivedError("has alerts of a wrong form")
    time_unix = maybe_number(message.get("time_unix"))
    return _limited(map(_alert, entries), len(entries), omitted, time_unix)


def _limited(alerts: Iterable[Alert], count: int, omitted: int, time_unix: float | None) -> Alerts:
    """Keep the first ones of ``count`` checked alerts. Those that are left out are added to ``omitted``."""
    firing: list[Alert] = []
    resolved: list[Alert] = []
    size = 0
    for number, alert in enumerate(alerts):
        size += len(to_json(alert)) + 1
        if number == MAX_ALERTS or size > MAX_BYTES:
            omitted = min(omitted + count - number, MAX_OMITTED)
            break
        (firing if alert["state"] == "firing" else resolved).append(alert)
    return Alerts(to_json(firing), time_unix, tuple(resolved), omitted, summary_of(firing))


def merged(found_here: Sequence[Alert], received: Alerts, *, is_heard: bool) -> Alerts:
    """Return the alerts that this front end has found for a host, and then those that it has received from it.

    Nothing is known of the latter unless the host ``is_heard``: they stay as they were.
    """
    if not found_here and (is_heard or received.firing is None):
        return received._replace(resolved=())
    kept = [
        {**alert, "known": alert["known"] and is_heard} for alert in received.firing_alerts or ()
    ]
    found = json.loads(to_json(list(found_here)))  # as it would be received
    # Both are checked already: nothing may be refused here, on the thread of all hosts.
    alerts = [*found, *kept]
    return _limited(alerts, len(alerts), received.omitted, received.time_unix)


def outdated(received: Alerts) -> Alerts:
    """Return the alerts of a run that has ended: they stay, but nothing is known of them."""
    if received.firing is None:
        return received
    firing = [{**alert, "known": False} for alert in received.firing_alerts or ()]
    return _limited(firing, len(firing), received.omitted, received.time_unix)


def newly_resolved(before: Alerts, after: Alerts) -> tuple[Alert, ...]:
    """Return the alerts that fired ``before``, as resolved ones. None if some of those ``after`` are not known."""
    if before.firing in (None, b"[]") or after.firing is None or after.omitted:
        return ()
    still = {_identity(alert) for alert in after.firing_alerts or ()}
    return tuple(
        {**alert, "state": "resolved"}
        for alert in before.firing_alerts or ()
        if _identity(alert) not in still
    )


def _identity(alert: Alert) -> tuple[str, frozenset[tuple[str, str]]]:
    return alert["rule"], frozenset(alert["labels"].items())


def summary_of(firing: Sequence[Mapping[str, Any]]) -> Summary:
    """Return the summary of firing alerts. Of those with the highest severity, the first one is the worst."""
    counts = Counter(alert["severity"] for alert in firing)
    worst = min(firing, key=lambda alert: SEVERITIES.index(alert["severity"]), default=None)
    text = worst["text"] if worst else None
    if text is not None and len(text) > MAX_WORST_CHARACTERS:
        text = text[: MAX_WORST_CHARACTERS - 1] + "…"
    return Summary(counts["critical"], counts["warning"], counts["info"], text)


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
        "section": None if entry.get("section") is None else _text(entry["section"]),
        "fields": _names(entry.get("fields", [])),
        "labels": {_text(name): _text(value) for name, value in _fields(entry, "labels")},
        "since_unix": since,
        "text": _text(entry.get("text")),
        "values": {_text(name): _value(value) for name, value in _fields(entry, "values")},
        "known": entry.get("known") is not False,
        **({"silenced": True} if entry.get("silenced") is True else {}),
    }


def _fields(entry: Alert, name: str) -> Iterable[tuple[Any, Any]]:
    found = entry.get(name)
    if not isinstance(found, dict) or len(found) > MAX_FIELDS:
        raise ReceivedError("has an alert of a wrong form")
    return found.items()


def _names(found: object) -> list[str]:
    if not isinstance(found, list) or len(found) > MAX_FIELDS:
        raise ReceivedError("has an alert of a wrong form")
    return list(map(_text, found))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ReceivedError("has an alert of a wrong form")
    return escaped(value[:MAX_TEXT_CHARACTERS])[:MAX_TEXT_CHARACTERS]


def _value(value: object) -> object:
    """Return a number, a text or a truth value; None for anything else."""
    if isinstance(value, bool):
        return value
    return _text(value) if isinstance(value, str) else maybe_number(value)
