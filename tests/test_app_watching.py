"""What the program does only while somebody is there: the dear sections, and the normal interval."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from telemetry_stream import App, Settings
from telemetry_stream import app as app_module
from tests.apps import FAST
from tests.conftest import eventually
from tests.viewers import (
    Message,
    Viewer,
    address_of,
    assert_consecutive,
    clients,
    get,
    lines_reader,
    read_samples,
    seqs,
    websockets_viewer,
)

IDLE = Settings(port=0, interval=0.1, idle_interval=60)


def sample_with(viewer: Viewer, has: Callable[[Message], object]) -> Message:
    """The viewer's first sample that has it; none of the first hundred is an error."""
    for _ in range(100):
        (sample,) = read_samples(viewer, 1)
        if has(sample):
            return sample
    pytest.fail("no sample has it")


# What is dear.


def test_processes_come_only_to_who_names_them() -> None:
    """Collected while one viewer names them; another one, that names nothing, and the history hold none."""
    with App(FAST) as app, websockets_viewer(app.url) as plain:
        assert not any("processes" in sample["sources"] for sample in read_samples(plain, 5))
        assert get(app.url, "/api/v1/sample")[0] == 200
        read_samples(plain, 5)
        assert app.stream.lacks(("processes",)), "not even collected"
        with websockets_viewer(app.url, "sections=processes,cpu") as viewer:
            sample = sample_with(viewer, lambda sample: "processes" in sample)
            assert sample["processes"]["total"] >= 1
            assert set(sample["sources"]) == {"processes", "cpu"}
            while plain.read()["seq"] <= sample["seq"]:
                pass
            for beside in read_samples(plain, 3):
                assert "processes" not in beside
                assert "processes" not in beside["sources"]
            with websockets_viewer(app.url, "history=60&sections=processes,cpu") as late:
                assert late.read()["type"] == "hello"
                samples = late.read()["samples"]
            samples += get(app.url, "/api/v1/history")[1]["samples"]
            samples += get(app.url, "/api/v1/history?sections=processes,cpu")[1]["samples"]
    assert len(samples) > 20
    assert all("cpu" in sample for sample in samples)
    assert not any("processes" in sample for sample in samples)
    assert not any("processes" in sample["sources"] for sample in samples)


def test_states_of_tcp_come_to_a_viewer_that_names_nothing() -> None:
    """The dear part of a section that comes unasked; without a viewer it is null."""
    with App(FAST) as app:
        assert eventually(lambda: app.stream.seq > 2)
        assert get(app.url, "/api/v1/sample?sections=tcp")[1]["tcp"]["states"] is None
        with websockets_viewer(app.url) as viewer:
            sample = sample_with(viewer, lambda sample: sample["tcp"]["states"])
        assert sample["tcp"]["states"]["listen"] >= 1


def test_a_request_for_processes_waits_for_them() -> None:
    """Nobody is watching, so the newest sample has none: the answer is the next one."""
    with App(FAST) as app:
        assert eventually(lambda: app.stream.seq > 0)
        assert "processes" not in get(app.url, "/api/v1/sample")[1]
        seq = app.stream.seq
        status, sample = get(app.url, "/api/v1/sample?sections=processes")
        assert status == 200
        assert sample["seq"] > seq
        assert sample["processes"]["total"] >= 1
        assert "processes" not in get(app.url, "/api/v1/sample")[1]


@pytest.mark.parametrize("kind", ["viewer", "request"])
def test_what_is_dear_is_collected_for_a_few_seconds_more(kind: str) -> None:
    """A page that reloads finds it; five seconds after the last who wanted it, it is collected no more."""
    with App(FAST) as app:
        if kind == "viewer":
            with websockets_viewer(app.url, "sections=processes") as viewer:
                sample_with(viewer, lambda sample: "processes" in sample)
            assert eventually(lambda: not clients(app.url))
        else:
            get(app.url, "/api/v1/sample?sections=processes")
        began, seq = time.monotonic(), app.stream.seq
        assert app.stream.wait_newer(seq + 1, (), 10)
        if time.monotonic() - began < 3:  # else this machine is too slow to say
            assert not app.stream.lacks(("processes",))
        clock = app._collector.clock
        app._collector.clock = replace(clock, monotonic=lambda: time.monotonic() + 6)
        assert eventually(lambda: app.stream.lacks(("processes",)))


def test_a_scrape_has_what_is_dear_for_the_next_one() -> None:
    """It collects nothing itself: the next tick does, and goes on for more than a minute."""
    with App(FAST) as app:
        assert eventually(lambda: app.stream.seq > 0)
        assert "node_memory_total_bytes" in scrape(app)
        assert eventually(lambda: "\nnode_processes " in scrape(app))
        assert eventually(lambda: 'node_tcp_states{state="listen"}' in scrape(app))
        until = app._collector._wanted["processes"]
        assert 70 < until - time.monotonic() <= 75


def scrape(app: App) -> str:
    """The page for Prometheus."""
    with closing(http.client.HTTPConnection(*address_of(app.url), timeout=10)) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


# The interval.


