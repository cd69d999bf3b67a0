"""The answer of every route, over real HTTP."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time

import pytest

from telemetry_stream.server import routes
from tests.server.service import Service, message
from tests.websocket.peer import KEY, Peer

ROUTES = (
    "/ws",
    "/api/v1/sample",
    "/api/v1/history",
    "/api/v1/processes",
    "/api/v1/stream",
    "/api/v1/clients",
    "/healthz",
    "/metrics",
)
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": KEY,
}


def test_sample_returns_the_newest_sample() -> None:
    """As a ``sample`` message with all sections, or with those that the query selects."""
    with Service() as service:
        service.publish(3)
        answer = service.ask("/api/v1/sample")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert (answer.json["type"], answer.json["seq"]) == ("sample", 3)
        assert answer.json["cpu"] == {"usage_percent": 3}
        assert "pad" not in service.ask("/api/v1/sample?sections=cpu").json


def test_sample_before_the_first_one_is_a_503() -> None:
    """The client may try again after a second."""
    with Service() as service:
        answer = service.ask("/api/v1/sample")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json == {"error": "No sample available yet"}


def test_history_returns_all_samples_or_those_of_some_seconds() -> None:
    """As one JSON text, however long it is."""
    with Service() as service:
        assert service.ask("/api/v1/history").json == {"type": "history", "samples": []}
        service.publish(50, pad=10_000)
        history = service.ask("/api/v1/history").json
        assert [s["seq"] for s in history["samples"]] == list(range(1, 51))
        assert service.ask("/api/v1/history?seconds=0").json["samples"] == []
        some = service.ask("/api/v1/history?seconds=600&sections=cpu").json["samples"]
        assert len(some) == 50
        assert "pad" not in some[0]


def test_history_returns_the_samples_between_two_numbers() -> None:
    """Some seconds of them, back from the newest one; every n-th; of the present run only."""
    with Service() as service:
        service.publish(50)

        def seqs(query: str) -> list[int]:
            samples = service.ask(f"/api/v1/history?{query}").json["samples"]
            return [entry["seq"] for entry in samples]

        this_run = f"stream={service.feed.id}"
        assert seqs(f"before=4&{this_run}") == [1, 2, 3]
        assert seqs(f"since=45&before=48&seconds=60&{this_run}") == [46, 47]
        assert seqs("since=40&every=5") == [45, 50]
        assert seqs("since=45&before=48&stream=another") == list(range(1, 51))
        assert "sources" not in service.ask("/api/v1/history?brief=1").json["samples"][0]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("before=x", "before = 'x': must be a whole number from 0 to 9223372036854775807"),
        ("before=-1", "before = '-1'"),
        ("since=1.5", "since = '1.5'"),
        ("every=0", "every = '0': must be a whole number from 1 to 3600"),
        ("brief=yes", "brief = 'yes': must be a whole number from 0 to 1"),
        ("history=5", "(allowed: host, seconds, since, before, stream, every, sections, brief)"),
    ],
)
def test_a_wrong_parameter_of_the_history_is_refused(query: str, message: str) -> None:
    """The message states what is allowed."""
    with Service() as service:
        answer = service.ask(f"/api/v1/history?{query}")
        assert answer.status == 400
        assert message in answer.json["error"]


def test_history_is_compressed_for_clients_that_accept_it() -> None:
    """Caches and proxies learn from Vary that the answer depends on the header."""
    with Service() as service:
        service.publish(50, pad=10_000)
        plain = service.ask("/api/v1/history")
        assert plain.headers["Content-Encoding"] is None
        assert plain.headers["Vary"] == "Accept-Encoding"
        compressed = service.ask("/api/v1/history", Accept_Encoding="br, gzip")
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert compressed.headers["Vary"] == "Accept-Encoding"
        assert len(compressed.body) < len(plain.body) / 10
        assert gzip.decompress(compressed.body) == plain.body


def test_clients_returns_the_viewers_and_the_totals() -> None:
    """The totals include viewers that have left."""
    with Service() as service:
        with Peer(service.address) as gone:
            assert gone.message()["type"] == "hello"
        assert service.viewers.wait_until_gone(10)
        with Peer(service.address, "/ws?sections=cpu") as here:
            assert here.message()["type"] == "hello"
            report = service.ask("/api/v1/clients").json
        (client,) = report.pop("clients")
        assert client["id"] == 2
        assert client["sections"] == ["cpu"]
        # The second hello is counted after it is sent.
        assert report.pop("sent_frames_total") in (1, 2)
        assert report == {
            "registered_total": 2,
            "dropped_frames_total": 0,
            "refused_frames_total": 0,
            "refused_viewers_total": 0,
            "refused_tokens_total": 0,
            "ended_total": {"gone": 1},
        }


def test_healthz_is_a_503_with_the_reason_while_there_is_a_problem() -> None:
    """Otherwise it is a 200."""
    with Service() as service:
        assert service.ask("/healthz").json == {"status": "ok"}
        service.problem = "no sample has been taken for 9 s"
        answer = service.ask("/healthz")
        assert answer.status == 503
        assert answer.json == {"error": "no sample has been taken for 9 s"}


def test_the_package_of_the_page_is_not_imported_before_the_first_scrape() -> None:
    """A program without Prometheus does not need it, nor the declarations of all fields."""
    script = (
        "import sys, telemetry_stream.app; "
        "sys.exit(any('prometheus' in name or 'definitions' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/api/v1/sample", (None,)),
        ("/api/v1/sample?sections=pad,cpu", (("cpu", "pad"),)),
        ("/api/v1/history", (None,)),
        ("/api/v1/history?seconds=5&sections=cpu", (("cpu",),)),
        ("/metrics", (("cpu", "pad"), 75.0)),
        ("/healthz", None),
        ("/api/v1/clients", None),
        ("/nothing", None),
        ("/metrics?sections=cpu", None),
        ("/api/v1/sample?sections=gpu", None),
        ("/api/v1/history?seconds=x", None),
        ("/api/v1/stream?sections=cpu&every=x", None),
    ],
)
def test_a_request_for_samples_calls_want(path: str, arguments: tuple[object, ...] | None) -> None:
    """So that its sections are collected. Requests for anything else, and refused ones, do not call it."""
    with Service() as service:
        service.publish()
        service.ask(path)
        assert service.demand.wants == ([] if arguments is None else [arguments])


def test_a_viewer_calls_want_when_it_connects() -> None:
    """With the sections that it selects, or with None."""
    with Service() as service:
        with service.viewer("/ws?sections=cpu") as viewer:
            assert message(viewer)["type"] == "hello"
        with service.viewer("/ws?every=5") as viewer:
            assert message(viewer)["type"] == "hello"
        assert service.demand.wants == [(("cpu",),), (None,)]


@pytest.mark.parametrize("path", ["/api/v1/sample", "/metrics"])
@pytest.mark.parametrize("delay_seconds", [None, 0.1])
def test_an_old_sample_is_not_returned(
    path: str, delay_seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route waits for the next sample, which is taken during the request, early or late."""
    monkeypatch.setattr(routes, "FRESH_SECONDS", 30.0)
    newest = {"/api/v1/sample": '"seq":{},', "/metrics": "telemetry_stream_samples_total {}\n"}[
        path
    ]

    def take_sample() -> bool:
        if delay_seconds is None:
            service.publish()
        else:
            threading.Timer(delay_seconds, service.publish).start()
        return True

    with Service() as service:
        service.publish(4)
        assert newest.format(4) in service.ask(path).body.decode()
        service.demand.on_want = take_sample
        begun = time.monotonic()
        assert newest.format(5) in service.ask(path).body.decode()
        assert time.monotonic() - begun < routes.FRESH_SECONDS


