"""Refused requests, over real HTTP: their status, their headers and their message."""

from __future__ import annotations

import socket

import pytest

from tests.net.pairs import read_to_end
from tests.server.service import Service
from tests.server.service import message as next_message
from tests.server.test_routes import ROUTES, UPGRADE


@pytest.mark.parametrize("path", [*ROUTES, "/", "/nothing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused(method: str, path: str) -> None:
    """The answer is a 405 with the allowed methods."""
    with Service() as service:
        answer = service.ask(path, method)
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert answer.json == {"error": f"Method {method} is not allowed (use GET or HEAD)"}


@pytest.mark.parametrize("path", ["/nothing", "/ws/", "/WS", "/api", "/api/v1/", "/api/v2/sample"])
def test_unknown_paths_are_refused(path: str) -> None:
    """The answer is a 404 with the path."""
    with Service() as service:
        answer = service.ask(path)
        assert answer.status == 404
        assert answer.json == {"error": f"Not found: {path!r}"}


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
def test_a_wrong_host_or_origin_is_refused_at_every_path(
    path: str, headers: dict[str, str], status: int
) -> None:
    """The check comes before the routes and before the WebSocket handshake."""
    with Service() as service:
        answer = service.ask(path, **{**UPGRADE, **headers})
        assert answer.status == status
        assert answer.json["error"]
        assert service.hub.stats().registered == 0


def test_our_own_page_is_accepted() -> None:
    """With Origin and Host as a browser sends them."""
    with Service() as service:
        host = f"127.0.0.1:{service.address[1]}"
        assert service.ask("/healthz", Origin=f"http://{host}").status == 200
        with service.viewer(origin=f"http://{host}") as viewer:
            assert next_message(viewer)["type"] == "hello"


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
def test_a_wrong_handshake_is_refused(
    changed: dict[str, str | None], status: int, header: tuple[str, str] | None
) -> None:
    """The answer is an HTTP error with a message."""
    headers = {name: value for name, value in {**UPGRADE, **changed}.items() if value is not None}
    with Service() as service:
        answer = service.ask("/ws", **headers)
        assert answer.status == status
        assert answer.json["error"]
        if header is not None:
            assert answer.headers[header[0]] == header[1]


def test_a_websocket_needs_get_and_http_1_1() -> None:
    """HEAD and HTTP/1.0 are refused."""
    with Service() as service:
        answer = service.ask("/ws", "HEAD", **UPGRADE)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
        with socket.create_connection(service.address, timeout=10) as sock:
            head = "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in UPGRADE.items())
            sock.sendall(f"GET /ws HTTP/1.0\r\nHost: localhost\r\n{head}\r\n".encode())
            assert read_to_end(sock).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/ws?every=0", "every = '0'"),
        ("/ws?every=one", "every = 'one'"),
        ("/ws?sections=gpu", "unknown section 'gpu' (known: cpu, pad)"),
        ("/ws?history=-1", "history = '-1'"),
        ("/ws?since=-1", "since = '-1'"),
        ("/ws?seconds=1", "Unknown parameter 'seconds'"),
        ("/ws?every=1&every=2", "every is given more than once"),
        ("/api/v1/stream?every=3601", "from 1 to 3600"),
        ("/api/v1/sample?every=1", "(allowed: host, sections)"),
        ("/api/v1/sample?sections=", "unknown section ''"),
        ("/api/v1/history?seconds=nan", "seconds = 'nan'"),
        ("/api/v1/history?history=1", "(allowed: host, seconds, "),
        ("/api/v1/clients?a=b", "(allowed: none)"),
    ],
)
def test_a_wrong_query_is_refused(path: str, message: str) -> None:
    """The answer is a 400 with a message. No viewer is registered."""
    with Service() as service:
        answer = service.ask(path, **(UPGRADE if path.startswith("/ws") else {}))
        assert answer.status == 400
        assert message in answer.json["error"]
        assert service.hub.stats().registered == 0
