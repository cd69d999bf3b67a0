"""What an embedding program brings to an app: its own sources and broadcasts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import NoReturn

import pytest

from telemetry_stream import App
from telemetry_stream.metrics.source import Now
from tests.apps import FAST
from tests.conftest import eventually, our_threads
from tests.viewers import (
    Message,
    Viewer,
    get,
    lines_reader,
    websocket_client_viewer,
    websockets_viewer,
)


class Own:
    """An embedding program's source that does as it is told."""

    def __init__(self, name: str, collect: Callable[[], object]) -> None:
        self.name = name
        self._collect = collect

    def collect(self, now: Now) -> object | None:
        return self._collect()


def blunder() -> NoReturn:
    """What an embedding program's source may do."""
    raise ZeroDivisionError("the embedding program's own mistake")


def latest(app: App) -> Message:
    """The newest sample, once there is one."""
    assert eventually(lambda: app.stream.seq > 0)
    status, sample = get(app.url, "/api/v1/sample")
    assert status == 200
    found: Message = sample
    return found


def test_own_sources_are_sections_of_every_sample() -> None:
    """A dict arrives as it is, and None is an absence."""
    sources = [
        Own("uploads", lambda: {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}),
        Own("nothing", lambda: None),
    ]
    with App(FAST, sources=sources) as app:
        sample = latest(app)
        _, chosen = get(app.url, "/api/v1/sample?sections=uploads")
    assert sample["uploads"] == {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}
    assert sample["sources"]["uploads"]["state"] == "ok"
    assert "nothing" not in sample
    assert sample["sources"]["nothing"]["state"] == "absent"
    assert list(chosen["sources"]) == ["uploads"]


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (blunder, "the embedding program's own mistake"),
        (lambda: {"ratio": float("nan")}, "JSON"),
        (lambda: {"when": object()}, "JSON"),
    ],
    ids=["raises", "nan", "no JSON"],
)
def test_a_failing_source_costs_its_own_section_only(
    collect: Callable[[], object], reason: str
) -> None:
    """Its state says why; every other section is there, the program's own and the embedding one's."""
    sources = [Own("broken", collect), Own("whole", lambda: {"n": 1})]
    with App(FAST, sources=sources) as app:
        sample = latest(app)
        assert get(app.url, "/healthz")[0] == 200
    assert "broken" not in sample
    assert sample["sources"]["broken"]["state"] == "failed"
    assert reason in sample["sources"]["broken"]["reason"]
    assert sample["whole"] == {"n": 1}
    assert sample["sources"]["cpu"]["state"] == "ok"


@pytest.mark.parametrize("names", [("cpu",), ("seq",), ("mine", "mine")])
def test_a_name_clash_is_an_error_and_leaves_no_thread(names: tuple[str, ...]) -> None:
    """Neither a section nor a field of the sample can be had twice."""
    before = our_threads()
    with pytest.raises(ValueError, match=names[0]):
        App(FAST, sources=[Own(name, dict) for name in names])
    assert our_threads() == before


def test_own_broadcasts_reach_every_viewer_in_order() -> None:
    """Whatever a viewer has chosen, by WebSocket or lines; they keep their order and are not remembered."""
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
        count = 12  # a burst of more than a viewer's queue holds may be thinned
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
        with websockets_viewer(app.url, "history=60&every=1000") as late:
            assert [late.read()["type"], late.read()["type"]] == ["hello", "history"]
        assert {sample["type"] for sample in get(app.url, "/api/v1/history")[1]["samples"]} == {
            "sample"
        }


def test_broadcast_refuses_what_viewers_could_not_read() -> None:
    """The stream's own types, a second type, and what is no JSON, before anything is sent."""
    with App(FAST) as app:
        for type_, fields in (
            ("sample", {}),
            ("hello", {}),
            ("history", {}),
            ("note", {"type": "hello"}),
            ("note", {"value": float("inf")}),
            ("note", {"value": object()}),
        ):
            with pytest.raises(ValueError, match=r"type|JSON"):
                app.stream.broadcast(type_, **fields)