@contextmanager
def at_rest(settings: Settings) -> Iterator[App]:
    """An app that has taken its first sample, and nobody is there."""
    with App(settings) as app:
        assert eventually(lambda: app.stream.seq == 1)
        assert eventually(lambda: app._ticker.interval_seconds == 60)
        yield app


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The app's idea of time: moves by ``now`` only."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(app_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@contextmanager
def unstarted(**settings: Any) -> Iterator[App]:
    """An app whose ticks are made by the test."""
    app = App(Settings(port=0, **settings))
    try:
        yield app
    finally:
        app.close()


def test_the_interval_is_one_by_default(clock: SimpleNamespace) -> None:
    """Nobody watches, and all stays as it is; nor does a shorter idle interval change anything."""
    for settings in ({}, {"idle_interval": 0.5}):
        with unstarted(**settings) as app:
            for _ in range(3):
                app._tick()
                clock.now += 60
            assert app._ticker.interval_seconds == 1.0
            assert app._want(None) is False


def test_idle_begins_five_seconds_after_the_last_who_came(clock: SimpleNamespace) -> None:
    """From the first tick on if nobody ever was there; each who comes puts it off."""
    with unstarted(idle_interval=30) as app:
        app._tick()
        assert app._ticker.interval_seconds == 30
        app._want(("cpu",))
        for seconds, interval in ((4.9, 1.0), (0.2, 30.0)):
            clock.now += seconds
            app._tick()
            assert app._ticker.interval_seconds == interval


def test_a_viewer_keeps_the_interval(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For as long as it is connected, and for five seconds more."""
    with unstarted(idle_interval=30) as app:
        monkeypatch.setattr(app.stream, "watched", lambda: {("cpu",)})
        for _ in range(3):
            clock.now += 100
            app._tick()
            assert app._ticker.interval_seconds == 1.0
        monkeypatch.setattr(app.stream, "watched", set)
        clock.now += 4
        app._tick()
        assert app._ticker.interval_seconds == 1.0
        clock.now += 2
        app._tick()
        assert app._ticker.interval_seconds == 30


def test_a_tick_that_saw_nobody_does_not_overtake_who_comes(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody comes just when the tick has looked: it must not put the program to rest."""
    with unstarted(idle_interval=30) as app:

        def watched() -> set[Any]:
            app._want(None)
            return set()

        monkeypatch.setattr(app.stream, "watched", watched)
        app._tick()
        assert app._ticker.interval_seconds == 1.0


def test_whoever_comes_is_told_whether_the_newest_sample_is_old(clock: SimpleNamespace) -> None:
    """Older than the normal interval, and only while the program is at rest: a tick has been called for."""
    with unstarted(idle_interval=30) as app:
        app._tick()
        app._ticker.last_tick_monotonic = clock.now
        clock.now += 0.9
        assert app._want(None) is False
        clock.now += 10
        app._tick()
        clock.now += 10
        assert app._want(None) is True
        assert app._want(None) is False, "it is under way"


@pytest.mark.parametrize("reader", [websockets_viewer, lines_reader])
def test_a_viewer_wakes_the_program(reader: Callable[..., Any]) -> None:
    """A minute's rest ends when it joins, and samples come at the normal interval."""
    with at_rest(IDLE) as app, reader(app.url) as joined:
        read = joined.read if reader is websockets_viewer else lambda: next(joined)
        messages = [read() for _ in range(6)]
    assert messages[0]["type"] == "hello"
    assert messages[0]["interval_seconds"] == 0.1
    assert_consecutive(seqs(messages[1:]))
    assert app._ticker.interval_seconds == 0.1


@pytest.mark.parametrize("path", ["/api/v1/sample", "/api/v1/sample?sections=cpu", "/metrics"])
def test_a_request_wakes_the_program(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And gets a sample that is taken for it, not one that may be a minute old."""
    with at_rest(IDLE) as app:
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 30)
        monkeypatch.setattr(app_module, "time", later)
        seen = scrape(app) if path == "/metrics" else str(get(app.url, path)[1])
        assert "telemetry_stream_samples_total 1.0" not in seen
        assert "'seq': 1," not in seen
        assert app._ticker.interval_seconds == 0.1
        monkeypatch.undo()


def test_other_requests_do_not_wake_the_program() -> None:
    """A health check each few seconds would else keep it awake for ever."""
    with at_rest(IDLE) as app:
        for path in ("/healthz", "/api/v1/clients", "/api/v1/sample?sections=nothing", "/nothing"):
            get(app.url, path)
        assert app._ticker.interval_seconds == 60
        assert app.stream.seq == 1


def test_healthz_goes_by_the_interval_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """At rest a sample may be three long intervals old; whoever wakes the program does not find it ill."""
    with at_rest(IDLE) as app:
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 170)
        monkeypatch.setattr(app_module, "time", later)
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        later.monotonic = lambda: time.monotonic() + 190
        assert get(app.url, "/healthz")[0] == 503
        app._want(None)
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        app._awake_since = 0.0
        assert get(app.url, "/healthz")[0] == 503
        monkeypatch.undo()
