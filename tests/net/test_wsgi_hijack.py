"""Exchange: the server's headers, and the takeover of a connection by the application."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any
from wsgiref.types import StartResponse

import pytest

from telemetry_stream.net.transport import Transport
from tests.net.conversation import HOST, ask, conversation, statuses
from tests.net.pairs import read_exactly, read_to_end, soon

SERVER_HEADERS = (("X-Server", "1"), ("X-Kept", "server"), ("Vary", "Cookie"))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + HOST, 200),
        (b"HEAD /" + HOST, 200),
        (b"GET /fails" + HOST, 500),
        (b"GET /stream" + HOST, 206),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 50_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400),
    ],
    ids=["get", "head", "failing", "hijacked", "no host", "too large", "body"],
)
def test_every_answer_has_the_headers_of_the_server(
    request_: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors and hijacked heads too. The application can add headers and replace them, but Vary is a list of both."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/fails":
            raise LookupError("on purpose")
        environ["telemetry_stream.headers"].append(("X-Added", "1"))
        headers = [("x-kept", "app"), ("vary", "Origin")]
        if environ["PATH_INFO"] == "/stream":
            environ["telemetry_stream.hijack"](lambda transport: None, "206 Part", headers)
        else:
            start_response("200 OK", headers)
        return []

    answer = ask(app, request_, headers=SERVER_HEADERS)
    assert statuses(answer) == [status]
    assert answer.count(b"X-Server: 1\r\n") == 1
    assert answer.count(b"Vary: Cookie\r\n") == 1
    by_app = status in (200, 206)
    assert answer.count(b"X-Added: 1\r\n") == by_app
    assert answer.count(b"x-kept: app\r\n") == by_app
    assert answer.count(b"vary: Origin\r\n") == by_app
    assert answer.count(b"X-Kept: server\r\n") == (not by_app)


def test_header_added_to_one_answer_is_not_in_the_next() -> None:
    """An added header belongs to one request, those of the server to all."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        environ["telemetry_stream.headers"].append(("X-Added", environ["PATH_INFO"]))
        start_response("204 No Content", [])
        return []

    answers = ask(app, b"GET /1" + HOST + b"GET /2" + HOST, headers=SERVER_HEADERS)
    assert (answers.count(b"X-Server"), answers.count(b"X-Added")) == (2, 2)


def test_handler_gets_the_connection_and_the_bytes_after_the_request() -> None:
    """Nothing is written before or after; the handler runs when the application has returned."""
    steps: list[str] = []

    def handler(transport: Transport) -> None:
        steps.append("handler")
        transport.send(b"got " + transport.recv(100, soon()), soon())
        transport.send(b", then " + transport.recv(100, soon()), soon())

    def app(environ: dict[str, Any], _: StartResponse) -> list[bytes]:
        environ["telemetry_stream.hijack"](handler)
        steps.append("app")
        return []

    upgrade = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    for request in (upgrade, b"GET /ws" + HOST):
        with conversation(app) as client:
            client.sendall(request + b"frame")
            assert read_exactly(client, 9) == b"got frame"
            client.sendall(b"more")
            assert read_to_end(client) == b", then more"
    assert steps == ["app", "handler"] * 2


def test_handler_does_not_keep_the_request_in_memory() -> None:
    """A connection that stays open for days keeps neither its parser nor its environ."""
    request_is_gone: list[bool] = []

    class Held:
        pass

    def app(environ: dict[str, Any], _: StartResponse) -> list[bytes]:
        environ["held"] = held = Held()
        reference = weakref.ref(held)
        environ["telemetry_stream.hijack"](lambda _: request_is_gone.append(reference() is None))
        return []

    gc.disable()
    try:
        ask(app, b"GET /" + HOST)
    finally:
        gc.enable()
    assert request_is_gone == [True]


def test_body_of_a_hijacking_application_is_closed() -> None:
    """As any other body (PEP 3333)."""
    closed = threading.Event()

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"not sent"])

        def close(self) -> None:
            closed.set()

    def app(environ: dict[str, Any], _: StartResponse) -> Body:
        environ["telemetry_stream.hijack"](lambda transport: transport.send(b"mine", soon()))
        return Body()

    assert ask(app, b"GET /" + HOST) == b"mine"
    assert closed.is_set()


def test_hijack_with_a_status_writes_that_head_first() -> None:
    """For an endless stream: a head, then bytes until the connection closes, without chunks."""

    def app(environ: dict[str, Any], _: StartResponse) -> Iterator[bytes]:
        environ["telemetry_stream.hijack"](
            lambda transport: transport.send(b"line\n", soon()),
            "200 OK",
            [("Content-Type", "application/x-ndjson")],
        )
        yield from ()

    head, _, body = ask(app, b"GET /" + HOST + b"GET /" + HOST).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nDate: ")
    assert head.endswith(b"\r\nConnection: close")
    assert b"Transfer-Encoding" not in head
    assert body == b"line\n"


@pytest.mark.parametrize("mistake", ["twice", "start_response", "after start_response"])
def test_hijack_excludes_a_response(mistake: str, caplog: pytest.LogCaptureFixture) -> None:
    """An application that wants both gets RuntimeError; the handler's stream contains nothing of the server."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        if mistake == "after start_response":
            start_response("200 OK", [])
        environ["telemetry_stream.hijack"](lambda transport: transport.send(b"mine", soon()))
        if mistake == "twice":
            environ["telemetry_stream.hijack"](print)
        if mistake == "start_response":
            start_response("200 OK", [])
        yield b"body"

    answer = ask(app, b"GET /" + HOST)
    assert answer == b"mine" if mistake != "after start_response" else statuses(answer) == [500]
    assert "RuntimeError" in caplog.text


def test_oserror_of_a_handler_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A hijacked connection usually ends that way, when its peer leaves."""

    def app(environ: dict[str, Any], _: StartResponse) -> list[bytes]:
        environ["telemetry_stream.hijack"](
            lambda transport: transport.recv(100, soon(0.01)), "200 OK"
        )
        return []

    with conversation(app) as client:
        client.sendall(b"GET /" + HOST)
        assert statuses(read_to_end(client)) == [200]
    assert "Traceback" not in caplog.text
