"""What viewers and requests change: which on-demand sections are collected, and how often samples are taken.

The exact rules are tested in tests/stream/test_demand.py. Here they are tested on a running program.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from telemetry_stream import App, Settings
from telemetry_stream.stream import demand, origin
from tests.apps import FAST
from tests.conftest import eventually
from tests.viewers import (
    TIMEOUT_SECONDS,
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


def sample_with(viewer: Viewer, has: Callable[[Message], object]) -> Message:
    """Return the viewer's first sample for which ``has`` is true, of at most a hundred."""
    for _ in range(100):
        (sample,) = read_samples(viewer, 1)
        if has(sample):
            return sample
    pytest.fail("there is no such sample")


def scrape(app: App) -> str:
    """Return the Prometheus page."""
    with closing(
        http.client.HTTPConnection(*address_of(app.url), timeout=TIMEOUT_SECONDS)
    ) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


# On-demand sections.


def test_processes_come_only_to_a_viewer_that_names_them() -> None:
    """They are collected for it. Viewers that do not name them and the history do not contain them."""
    with App(FAST) as app, websockets_viewer(app.url) as plain:
        assert not any("processes" in sample["sources"] for sample in read_samples(plain, 5))
        assert get(app.url, "/api/v1/sample")[0] == 200
        read_samples(plain, 5)
        assert not app.stream.feed().has(("processes",)), "they are not even collected"
        with websockets_viewer(app.url, "sections=processes,cpu") as viewer:
            sample = sample_with(viewer, lambda sample: "processes" in sample)
            assert sample["processes"]["total"] >= 1
            assert set(sample["sources"]) == {"processes", "cpu"}
            while plain.read()["seq"] <= sample["seq"]:
                pass
            for other in read_samples(plain, 3):
                assert "processes" not in other
                assert "processes" not in other["sources"]
            with websockets_viewer(app.url, "history=60&sections=processes,cpu") as later:
                assert later.read()["type"] == "hello"
                samples = later.read()["samples"]
            samples += get(app.url, "/api/v1/history")[1]["samples"]
            samples += get(app.url, "/api/v1/history?sections=processes,cpu")[1]["samples"]
    assert len(samples) > 20
    assert all("cpu" in sample for sample in samples)
    assert not any("processes" in sample for sample in samples)
    assert not any("processes" in sample["sources"] for sample in samples)


def test_tcp_states_come_to_a_viewer_that_names_no_section() -> None:
    """They are an on-demand part of a default section. Without a viewer they are null."""
    with App(FAST) as app:
        assert app.stream.feed().wait_newer(2, (), TIMEOUT_SECONDS)
        assert get(app.url, "/api/v1/sample?sections=tcp")[1]["tcp"]["states"] is None
        with websockets_viewer(app.url) as viewer:
            sample = sample_with(viewer, lambda sample: sample["tcp"]["states"])
        assert sample["tcp"]["states"]["listen"] >= 1


def test_a_request_for_processes_waits_for_them() -> None:
    """The newest sample has none, because no viewer wants them. The response is the next sample."""
    with App(FAST) as app:
        assert app.stream.feed().wait_newer(0, (), TIMEOUT_SECONDS)
        assert "processes" not in get(app.url, "/api/v1/sample")[1]
        seq = app.stream.feed().seq
        status, sample = get(app.url, "/api/v1/sample?sections=processes")
        assert status == 200
        assert sample["seq"] > seq
        assert sample["processes"]["total"] >= 1
        assert "processes" not in get(app.url, "/api/v1/sample")[1]


def test_a_page_that_reloads_finds_its_sections() -> None:
    """They are collected for some seconds more, so the first sample after the reload has them."""
    with App(FAST) as app:
        with websockets_viewer(app.url, "sections=processes") as viewer:
            sample_with(viewer, lambda sample: "processes" in sample)
        assert eventually(lambda: not clients(app.url))
        feed = app.stream.feed()
        assert feed.wait_newer(feed.seq + 1, (), TIMEOUT_SECONDS)
        with websockets_viewer(app.url, "sections=processes") as viewer:
            assert viewer.read()["type"] == "hello"
            assert viewer.read()["processes"]["total"] >= 1