def test_a_websocket_gets_what_its_query_selects() -> None:
    """A long history is a fragmented message, which a real client joins."""
    with Service() as service:
        service.publish(60, pad=10_000)
        with service.viewer("/ws?history=600&every=2&sections=pad", max_size=None) as viewer:
            hello = message(viewer)
            assert (hello["seq"], hello["every"], hello["sections"]) == (60, 2, ["pad"])
            history = message(viewer)
            assert [s["seq"] for s in history["samples"]] == list(range(2, 61, 2))
            service.publish(2)
            assert message(viewer)["seq"] == 62


def test_a_websocket_resumes_behind_its_last_sample() -> None:
    """If the stream's id is another one, it gets the history from the beginning."""
    with Service() as service:
        service.publish(5)
        for query, seqs in (
            (f"?since=3&stream={service.feed.id}", [4, 5]),
            (f"?since=5&stream={service.feed.id}", []),
            ("?since=3&stream=another", [1, 2, 3, 4, 5]),
            ("?since=0", [1, 2, 3, 4, 5]),
            ("?history=0", []),
        ):
            with service.viewer(f"/ws{query}") as viewer:
                assert message(viewer)["type"] == "hello"
                assert [s["seq"] for s in message(viewer)["samples"]] == seqs, query


# Samples of this service have no list of all processes: test_processes.py.
OTHERS = ("/ws", "/api/v1/processes")


@pytest.mark.parametrize("path", [route for route in ROUTES if route not in OTHERS])
def test_head_has_the_status_of_get_and_no_body(path: str) -> None:
    """For every route that this service has."""
    with Service() as service:
        service.publish()
        answer = service.ask(path, "HEAD")
        assert (answer.status, answer.body) == (200, b"")
