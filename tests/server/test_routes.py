"""Every route, over real HTTP: what it answers, and how it refuses."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest

from telemetry_stream import server
from telemetry_stream.server.routes import FRESH_SECONDS
from tests.net.pairs import read_to_end
from tests.server.service import Service, message
from tests.websocket.peer import KEY, Peer

ROUTES = (
    "/ws",
    "/api/v1/sample",
    "/api/v1/history",
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


# What is answered.


def test_sample_is_the_newest() -> None:
    """As a ``sample`` message, whole or with a choice of sections."""
    with Service() as service:
        service.publish(3)
        answer = service.ask("/api/v1/sample")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert (answer.json["type"], answer.json["seq"]) == ("sample", 3)
        assert answer.json["cpu"] == {"usage_percent": 3}
        assert "pad" not in service.ask("/api/v1/sample?sections=cpu").json


def test_sample_before_the_first() -> None:
    """There is none yet: come again."""
    with Service() as service:
        answer = service.ask("/api/v1/sample")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json == {"error": "there is no sample yet"}


def test_history_of_all_and_of_some_seconds() -> None:
    """In one JSON text, however long."""
    with Service() as service:
        assert service.ask("/api/v1/history").json == {"type": "history", "samples": []}
        service.publish(50, pad=10_000)
        history = service.ask("/api/v1/history").json
        assert [s["seq"] for s in history["samples"]] == list(range(1, 51))
        assert service.ask("/api/v1/history?seconds=0").json["samples"] == []
        some = service.ask("/api/v1/history?seconds=600&sections=cpu").json["samples"]
        assert len(some) == 50
        assert "pad" not in some[0]


def test_clients_tells_of_viewers_and_counts() -> None:
    """Those that are here, and the sums of all that were."""
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
        assert report.pop("sent_frames_total") in (
            1,
            2,
        )  # the second hello is counted after it is out
        assert report == {
            "registered_total": 2,
            "dropped_frames_total": 0,
            "refused_frames_total": 0,
            "refused_viewers_total": 0,
            "refused_tokens_total": 0,
            "ended_total": {"gone": 1},
        }


def test_healthz() -> None:
    """200 while all is well, else 503 with the reason."""
    with Service() as service:
        assert service.ask("/healthz").json == {"status": "ok"}
        service.problem = "no sample has been taken for 9 s"
        answer = service.ask("/healthz")
        assert answer.status == 503
        assert answer.json == {"error": "no sample has been taken for 9 s"}


def test_metrics_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """501, with what to install; nothing else misses it."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "telemetry_stream.server.prometheus", raising=False)
    monkeypatch.delattr(server, "prometheus", raising=False)
    with Service() as service:
        answer = service.ask("/metrics")
        assert answer.status == 501
        assert "pip install 'telemetry_stream[prometheus]'" in answer.json["error"]
        assert service.wanted == []
        assert service.ask("/healthz").status == 200


def test_the_library_is_imported_for_the_first_scrape() -> None:
    """It brings http.server and ssl with it, which a program without Prometheus need not carry."""
    script = "import sys, telemetry_stream.app; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("/api/v1/sample", (None,)),
        ("/api/v1/sample?sections=pad,cpu", (("cpu", "pad"),)),
        ("/api/v1/history", (None,)),
        ("/api/v1/history?seconds=5&sections=cpu", (("cpu",),)),
        ("/metrics", (("processes", "tcp"), 75.0)),
        ("/healthz", None),
        ("/api/v1/clients", None),
        ("/nothing", None),
        ("/metrics?sections=cpu", None),
        ("/api/v1/sample?sections=gpu", None),
        ("/api/v1/history?seconds=x", None),
        ("/api/v1/stream?sections=cpu&every=x", None),
    ],
)
def test_requests_say_what_they_want(path: str, wish: tuple[object, ...] | None) -> None:
    """So that it is collected; those that show no sample, or are refused, want nothing."""
    with Service() as service:
        service.publish()
        service.ask(path)
        assert service.wanted == ([] if wish is None else [wish])


def test_viewers_say_what_they_want_when_they_come() -> None:
    """What they have chosen, or None for all that comes unasked."""
    with Service() as service:
        with service.viewer("/ws?sections=cpu") as viewer:
            assert message(viewer)["type"] == "hello"
        with service.viewer("/ws?every=5") as viewer:
            assert message(viewer)["type"] == "hello"
        assert service.wanted == [(("cpu",),), (None,)]