def test_a_scrape_gets_the_on_demand_sections_that_the_previous_one_demanded() -> None:
    """A scrape collects nothing itself, so two servers that scrape cost no more than one."""
    with App(FAST) as app:
        assert app.stream.feed().wait_newer(0, (), TIMEOUT_SECONDS)
        first = scrape(app)
        assert "telemetry_stream_memory_total_bytes" in first
        assert "\ntelemetry_stream_processes " not in first
        assert eventually(lambda: "\ntelemetry_stream_processes " in scrape(app))
        assert eventually(lambda: 'telemetry_stream_tcp_states{state="listen"}' in scrape(app))


# The idle interval.

IDLE = Settings(port=0, interval=0.1, idle_interval=60)


@contextmanager
def idle_app() -> Iterator[App]:
    """An app that has taken its first sample and takes the next one in a minute."""
    with App(IDLE) as app:
        feed = app.stream.feed()
        assert feed.wait_newer(0, (), TIMEOUT_SECONDS)
        assert eventually(lambda: feed.demand.interval_seconds == 60)
        yield app


@pytest.mark.parametrize("reader", [websockets_viewer, lines_reader])
def test_a_viewer_ends_the_idle_period(reader: Callable[..., Any]) -> None:
    """From then on it gets samples at the normal interval."""
    with idle_app() as app, reader(app.url) as viewer:
        read = viewer.read if reader is websockets_viewer else lambda: next(viewer)
        messages = [read() for _ in range(6)]
        assert app.stream.feed().demand.interval_seconds == 0.1
    assert messages[0]["type"] == "hello"
    assert messages[0]["interval_seconds"] == 0.1
    assert_consecutive(seqs(messages[1:]))


def test_a_connected_viewer_keeps_the_normal_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """The idle period begins some seconds after the last viewer has left."""
    monkeypatch.setattr(demand, "LINGER_SECONDS", 0.3)  # only to shorten the test
    with idle_app() as app:
        with websockets_viewer(app.url) as viewer:
            assert_consecutive(seqs(read_samples(viewer, 8)))
            assert app.stream.feed().demand.interval_seconds == 0.1
        assert eventually(lambda: app.stream.feed().demand.interval_seconds == 60)


@pytest.mark.parametrize("path", ["/api/v1/sample", "/api/v1/sample?sections=cpu", "/metrics"])
def test_a_request_ends_the_idle_period(path: str) -> None:
    """It gets a sample that is taken for it, not the last one, which may be a minute old."""
    with idle_app() as app:
        feed = app.stream.feed()
        assert eventually(lambda: feed.demand.age_seconds() > 0.1), (
            "else the last one is new enough"
        )
        assert feed.seq == 1
        response = scrape(app) if path == "/metrics" else str(get(app.url, path)[1])
        assert "telemetry_stream_samples_total 1\n" not in response
        assert "'seq': 1," not in response
        assert feed.demand.interval_seconds == 0.1


def test_other_requests_do_not_end_the_idle_period() -> None:
    """Otherwise a health check every few seconds would keep the program busy."""
    with idle_app() as app:
        for path in ("/healthz", "/api/v1/clients", "/api/v1/sample?sections=nothing", "/nothing"):
            get(app.url, path)
        assert app.stream.feed().demand.interval_seconds == 60
        assert app.stream.feed().seq == 1


def test_an_idle_program_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late tick is judged by the interval that is used now. The first request after an idle period is no failure."""
    monkeypatch.setattr(origin, "LATE_SECONDS", 0.5)  # only to shorten the test
    with idle_app() as app:
        feed = app.stream.feed()
        assert eventually(lambda: feed.demand.age_seconds() > 0.5)
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        feed.demand.want(None)
        assert app.maybe_problem() is None
