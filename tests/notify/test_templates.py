"""The requests and texts for each service."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from telemetry_stream.notify.message import MAX_LINE_CHARACTERS, Message, fitting, sample_message
from telemetry_stream.notify.templates import CAPACITIES, TEMPLATES, Request, request
from tests.notify.alerts import event, message


def made(template: str, found: Message | None = None, path: str = "/base") -> tuple[Request, Any]:
    """Return a request and its body."""
    one = request(
        template, found or message(), path=path, room="!a:b.org", token="t0k", lasts_seconds=240
    )
    return one, json.loads(one.body)


def test_ntfy() -> None:
    """Is published as JSON to the address above the topic."""
    one, body = made("ntfy", path="/sub/topic")
    assert (one.method, one.path) == ("POST", "/sub/")
    assert one.headers == (("Authorization", "Bearer t0k"),)
    assert body == {
        "topic": "topic",
        "title": "warning: web1: disk_full",
        "message": "warning: web1: disk_full has a value [disk_full]",
        "priority": 4,
        "tags": ["warning"],
    }
    assert made("ntfy", message(event("resolved")))[1]["tags"] == ["white_check_mark"]
    assert made("ntfy", message(event(severity="critical")))[1]["priority"] == 5


def test_gotify() -> None:
    """Has its token in a header of its own."""
    one, body = made("gotify")
    assert (one.path, one.headers) == ("/base/message", (("X-Gotify-Key", "t0k"),))
    assert body["priority"] == 5


def test_discord_and_slack() -> None:
    """Nobody is mentioned, whatever a name contains."""
    found = message(event(text="<!channel> & @everyone"))
    one, body = made("discord", found)
    assert one.path == "/base"
    assert body["allowed_mentions"] == {"parse": []}
    assert "@everyone" in body["content"]
    _, body = made("slack", found)
    assert "&lt;!channel&gt; &amp; @everyone" in body["text"]


def test_matrix() -> None:
    """The id of a transaction is that of the message, so a repetition is discarded by the server."""
    one, body = made("matrix")
    assert one.method == "PUT"
    assert one.path.startswith("/base/_matrix/client/v3/rooms/%21a%3Ab.org/send/m.room.message/ts-")
    assert body["msgtype"] == "m.text"
    assert made("matrix")[0].path == one.path
    assert made("matrix", message(event("resolved")))[0].path != one.path
    assert made("matrix", message(event(host="web2")))[0].path != one.path
    ids = {
        made("matrix", message(replace(event("reminder"), reminders=number)))[0].path
        for number in (1, 2, 2)
    }
    assert len(ids) == 2


def test_alertmanager() -> None:
    """A firing alert ends in the future, one that has resolved has ended."""
    one, body = made("alertmanager", message(event(labels={"device": "sda"}), event("resolved")))
    assert one.path == "/base/api/v2/alerts"
    assert body[0]["labels"] == {
        "device": "sda",
        "alertname": "disk_full",
        "severity": "warning",
        "instance": "web1",
        "host_id": "id-web1",
    }
    begins, ends = (datetime.fromisoformat(body[0][name]) for name in ("startsAt", "endsAt"))
    assert begins.isoformat() == "2025-11-24T16:00:00+00:00"
    assert (ends - datetime.fromisoformat(body[1]["endsAt"])).total_seconds() > 290


@pytest.mark.parametrize("template", ["json", "homeassistant"])
def test_json(template: str) -> None:
    """The whole message. An alert has the same id in each message about it."""
    found = message(event(), event("resolved"), event(since_unix=1.0))
    one, body = made(template, found)
    assert one.path == "/base"
    assert body["title"] == "web1: 2 warning, 1 resolved"
    assert (body["status"], body["severity"], body["test"]) == ("firing", "warning", False)
    first, second, third = body["alerts"]
    assert first["host"] == {"id": "id-web1", "name": "web1"}
    assert first["id"] == second["id"] != third["id"]
    assert (first["kind"], first["rule"]) == ("firing", "disk_full")


def test_titles() -> None:
    """One line, whatever there is in a message."""
    assert message(event("resolved")).title == "resolved: web1: disk_full"
    assert message(event(), event(host="web2")).title == "2 hosts: 2 warning"
    mixed = [event(severity=found) for found in ("warning", "info", "critical", "info")]
    ended = event("resolved", severity="critical")
    reminder = event("reminder", severity="critical")
    assert message(ended, *mixed, reminder).title == (
        "web1: 2 critical, 1 warning, 2 info, 1 resolved"
    )
    assert message(ended, ended).title == "web1: 2 resolved"
    assert sample_message("a", "b", 1.0).title == "Test of telemetry_stream"
    assert event("reminder").line.startswith("still warning: web1: ")
    assert message(event("reminder")).title == "warning: web1: disk_full"


def test_names_cannot_change_the_text_around_them() -> None:
    """A new line is escaped, and a long text is cut."""
    found = event(host="a\nb", text="x\n\u202ey" + "z" * 1000)
    assert "\n" not in found.line
    assert "a\\nb" not in found.line  # escaped as Python escapes control characters in a log
    assert "a\\x0ab: x\\x0a\\u202ey" in found.line
    assert len(found.line) < MAX_LINE_CHARACTERS + 20
    assert "\n" not in message(found).title


def test_what_fits_into_a_message() -> None:
    """At least one event, and as many as allowed."""
    events = [event(text="x" * 100, rule=f"r{i}") for i in range(10)]
    assert len(fitting(events, 3, 10_000)) == 3
    assert len(fitting(events, 50, 300)) == 2
    assert len(fitting(events, 50, 1)) == 1
    assert fitting([], 50, 1) == ()


@pytest.mark.parametrize(("template", "limit"), [("ntfy", 4096), ("discord", 2000)])
def test_the_longest_message_is_accepted_by_the_service(template: str, limit: int) -> None:
    """Each character may take four bytes at ntfy; Discord counts characters."""
    events = [event(host="\U0001f600" * 200, text="\U0001f600" * 500)] * 30
    chosen = fitting(events, *CAPACITIES[template])
    _, body = made(template, Message(chosen))
    text = body["message"] if template == "ntfy" else body["content"]
    assert len(text.encode() if template == "ntfy" else text) <= limit


def test_every_template_makes_a_request() -> None:
    """Also of a test."""
    for template in TEMPLATES:
        one, _ = made(template, sample_message("a", "b", 1_764_000_000.0))
        assert b"test" in one.body.lower()
