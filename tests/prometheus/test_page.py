"""A scrape: the program's own counters, and the format of the answer."""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from telemetry_stream import App, Settings
from telemetry_stream.hub import End
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.prometheus import page as page_module
from telemetry_stream.prometheus import sample as sample_module
from telemetry_stream.prometheus import scrape
from telemetry_stream.prometheus.exposition import Family
from telemetry_stream.prometheus.kernel import Collect
from telemetry_stream.prometheus.kernel.host import Host
from telemetry_stream.prometheus.own import notify_families
from telemetry_stream.prometheus.sample import TABLE
from telemetry_stream.prometheus.scrape import KernelScrape
from tests.conftest import eventually
from tests.metrics.replay import host_names, replay
from tests.net.pairs import read_to_end
from tests.prometheus.test_sample import made, series
from tests.server.service import Service
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
    families = sample_module.families

    def counting(sample: Sample) -> Iterator[Family]:
        rendered.append(sample)
        return families(sample)

    monkeypatch.setattr(page_module, "families", counting)
    monkeypatch.setattr(page_module, "KEPT_SECONDS", 3600.0)
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
    assert len(rendered) == 2 * 2  # gzip compresses the text that was made already


def test_a_page_is_made_again_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a long interval, the counters of the kernel are current although the sample is not."""
    monkeypatch.setattr(page_module, "KEPT_SECONDS", 0.0)
    with Service() as service:
        service.feed.publish(made())
        service.ask("/metrics")
        with service.viewer() as viewer:
            viewer.recv(timeout=10)
            text = service.ask("/metrics").body.decode()
    assert series(text, "telemetry_stream_viewers_joined_total") == [({}, 1.0)]


def test_scrapes_that_arrive_together_share_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each area is read once, whichever thread reads it, and the sample is rendered once."""
    counts: Counter[str] = Counter()

    def counting(name: str) -> Collect:
        def collect(_: Host) -> Iterator[Family]:
            counts[name] += 1
            yield Family(f"node_{name}", "gauge", "Text", [("", counts[name])])

        return collect

    for module in (page_module, scrape):
        monkeypatch.setattr(module, "KEPT_SECONDS", 3600.0)
    monkeypatch.setattr(scrape, "AREAS", {"fast": counting("fast")})
    monkeypatch.setattr(scrape, "SLOW_AREAS", {"slow": counting("slow")})
    kernel = KernelScrape(Host(str(tmp_path), str(tmp_path)))
    with Service(kernel=kernel) as service, ThreadPoolExecutor(16) as pool:
        service.feed.publish(made())
        answers = list(pool.map(lambda _: service.ask("/metrics").body, range(48)))
    assert counts == {"fast": 1, "slow": 1}
    assert len(set(answers)) == 1


def test_the_page_has_the_counters_of_the_kernel(tmp_path: Path) -> None:
    """In addition to the sample. Each name and each set of labels is there once."""
    sample = replay("server", tmp_path)[1]
    kernel = KernelScrape(Host(str(tmp_path / "server/proc"), str(tmp_path / "server/sys")))
    with Service(kernel=kernel) as service:
        service.feed.publish(sample)
        alert = {"rule": "full", "severity": "info", "labels": {}, "since_unix": 1.5}
        service.feed.publish_alerts(1.5, [alert])
        text = service.ask("/metrics").body.decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names))
    keys = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(keys) == len(set(keys))
    assert {"node_cpu_seconds_total", "node_load1", "telemetry_stream_cpu_usage_ratio"} <= set(
        names
    )
    assert {name.partition("_")[0] for name in names} == {"node", "telemetry"}


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
    documented = set(re.findall(r"`(\w+)(?:\{[^}]+\})?`", chapter))
    columns = {column.series.name for _, _, all_of in TABLE for column in all_of}
    sample = dataclasses.replace(made(), sources={"cpu": SourceState("ok", 0.0)})
    kernel = KernelScrape(Host("/proc", "/sys"))
    with Service(kernel=kernel) as service:
        service.feed.publish(sample)
        alert = {"rule": "full", "severity": "info", "labels": {}, "since_unix": 1.5}
        service.feed.publish_alerts(1.5, [alert])
        text = service.ask("/metrics").body.decode()
    names = {one.name for family in plain_text(text) for one in family.samples}
    own = {name for name in names if name.startswith("telemetry_stream_")}
    own |= {family.name for family in notify_families([])}  # with receivers only
    assert own - columns == {name for name in documented if name.startswith("telemetry_stream_")}


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
    assert found["telemetry_stream_memory_total_bytes"].unit == "bytes"
    assert "\ntelemetry_stream_samples_total 1\n" in text


def test_gzip_is_negotiated() -> None:
    """As Prometheus requests it."""
    with Service() as service:
        answer = service.ask("/metrics", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"telemetry_stream_samples_total" in gzip.decompress(answer.body)
