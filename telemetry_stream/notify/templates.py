"""The requests of webhooks, for each service that has a form of its own. Pure functions of a message.

| template | the form is described in |
|---|---|
| ntfy | docs.ntfy.sh/publish, "Publish as JSON" |
| gotify | gotify.net/api-docs, POST /message |
| discord | Discord Developer Docs, "Execute Webhook" |
| slack | docs.slack.dev, "Sending messages using incoming webhooks" |
| matrix | Client-Server API v3, PUT /rooms/{roomId}/send/{eventType}/{txnId} |
| alertmanager | prometheus.io/docs/alerting/latest/alerts_api |
| homeassistant | home-assistant.io/docs/automation/trigger, "Webhook trigger" |
| json | docs/notifications.md |
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from .channel import Capacity
from .message import Event, Message

TEMPLATES = (
    "json",
    "ntfy",
    "gotify",
    "discord",
    "slack",
    "matrix",
    "alertmanager",
    "homeassistant",
)

# The whole URL of these contains the secret.
SECRET_URLS = ("discord", "slack", "homeassistant")

# A message of ntfy has up to 4096 bytes, one of Discord 2000 characters, a text of Slack 4000.
CAPACITIES = {
    "ntfy": Capacity(20, 1000),
    "discord": Capacity(20, 1700),
    "slack": Capacity(20, 3000),
    "gotify": Capacity(20, 8000),
    "matrix": Capacity(20, 8000),
}

NTFY_PRIORITIES = {"critical": 5, "warning": 4}
NTFY_TAGS = {
    "critical": "rotating_light",
    "warning": "warning",
    "info": "information_source",
    "resolved": "white_check_mark",
}
GOTIFY_PRIORITIES = {"critical": 8, "warning": 5, "info": 3, "resolved": 3}
MIN_LASTS_SECONDS = 300.0  # the default of Alertmanager, resolve_timeout


class Request(NamedTuple):
    """What a template decides about a request."""

    path: str
    body: bytes
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()


def request(
    template: str, message: Message, *, path: str, room: str, token: str, lasts_seconds: float
) -> Request:
    """Return the request for a message. ``path`` is that of the URL.

    ``room`` is that of Matrix. ``lasts_seconds``: Alertmanager resolves an alert that is not sent again in this time.
    """
    bearer = (("Authorization", f"Bearer {token}"),) if token else ()
    base = path.rstrip("/")
    if template == "ntfy":
        parent, _, topic = base.rpartition("/")
        return Request(f"{parent}/", _json(_ntfy(topic, message)), headers=bearer)
    if template == "gotify":
        gotify = (("X-Gotify-Key", token),)
        return Request(f"{base}/message", _json(_gotify(message)), headers=gotify)
    if template == "matrix":
        where = f"{base}/_matrix/client/v3/rooms/{quote(room, safe='')}/send/m.room.message/"
        body = _json({"msgtype": "m.text", "body": f"{message.title}\n{message.text}"})
        # A repetition of the same message has the same id, so the server discards it.
        number = hashlib.sha256(body + _ids(message)).hexdigest()[:32]
        return Request(f"{where}ts-{number}", body, "PUT", bearer)
    if template == "alertmanager":
        lasts = max(lasts_seconds, MIN_LASTS_SECONDS)
        alerts = [_prometheus_alert(event, lasts) for event in message.events]
        return Request(f"{base}/api/v2/alerts", _json(alerts), headers=bearer)
    if template == "discord":
        content = {"content": f"**{message.title}**\n{message.text}"}
        return Request(path, _json({**content, "allowed_mentions": {"parse": []}}))
    if template == "slack":
        return Request(path, _json({"text": f"*{_slack(message.title)}*\n{_slack(message.text)}"}))
    return Request(path, _json(message.report()), headers=bearer)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _ntfy(topic: str, message: Message) -> dict[str, Any]:
    return {
        "topic": topic,
        "title": message.title,
        "message": message.text,
        "priority": NTFY_PRIORITIES.get(message.severity, 3),
        "tags": [NTFY_TAGS[message.severity]],
    }


def _gotify(message: Message) -> dict[str, Any]:
    priority = GOTIFY_PRIORITIES[message.severity]
    return {"title": message.title, "message": message.text, "priority": priority}


def _slack(text: str) -> str:
    """Return a text in which Slack finds no command and no mention (docs.slack.dev, "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _prometheus_alert(event: Event, lasts_seconds: float) -> dict[str, Any]:
    alert = event.alert
    now = datetime.now(UTC).timestamp()
    ends = now if event.kind == "resolved" else now + lasts_seconds
    labels = {
        **alert["labels"],
        "alertname": alert["rule"],
        "severity": alert["severity"],
        "instance": event.host_name,
        "host_id": event.host_id,
    }
    return {
        "labels": labels,
        "annotations": {"summary": event.line},
        "startsAt": _iso(min(alert["since_unix"], now)),
        "endsAt": _iso(ends),
    }


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat()


def _ids(message: Message) -> bytes:
    found = (f"{event.id}-{event.kind}-{event.reminders}" for event in message.events)
    return ",".join(found).encode()
