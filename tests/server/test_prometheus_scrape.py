"""A scrape: the program's own counters, and the format of the answer."""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from telemetry_stream import App, Settings
from telemetry_stream.hub import End
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.server import prometheus
from telemetry_stream.server.prometheus import TABLE
from tests.conftest import eventually
from tests.metrics.replay import host_names, replay
from tests.net.pairs import read_to_end
from tests.server.service import Service
from tests.server.test_prometheus import made, page, series
from tests.viewers import address_of, bare_socket

ROOT = Path(__file__).parent.parent.parent


def test_own_counters() -> None:
    """Samples, and viewers that were accepted, were refused and left. Every reason has a series from the start."""
    with Service(limit=1) as service:
        text = service.ask("/metrics").body.decode()
        assert series(text, "telemetry_stream_samples_total") == [({}, 0.0)]
        assert "timestamp" not in text
        ended = series(text, "telemetry_stream_viewers_ended_total")
        assert ended == [({"reason": end.reason}, 0.0) for end in End]
        for _ in range(3):
            service.feed.publish(made())
        with service.viewer() as viewer:
            viewer.recv(timeout=10)
            assert service.ask("/api/v1/stream").status == 503
        assert service.viewers.wait_until_gone(10)
        text = service.ask("/metrics").body.decode()
    assert series(text, "telemetry_stream_samples_total") == [({}, 3.0)]
    assert series(text, "telemetry_stream_viewers_joined_total") == [({}, 1.0)]
    assert series(text, "telemetry_stream_viewers_refused_total") == [({}, 1.0)]
    ended = series(text, "telemetry_stream_viewers_ended_total")
    assert [labels for labels, value in ended if value] == [{"reason": "gone"}]


def test_a_sample_is_rendered_once_in_each_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is scraped. The next sample is rendered again."""
    rendered: list[object] = []
    families = prometheus.families

    def counting(sample: Sample) -> Iterator[Metric]:
        rendered.append(sample)
        return families(sample)

    monkeypatch.setattr(prometheus, "families", counting)
    formats = [
        {},
        {"Accept-Encoding": "gzip"},
        {"Accept": "application/openmetrics-text; version=1.0.0"},
    ]
    with Service() as service:
        for sample in (made(), made()):
            service.feed.publish(sample)
            answers = [
                [service.ask("/metrics", **headers).body for headers in formats] for _ in range(3)
            ]
            assert answers[0] == answers[1] == answers[2]
            assert len(set(answers[0])) == len(formats)
    assert len(rendered) == 2 * len(formats)


def test_refused_connections_tokens_and_viewers_are_counted() -> None:
    """One of each: a wrong token, a viewer above the limit, a connection above the limit."""
    token = {"Authorization": "Bearer " + "x" * 16}
    settings = Settings(port=0, token="x" * 16, max_viewers=1, spare_connections=8, interval=0.1)
    stream_request = (
        f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token['Authorization']}\r\n\r\n"
    ).encode()
    names = [
        f"telemetry_stream_{what}_refused_total" for what in ("connections", "tokens", "viewers")
    ]
    with App(settings) as app, ExitStack() as stack:
        scraper = stack.enter_context(closing(HTTPConnection(*address_of(app.url), timeout=10)))

        def ask(path: str, **headers: str) -> tuple[int, str]:
            scraper.request("GET", path, headers=headers)
            answer = scraper.getresponse()
            return answer.status, answer.read().decode()

        def counts() -> list[float]:
            seq = app.stream.feed().seq
            assert eventually(lambda: app.stream.feed().seq > seq)  # a sample is rendered once
            text = ask("/metrics", **token)[1]
            return [value for name in names for _, value in series(text, name)]

        assert counts() == [0, 0, 0]
        assert ask("/metrics", Authorization="Bearer wrong")[0] == 401
        assert counts() == [0, 1, 0]
        viewer = stack.enter_context(bare_socket(app.url, stream_request))
        assert viewer.recv(1)
        assert ask("/api/v1/stream", **token)[0] == 503
        assert counts() == [0, 1, 1]
        for _ in range(7):
            stack.enter_context(bare_socket(app.url))
        with bare_socket(app.url) as extra:
            assert read_to_end(extra).startswith(b"HTTP/1.1 503 ")
        assert counts() == [1, 1, 1]


def test_the_program_s_own_families_are_documented() -> None:
    """docs/protocol.md has those that are not in docs/metrics.md."""
    document = (ROOT / "docs/protocol.md").read_text()
    chapter = document.partition("\n## 10. Prometheus\n")[2].partition("\n## 11. ")[0]
    documented = set(re.findall(r"`(\w+)(?:\{\w+\})?`", chapter))
    columns = {column.series.name for _, all_of in TABLE for column in all_of}
    sample = dataclasses.replace(made(), sources={"cpu": SourceState("ok", 0.0)})
    names = {one.name for family in plain_text(page(sample)) for one in family.samples}
    assert names - columns == {name for name in documented if name.startswith("telemetry_stream_")}


def test_the_default_format_is_text() -> None:
    """With the same headers as every answer: not to be cached."""
    with Service() as service:
        answer = service.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Encoding"] is None


@pytest.mark.parametrize("name", host_names())
def test_openmetrics_is_negotiated(name: str, tmp_path: Path) -> None:
    """As Prometheus does. The strict parser accepts the page of each captured host. Counters keep their suffix."""
    with Service() as service:
        service.feed.publish(replay(name, tmp_path)[1])
        accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
        answer = service.ask("/metrics", Accept=accept)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    text = answer.body.decode()
    assert text.endswith("# EOF\n")
    parsed = openmetrics(text)  # type: ignore[no-untyped-call]
    found = {family.name: family for family in parsed}
    assert found["telemetry_stream_samples"].type == "counter"
    assert found["node_memory_total_bytes"].unit == "bytes"
    assert "\ntelemetry_stream_samples_total 1.0\n" in text


def test_gzip_is_negotiated() -> None:
    """As Prometheus requests it."""
    with Service() as service:
        answer = service.ask("/metrics", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"telemetry_stream_samples_total" in gzip.decompress(answer.body)