@pytest.mark.parametrize("path", ["/api/v1/sample", "/metrics"])
def test_an_old_sample_is_waited_out(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When want says that a new one is being taken, the answer is that, however soon it came."""
    with Service() as service:
        service.publish(4)
        waited: list[tuple[Any, ...]] = []

        def wait_newer(*arguments: Any) -> bool:
            waited.append(arguments)
            service.publish()
            return True

        monkeypatch.setattr(service.stream, "wait_newer", wait_newer)
        service.ask(path)
        assert waited == []
        service.is_old = True
        body = service.ask(path).body
        assert [(seq, set(sections), seconds) for seq, sections, seconds in waited] == [
            (4, set(), FRESH_SECONDS)
        ]
        assert (b'"seq":5,' in body) or (b"telemetry_stream_samples_total 5.0" in body)


def test_websocket_gets_what_its_query_asks_for() -> None:
    """History longer than a piece comes fragmented, and a real client joins it."""
    with Service() as service:
        service.publish(60, pad=10_000)
        with service.viewer("/ws?history=600&every=2&sections=pad", max_size=None) as viewer:
            hello = message(viewer)
            assert (hello["seq"], hello["every"], hello["sections"]) == (60, 2, ["pad"])
            history = message(viewer)
            assert [s["seq"] for s in history["samples"]] == list(range(2, 61, 2))
            service.publish(2)
            assert message(viewer)["seq"] == 62


def test_websocket_resumes() -> None:
    """With its last seq and the stream that it was seen in; an unknown stream begins anew."""
    with Service() as service:
        service.publish(5)
        for query, seqs in (
            (f"?since=3&stream={service.stream.id}", [4, 5]),
            (f"?since=5&stream={service.stream.id}", []),
            ("?since=3&stream=another", [1, 2, 3, 4, 5]),
            ("?since=0", [1, 2, 3, 4, 5]),
            ("?history=0", []),
        ):
            with service.viewer(f"/ws{query}") as viewer:
                assert message(viewer)["type"] == "hello"
                assert [s["seq"] for s in message(viewer)["samples"]] == seqs, query


@pytest.mark.parametrize("path", [route for route in ROUTES if route != "/ws"])
def test_head_has_no_body(path: str) -> None:
    """And the status of a GET."""
    with Service() as service:
        service.publish()
        answer = service.ask(path, "HEAD")
        assert (answer.status, answer.body) == (200, b"")


# What is refused.


@pytest.mark.parametrize("path", [*ROUTES, "/", "/nothing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods(method: str, path: str) -> None:
    """405, with those that there are."""
    with Service() as service:
        answer = service.ask(path, method)
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert method in answer.json["error"]


@pytest.mark.parametrize("path", ["/nothing", "/ws/", "/WS", "/api", "/api/v1/", "/api/v2/sample"])
def test_unknown_paths(path: str) -> None:
    """404, with the path."""
    with Service() as service:
        answer = service.ask(path)
        assert answer.status == 404
        assert repr(path) in answer.json["error"]


@pytest.mark.parametrize("path", [*ROUTES, "/", "/nothing"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.com"}, 403),
        ({"Host": "localhost.evil.com:80"}, 403),
        ({"Origin": "http://evil.com"}, 403),
        ({"Origin": "http://localhost.evil.com", "Host": "localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "user@localhost"}, 400),
    ],
)
def test_strangers_are_refused_everywhere(path: str, headers: dict[str, str], status: int) -> None:
    """Before anything is looked up, the WebSocket's handshake included."""
    with Service() as service:
        answer = service.ask(path, **{**UPGRADE, **headers})
        assert answer.status == status
        assert answer.json["error"]
        assert service.hub.stats().registered == 0


def test_own_page_is_let_in() -> None:
    """Origin and Host as a browser sends them."""
    with Service() as service:
        host = f"127.0.0.1:{service.address[1]}"
        assert service.ask("/healthz", Origin=f"http://{host}").status == 200
        with service.viewer(origin=f"http://{host}") as viewer:
            assert message(viewer)["type"] == "hello"


@pytest.mark.parametrize(
    ("changed", "status", "header"),
    [
        ({"Upgrade": None, "Connection": None}, 426, ("Upgrade", "websocket")),
        ({"Connection": "close"}, 400, None),
        ({"Sec_WebSocket_Version": "12"}, 426, ("Sec-WebSocket-Version", "13")),
        ({"Sec_WebSocket_Version": None}, 426, ("Sec-WebSocket-Version", "13")),
        ({"Sec_WebSocket_Key": None}, 400, None),
        ({"Sec_WebSocket_Key": "short"}, 400, None),
        ({"Sec_WebSocket_Key": "größe"}, 400, None),
    ],
)
def test_no_websocket(
    changed: dict[str, str | None], status: int, header: tuple[str, str] | None
) -> None:
    """A refused handshake is an HTTP answer, and the connection can carry another request."""
    headers = {name: value for name, value in {**UPGRADE, **changed}.items() if value is not None}
    with Service() as service:
        answer = service.ask("/ws", **headers)
        assert answer.status == status
        assert answer.json["error"]
        if header is not None:
            assert answer.headers[header[0]] == header[1]


def test_websocket_by_head_and_http_1_0() -> None:
    """HEAD opens none; HTTP/1.0 cannot."""
    with Service() as service:
        answer = service.ask("/ws", "HEAD", **UPGRADE)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
        with socket.create_connection(service.address, timeout=10) as sock:
            head = "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in UPGRADE.items())
            sock.sendall(f"GET /ws HTTP/1.0\r\nHost: localhost\r\n{head}\r\n".encode())
            assert read_to_end(sock).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/ws?every=0", "every = '0'"),
        ("/ws?every=one", "every = 'one'"),
        ("/ws?sections=gpu", "no section 'gpu'; there are: cpu, pad"),
        ("/ws?history=-1", "history = '-1'"),
        ("/ws?since=-1", "since = '-1'"),
        ("/ws?seconds=1", "no parameter 'seconds'"),
        ("/ws?every=1&every=2", "every is given twice"),
        ("/api/v1/stream?every=3601", "from 1 to 3600"),
        ("/api/v1/sample?every=1", "there are: sections"),
        ("/api/v1/sample?sections=", "no section ''"),
        ("/api/v1/history?seconds=nan", "seconds = 'nan'"),
        ("/api/v1/history?history=1", "there are: seconds, sections"),
        ("/api/v1/clients?a=b", "there are: none"),
    ],
)
def test_bad_queries(path: str, says: str) -> None:
    """400 with a sentence, before a viewer takes a place."""
    with Service() as service:
        answer = service.ask(path, **(UPGRADE if path.startswith("/ws") else {}))
        assert answer.status == 400
        assert says in answer.json["error"]
        assert service.hub.stats().registered == 0
