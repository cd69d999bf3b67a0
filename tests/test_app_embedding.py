"""What an embedding program adds to an app: its own sources and its own messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import NoReturn

import pytest

from telemetry_stream import App
from tests.apps import FAST, OwnSource
from tests.viewers import (
    TIMEOUT_SECONDS,
    Message,
    Viewer,
    get,
    lines_reader,
    websocket_client_viewer,
    websockets_viewer,
)


def divide_by_zero() -> NoReturn:
    """A mistake in a source of an embedding program."""
    raise ZeroDivisionError("injected")


def first_sample(app: App) -> Message:
    """Return the newest sample as soon as there is one."""
    assert app.stream.feed().wait_newer(0, (), TIMEOUT_SECONDS)
    status, sample = get(app.url, "/api/v1/sample")
    assert status == 200
    found: Message = sample
    return found


def test_own_sources_are_sections_of_every_sample() -> None:
    """A dict is sent as it is. None means that the section is absent."""
    sources = [
        OwnSource("uploads", lambda: {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}),
        OwnSource("nothing", lambda: None),
    ]
    with App(FAST, sources=sources) as app:
        sample = first_sample(app)
        _, chosen = get(app.url, "/api/v1/sample?sections=uploads")
    assert sample["uploads"] == {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}
    assert sample["sources"]["uploads"]["state"] == "ok"
    assert "nothing" not in sample
    assert sample["sources"]["nothing"]["state"] == "absent"
    assert list(chosen["sources"]) == ["uploads"]


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (divide_by_zero, "injected"),
        (lambda: {"ratio": float("nan")}, "JSON"),
        (lambda: {"when": object()}, "JSON"),
    ],
    ids=["raises", "nan", "no JSON"],
)
def test_a_failing_source_loses_only_its_own_section(
    collect: Callable[[], object], reason: str
) -> None:
    """Its state contains the reason. All other sections are there, and the program is healthy."""
    sources = [OwnSource("broken", collect), OwnSource("working", lambda: {"n": 1})]
    with App(FAST, sources=sources) as app:
        sample = first_sample(app)
        assert get(app.url, "/healthz")[0] == 200
    assert "broken" not in sample
    assert sample["sources"]["broken"]["state"] == "failed"
    assert reason in sample["sources"]["broken"]["reason"]
    assert sample["working"] == {"n": 1}
    assert sample["sources"]["cpu"]["state"] == "ok"


def test_own_messages_reach_every_viewer_in_order() -> None:
    """By WebSocket and as JSON lines, whatever the viewer has chosen. They are not remembered."""
    with App(FAST) as app, ExitStack() as stack:
        viewers: list[Viewer] = [
            stack.enter_context(websockets_viewer(app.url)),
            stack.enter_context(websocket_client_viewer(app.url, "sections=udp&every=1000")),
        ]
        lines = stack.enter_context(lines_reader(app.url, "every=1000"))
        readers: list[Callable[[], Message]] = [
            *(viewer.read for viewer in viewers),
            lambda: next(lines),
        ]
        assert [read()["type"] for read in readers] == ["hello"] * 3
        count = 12  # of more than 16, a viewer may lose some
        for number in range(count):
            app.stream.broadcast("note", number=number, text="déjà vu")
        for read in readers:
            notes: list[Message] = []
            while len(notes) < count:
                message = read()
                if message["type"] == "note":
                    notes.append(message)
            assert [note["number"] for note in notes] == list(range(count))
            assert notes[0] == {"type": "note", "number": 0, "text": "déjà vu"}
        with websockets_viewer(app.url, "history=60&every=1000") as later:
            assert [later.read()["type"], later.read()["type"]] == ["hello", "history"]
        samples = get(app.url, "/api/v1/history")[1]["samples"]
        assert {sample["type"] for sample in samples} == {"sample"}
