"""Exchange: responses and the handing over of a connection, as PEP 3333 and its guests expect."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse

import pytest
from prometheus_client import CollectorRegistry, Gauge, make_wsgi_app
from whitenoise import WhiteNoise  # type: ignore[import-untyped]  # the library has no types

from telemetry_stream.net.transport import Transport
from tests.net.conversation import HOST, ask, conversation, echo, statuses
from tests.net.pairs import read_exactly, read_to_end, soon


class Pieces:
    """A response body that knows whether it was closed and how much of it was asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.taken = 0
        self.closed = threading.Event()

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> bytes:
        piece = next(self.pieces)
        self.taken += 1
        return piece

    def close(self) -> None:
        self.closed.set()


def failing_after(pieces: int) -> Iterator[bytes]:
    """So many pieces, then an exception."""
    yield from [b"piece"] * pieces
    raise LookupError("on purpose")


def test_body_of_unknown_length_goes_out_in_chunks_and_is_closed() -> None:
    """Piece by piece, empty ones left out, and close() at the end."""
    body = Pieces(iter([b"", b"ab", b"", b"c"]))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    answers = ask(app, (b"GET /" + HOST) * 2)
    assert statuses(answers) == [200, 200]
    assert answers.count(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n") == 1
    assert body.closed.wait(10)


@pytest.mark.parametrize(
    ("method", "status", "pieces", "length"),
    [
        (b"GET", "200 OK", [b"ab", b"c"], b"3"),
        (b"GET", "200 OK", [], b"0"),
        (b"HEAD", "200 OK", [b"abc"], b"3"),
        (b"HEAD", "200 OK", [], None),
        (b"GET", "204 No Content", [], None),
        (b"GET", "304 Not Modified", [], None),
    ],
)
def test_length_is_told_where_it_is_known(
    method: bytes, status: str, pieces: list[bytes], length: bytes | None
) -> None:
    """A list has a length; 204 and 304 have no body at all; the connection goes on."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(status, [])
        return pieces

    answers = ask(app, (method + b" /" + HOST) * 2)
    assert statuses(answers) == [int(status[:3])] * 2
    if length is None:
        assert b"Content-Length" not in answers
    else:
        assert answers.count(b"Content-Length: " + length + b"\r\n") == 2


def test_endless_body_of_a_head_request_is_not_run_through() -> None:
    """HEAD asks a generator for one piece at most: what it needs to say its head."""
    body = Pieces(repeat(b"more"))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    assert statuses(ask(app, b"HEAD /" + HOST)) == [200]
    assert body.taken == 1
    assert body.closed.wait(10)


def test_application_that_fails_at_once_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """The client is told nothing of the reason, the log is told everything."""

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return Pieces(failing_after(0))

    answer = ask(app, b"GET /path" + HOST + b"GET /more" + HOST)
    assert statuses(answer) == [500]
    assert answer.endswith(b'{"error": "internal error"}')
    assert "GET '/path' failed" in caplog.text
    assert "LookupError: on purpose" in caplog.text


def test_application_that_fails_midway_leaves_an_unfinished_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No final chunk: the client can tell a torso from the whole."""
    body = Pieces(failing_after(1))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    answer = ask(app, b"GET /" + HOST + b"GET /more" + HOST)
    assert statuses(answer) == [200]
    assert answer.endswith(b"5\r\npiece\r\n")
    assert body.closed.wait(10)
    assert "on purpose" in caplog.text


def test_application_may_change_its_mind_with_exc_info() -> None:
    """start_response with exc_info replaces a head that is not out yet."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        try:
            next(failing_after(0))
        except LookupError:
            start_response("404 Not Found", [], sys.exc_info())
        return [b"gone"]

    assert statuses(ask(app, b"GET /" + HOST)) == [404]


@pytest.mark.parametrize(
    "mistake",
    [
        lambda start: None,
        lambda start: (start("200 OK", []), start("200 OK", [])),
        lambda start: start("200 OK", [("X", "a\r\nSet-Cookie: b")]),
        lambda start: start("fine", []),
        lambda start: start("200 OK", [("Content-Length", "nine")]),
    ],
)
def test_mistakes_of_an_application_are_its_500(
    mistake: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No head, two heads, a header within a header: nothing of it reaches the client."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        mistake(start_response)
        return [b"body"]

    answer = ask(app, b"GET /" + HOST)
    assert statuses(answer) == [500]
    assert b"Set-Cookie" not in answer
    assert "failed" in caplog.text


@pytest.mark.parametrize("length", ["3", "5"])
def test_body_that_is_not_as_long_as_its_head_says(
    length: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing that comes after it may pass for a part of it, so the connection ends."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Length", length)])
        return [b"four"]

    answer = ask(app, (b"GET /" + HOST) * 2)
    assert statuses(answer) in ([], [200])
    assert "LocalProtocolError" in caplog.text


def test_write_callable_of_old_applications() -> None:
    """start_response returns write(), for those that still use it."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [("Content-Length", "7")])
        write(b"old ")
        return [b"new"]

    assert ask(app, b"GET /" + HOST).endswith(b"\r\n\r\nold new")


def test_reader_that_stops_is_ended_and_holds_a_piece_at_most() -> None:
    """A client that does not read a large body costs no more than what fits into the buffers."""
    body = Pieces(repeat(bytes(65536)))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    with conversation(app, buffers=(4096, 65536), write_seconds=0.2) as client:
        client.sendall(b"GET /" + HOST)
        assert body.closed.wait(10)
        assert body.taken < 10
        assert len(read_to_end(client)) < 10 * 65536


def test_slow_reader_gets_all_of_a_large_body() -> None:
    """The write deadline is for a piece, so a slow line may take longer than that for the whole."""
    size, pause = 2_000_000, threading.Event()

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [bytes(size)]

    with conversation(app, buffers=(65536, 131072), write_seconds=0.4) as client:
        client.sendall(b"GET /" + HOST + b"GET / HTTP/1.0\r\n\r\n")
        began = soon(0)
        while b"\r\n\r\n" not in (head := read_exactly(client, 100)):
            pass
        left = size - len(head.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(read_exactly(client, min(100_000, left)))
            pause.wait(0.03)
        assert soon(0) - began > 0.4
        assert statuses(read_exactly(client, 15)) == [200]


SERVERS = (("X-Server", "1"), ("X-Kept", "server"))


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
def test_server_s_headers_are_in_every_answer(
    request_: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors and hijacked heads included; what the application names itself counts, and it may add some."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/fails":
            raise LookupError("on purpose")
        environ["telemetry_stream.headers"].append(("X-Added", "1"))
        if environ["PATH_INFO"] == "/stream":
            environ["telemetry_stream.hijack"](
                lambda transport: None, "206 Part", [("x-kept", "app")]
            )
        else:
            start_response("200 OK", [("x-kept", "app")])
        return []

    answer = ask(app, request_, headers=SERVERS)
    assert statuses(answer) == [status]
    assert answer.count(b"X-Server: 1\r\n") == 1
    by_app = status in (200, 206)
    assert answer.count(b"X-Added: 1\r\n") == by_app
    assert answer.count(b"x-kept: app\r\n") == by_app
    assert answer.count(b"X-Kept: server\r\n") == (not by_app)


def test_headers_added_to_one_answer_are_not_in_the_next() -> None:
    """They belong to the request, the server's own to all."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        environ["telemetry_stream.headers"].append(("X-Added", environ["PATH_INFO"]))
        start_response("204 No Content", [])
        return []

    answers = ask(app, b"GET /1" + HOST + b"GET /2" + HOST, headers=SERVERS)
    assert (answers.count(b"X-Server"), answers.count(b"X-Added")) == (2, 2)


def test_hijack_hands_over_the_connection_with_what_came_behind_the_request() -> None:
    """Nothing is written before or after; the successor runs when the application has returned."""
    steps: list[str] = []

    def successor(transport: Transport) -> None:
        steps.append("successor")
        transport.send(b"got " + transport.recv(100, soon()), soon())
        transport.send(b", then " + transport.recv(100, soon()), soon())

    def app(environ: dict[str, Any], _: StartResponse) -> list[bytes]:
        environ["telemetry_stream.hijack"](successor)
        steps.append("app")
        return []

    upgrade = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    for request in (upgrade, b"GET /ws" + HOST):
        with conversation(app) as client:
            client.sendall(request + b"frame")
            assert read_exactly(client, 9) == b"got frame"
            client.sendall(b"more")
            assert read_to_end(client) == b", then more"
    assert steps == ["app", "successor"] * 2


def test_successor_does_not_hold_the_request() -> None:
    """A connection that lives on for days keeps neither its parser nor its environ."""
    request_is_gone: list[bool] = []

    class Held:
        pass

    def app(environ: dict[str, Any], _: StartResponse) -> list[bytes]:
        environ["held"] = held = Held()
        reference = weakref.ref(held)
        environ["telemetry_stream.hijack"](lambda _: request_is_gone.append(reference() is None))
        return []

    ask(app, b"GET /" + HOST)
    gc.collect()
    assert request_is_gone == [True]


def test_hijack_with_a_status_writes_that_head_first() -> None:
    """A stream without end: a head, then bytes until the connection closes, and no framing."""

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


@pytest.mark.parametrize("misuse", ["twice", "start_response", "after start_response"])
def test_hijack_is_once_and_instead_of_a_response(
    misuse: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An application that wants both is told so, and nothing of the server's gets into its stream."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        if misuse == "after start_response":
            start_response("200 OK", [])
        environ["telemetry_stream.hijack"](lambda transport: transport.send(b"mine", soon()))
        if misuse == "twice":
            environ["telemetry_stream.hijack"](print)
        if misuse == "start_response":
            start_response("200 OK", [])
        yield b"body"

    answer = ask(app, b"GET /" + HOST)
    assert answer == b"mine" if misuse != "after start_response" else statuses(answer) == [500]
    assert "RuntimeError" in caplog.text


def test_successor_whose_peer_leaves_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """OSError out of a hijacked transport is how such a connection usually ends."""

    def app(environ: dict[str, Any], _: StartResponse) -> list[bytes]:
        environ["telemetry_stream.hijack"](
            lambda transport: transport.recv(100, soon(0.01)), "200 OK"
        )
        return []

    with conversation(app) as client:
        client.sendall(b"GET /" + HOST)
        assert statuses(read_to_end(client)) == [200]
    assert "Traceback" not in caplog.text


def test_whitenoise_plugs_in(tmp_path: Path) -> None:
    """Static files, a range of one, a HEAD, a 304, and whatever is not a file goes to the routes."""
    (tmp_path / "page.txt").write_bytes(b"0123456789" * 10_000)
    app = WhiteNoise(echo, root=str(tmp_path))
    assert ask(app, b"GET /page.txt" + HOST).endswith(b"\r\n\r\n" + b"0123456789" * 10_000)
    head = ask(app, b"HEAD /page.txt" + HOST)
    assert b"Content-Length: 100000\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    etag = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"etag"))[6:]
    requests = (
        b"GET /page.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=5-7\r\n\r\n"
        b"GET /page.txt HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + etag + b"\r\n\r\n"
        b"GET /route" + HOST
    )
    answers = ask(app, requests)
    assert statuses(answers) == [206, 304, 200]
    assert b"\r\n\r\n567HTTP" in answers


def test_prometheus_client_plugs_in() -> None:
    """Its exposition goes out as it is."""
    registry = CollectorRegistry()
    Gauge("answer", "of all", registry=registry).set(42)
    answer = ask(make_wsgi_app(registry), b"GET /metrics" + HOST)
    assert statuses(answer) == [200]
    assert b"\nanswer 42.0\n" in answer
