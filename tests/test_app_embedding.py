"""What an embedding program adds to an app: its own sources and its own messages."""

from __future__ import annotations

import sys
import threading
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


def recurse(*_: object) -> object:
    """Recurse without end through a function in C, which needs a stack of normal size."""
    return list(map(recurse, [0]))


SELF_CONTAINING: list[object] = []
SELF_CONTAINING.append(SELF_CONTAINING)


def complete_sample(app: App) -> Message:
    """Return the first sample in which no source is late, as one may be on a busy machine."""
    for seq in range(100):
        assert app.stream.feed().wait_newer(seq, (), TIMEOUT_SECONDS)
        status, sample = get(app.url, "/api/v1/sample")
        assert status == 200
        if all(source["state"] != "stale" for source in sample["sources"].values()):
            found: Message = sample
            return found
    raise AssertionError("a source is late in every sample")


def test_own_sources_are_sections_of_every_sample() -> None:
    """A dict is sent as it is. None means that the section is absent."""
    sources = [
        OwnSource("uploads", lambda: {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}),
        OwnSource("nothing", lambda: None),
    ]
    with App(FAST, sources=sources) as app:
        sample = complete_sample(app)
        _, chosen = get(app.url, "/api/v1/sample?sections=uploads")
    assert sample["uploads"] == {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}
    assert sample["sources"]["uploads"]["state"] == "ok"
    assert "nothing" not in sample
    assert sample["sources"]["nothing"]["state"] == "absent"
    assert list(chosen["sources"]) == ["uploads"]


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (divide_by_zero, "ZeroDivisionError: injected"),
        (recurse, "RecursionError: "),
        (sys.exit, "SystemExit"),
        (lambda: {"ratio": float("nan")}, "broken.ratio is nan"),
        (lambda: {"when": object()}, "broken.when is of type object"),
        (lambda: SELF_CONTAINING, "broken[0][0]"),
    ],
    ids=["raises", "recurses", "exits", "nan", "no JSON", "contains itself"],
)
def test_a_failing_source_loses_only_its_own_section(
    collect: Callable[[], object], reason: str
) -> None:
    """Its state contains the reason. All other sections are there, and the program is healthy."""
    sources = [OwnSource("broken", collect), OwnSource("working", lambda: {"n": 1})]
    with App(FAST, sources=sources) as app:
        sample = complete_sample(app)
        assert get(app.url, "/healthz")[0] == 200
    assert "broken" not in sample
    assert sample["sources"]["broken"]["state"] == "failed"
    assert sample["sources"]["broken"]["reason"].startswith(reason)
    assert sample["working"] == {"n": 1}
    assert sample["sources"]["cpu"]["state"] == "ok"


def test_a_source_that_hangs_delays_nothing_else() -> None:
    """Samples are taken as before, and the program is healthy."""
    release = threading.Event()
    hanging = OwnSource("hanging", lambda: release.wait(TIMEOUT_SECONDS) and {})
    with App(FAST, sources=[hanging, OwnSource("working", lambda: {"n": 1})]) as app:
        feed = app.stream.feed()
        for seq in range(5):
            assert feed.wait_newer(seq, ("working",), TIMEOUT_SECONDS)
        _, sample = get(app.url, "/api/v1/sample")
        assert get(app.url, "/healthz")[0] == 200
        release.set()
    assert sample["sources"]["hanging"]["state"] == "stale"
    assert sample["working"] == {"n": 1}


def test_an_app_never_changes_the_size_of_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while it starts, serves viewers, or closes: it is one value for the whole process."""
    monkeypatch.setattr(threading, "stack_size", None)
    with App(FAST, sources=[OwnSource("own", dict)]) as app, websockets_viewer(app.url) as viewer:
        assert viewer.read()["type"] == "hello"
        assert complete_sample(app)["own"] == {}


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
