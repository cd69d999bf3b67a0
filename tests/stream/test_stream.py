"""The stream with a real hub and viewers in memory: what a viewer is told, and that it is encoded once for all."""

from __future__ import annotations

import json
import threading

import pytest

from telemetry_stream.stream import Resume
from tests.server.service import sample
from tests.stream.streaming import Viewer, count_calls, publish, streaming

# What a viewer is told, in its order.


def test_hello_comes_first() -> None:
    """Before the first sample its seq is 0; it holds who serves, and what was chosen."""
    with streaming() as stream, Viewer(stream, sections=("cpu",), every=3) as viewer:
        assert viewer.message() == {
            "type": "hello",
            "protocol": 1,
            "version": "1.2.3",
            "host": {
                "id": "host-1",
                "name": "box",
                "kernel": "Linux 6.1.0",
                "cpu_model": None,
                "cores": 2,
                "os": None,
            },
            "stream": stream.id,
            "interval_seconds": 0.5,
            "seq": 0,
            "every": 3,
            "sections": ["cpu"],
            "user": None,
        }


def test_hello_names_who_was_let_in() -> None:
    """Each viewer its own user, of the same choice too."""
    with (
        streaming() as stream,
        Viewer(stream, user="kitchen") as kitchen,
        Viewer(stream, user="office") as office,
    ):
        assert [viewer.message()["user"] for viewer in (kitchen, office)] == ["kitchen", "office"]


def test_samples_count_from_one_without_holes() -> None:
    """In the order of publishing."""
    with streaming() as stream, Viewer(stream) as viewer:
        assert [stream.publish(sample(n)) for n in range(1, 6)] == [1, 2, 3, 4, 5]
        assert viewer.message()["type"] == "hello"
        messages = [viewer.message() for _ in range(5)]
        assert [m["seq"] for m in messages] == [1, 2, 3, 4, 5]
        assert {(m["type"], m["stream"], m["host"]) for m in messages} == {
            ("sample", stream.id, "host-1")
        }


def test_newest_sample_comes_at_once() -> None:
    """A viewer that asks for no history need not wait for the next tick."""
    with streaming() as stream:
        publish(stream, 3)
        with Viewer(stream) as viewer:
            assert viewer.message()["seq"] == 3
            assert (newest := viewer.message())["type"] == "sample"
            assert newest["seq"] == 3
            assert newest["cpu"] == {"usage_percent": 3.0}
            publish(stream)
            assert viewer.message()["seq"] == 4


def test_history_comes_before_live() -> None:
    """Once, as the second message."""
    with streaming() as stream:
        publish(stream, 3)
        with Viewer(stream, Resume()) as viewer:
            assert viewer.message()["seq"] == 3
            history = viewer.message()
            assert [s["seq"] for s in history["samples"]] == [1, 2, 3]
            assert {s["type"] for s in history["samples"]} == {"sample"}
            publish(stream)
            assert viewer.message()["seq"] == 4


def test_history_may_be_empty() -> None:
    """It comes nevertheless: the viewer need not guess."""
    with streaming() as stream, Viewer(stream, Resume()) as viewer:
        assert viewer.message()["type"] == "hello"
        assert viewer.message() == {"type": "history", "samples": []}


def test_every_and_sections() -> None:
    """Each third sample, with the one section and its source; its history too."""
    with streaming() as stream:
        publish(stream, 7)
        with Viewer(stream, Resume(), sections=("pad",), every=3) as viewer:
            publish(stream, 3)
            assert viewer.seqs_to(9) == [3, 6, 9]
        with Viewer(stream, sections=("cpu", "nothing")) as viewer:
            assert viewer.message()["sections"] == ["cpu", "nothing"]
            newest = viewer.message()
            assert newest["cpu"] == {"usage_percent": 10.0}
            assert newest["sources"] == {"cpu": {"state": "ok", "took_seconds": 1e-05}}
            assert "pad" not in newest


def test_no_section_at_all() -> None:
    """Still a sample: it tells that the host lives."""
    with streaming() as stream:
        publish(stream)
        assert json.loads(stream.maybe_latest(("nothing",)) or b"")["sources"] == {}


# Encoded once.


def test_each_choice_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many viewers made it, and whatever their ``every``; sections once for all."""
    with streaming() as stream:
        viewers = [Viewer(stream) for _ in range(5)]
        viewers += [Viewer(stream, sections=("cpu",)) for _ in range(5)]
        viewers += [Viewer(stream, every=2), Viewer(stream, sections=("cpu",), every=5)]
        calls = count_calls(monkeypatch)
        publish(stream, 10)
        assert calls == {"section": 20, "text": 20}
        for viewer in viewers[:10]:
            assert viewer.seqs_to(10) == list(range(1, 11))
        first, second = viewers[:2]
        assert all(a is b for a, b in zip(first.frames[1:], second.frames[1:], strict=True))
        for viewer in viewers:
            viewer.leave()


def test_newest_is_the_sample_that_was_published() -> None:
    """The very object, for those who need no text; None before the first."""
    with streaming() as stream:
        assert stream.maybe_newest() is None
        for number in (1, 2):
            published = sample(number)
            stream.publish(published)
            assert stream.maybe_newest() is published


def test_waiting_for_a_newer_sample_with_all_sections() -> None:
    """One that was taken without them does not do, nor does one that is there already."""
    with streaming() as stream:
        publish(stream, 2)
        assert not stream.wait_newer(2, (), 0.0)
        assert not stream.wait_newer(0, ("processes",), 0.0)
        assert stream.wait_newer(1, ("cpu", "pad"), 0.0)
        waiter = threading.Thread(target=stream.wait_newer, args=(2, ("cpu",), 10))
        waiter.start()
        publish(stream)
        waiter.join(10)
        assert not waiter.is_alive()


def test_nobody_watching_joins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring fills with sections; a message is not made for nobody."""
    with streaming() as stream:
        calls = count_calls(monkeypatch)
        publish(stream, 10)
        assert calls == {"section": 20, "text": 0}
