"""Exchange: the response of an application, as PEP 3333 describes it. test_wsgi_hijack.py has the takeover."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any
from wsgiref.handlers import format_date_time
from wsgiref.types import StartResponse

import pytest
from prometheus_client import CollectorRegistry, Gauge, make_wsgi_app
from whitenoise import WhiteNoise  # type: ignore[import-untyped]  # the library has no types

from telemetry_stream.net.wsgi import http_date
from tests.net.conversation import HOST, Clock, ask, conversation, echo, statuses
from tests.net.pairs import read_exactly, read_to_end


class Pieces:
    """A response body that records how many pieces were taken and whether it was closed."""

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
    """Yield this number of pieces, then raise."""
    yield from [b"piece"] * pieces
    raise LookupError("on purpose")


def test_body_of_unknown_length_is_sent_in_chunks_and_closed() -> None:
    """Piece by piece, without empty ones; close() is called at the end."""
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
def test_length_of_a_list_is_sent(
    method: bytes, status: str, pieces: list[bytes], length: bytes | None
) -> None:
    """204 and 304 have no body and no length. The connection stays open."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(status, [])
        return pieces

    answers = ask(app, (method + b" /" + HOST) * 2)
    assert statuses(answers) == [int(status[:3])] * 2
    if length is None:
        assert b"Content-Length" not in answers
    else:
        assert answers.count(b"Content-Length: " + length + b"\r\n") == 2


def test_headers_of_the_application_are_not_added_again() -> None:
    """Content-Length, Date and, for the last answer of a connection, Connection."""
    names = ("content-length", "date", "connection")

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", list(zip(names, ("2", "today", "close"), strict=True)))
        return [b"ab"]

    answer = ask(app, b"GET /" + HOST, max_requests=1).lower()
    assert [answer.count(name.encode() + b": ") for name in names] == [1, 1, 1]


def test_head_request_takes_one_piece_of_an_endless_body() -> None:
    """A generator may call start_response when its first piece is asked for; no further piece is needed."""
    body = Pieces(repeat(b"more"))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    assert statuses(ask(app, b"HEAD /" + HOST)) == [200]
    assert body.taken == 1
    assert body.closed.wait(10)


def test_application_that_fails_at_once_is_answered_500(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the reason and the traceback, the answer has neither; the connection ends."""

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return Pieces(failing_after(0))

    answer = ask(app, b"GET /path" + HOST + b"GET /more" + HOST)
    assert statuses(answer) == [500]
    assert answer.endswith(b'{"error": "Internal error"}')
    assert "GET '/path' failed" in caplog.text
    assert "LookupError: on purpose" in caplog.text


def test_application_that_fails_midway_leaves_an_incomplete_response(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without the final chunk, the client can see that the end is missing."""
    body = Pieces(failing_after(1))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    answer = ask(app, b"GET /" + HOST + b"GET /more" + HOST)
    assert statuses(answer) == [200]
    assert answer.endswith(b"5\r\npiece\r\n")
    assert body.closed.wait(10)
    assert "on purpose" in caplog.text


def test_exc_info_replaces_a_head_that_has_not_been_written() -> None:
    """An application may find an error after its first start_response."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        try:
            next(failing_after(0))
        except LookupError:
            start_response("404 Not Found", [], sys.exc_info())
        return [b"gone"]

    assert statuses(ask(app, b"GET /" + HOST)) == [404]


def test_exc_info_is_raised_once_the_head_has_been_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Then there can be no second head: the response stays incomplete."""

    def app(_: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"half"
        try:
            next(failing_after(0))
        except LookupError:
            start_response("500 Internal Server Error", [], sys.exc_info())
        yield b"never"

    answer = ask(app, b"GET /" + HOST)
    assert statuses(answer) == [200]
    assert answer.endswith(b"4\r\nhalf\r\n")
    assert "LookupError: on purpose" in caplog.text


@pytest.mark.parametrize(
    "mistake",
    [
        lambda start: None,
        lambda start: (start("200 OK", []), start("200 OK", [])),
        lambda start: (start("200 OK", []), start("200 OK", [], (None, None, None))),
        lambda start: start("200 OK", [("X", "a\r\nSet-Cookie: b")]),
        lambda start: start("fine", []),
        lambda start: start("200 OK", [("Content-Length", "nine")]),
    ],
    ids=[
        "no head",
        "two heads",
        "two heads without exception",
        "header in a header",
        "no status",
        "bad length",
    ],
)
def test_mistake_of_an_application_is_answered_500(
    mistake: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No part of the wrong response reaches the client."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        mistake(start_response)
        return [b"body"]

    answer = ask(app, b"GET /" + HOST)
    assert statuses(answer) == [500]
    assert b"Set-Cookie" not in answer
    assert "failed" in caplog.text


@pytest.mark.parametrize("length", ["3", "5"])
def test_wrong_content_length_ends_the_connection(
    length: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise the client would take the next answer for a part of this body."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Length", length)])
        return [b"four"]

    answer = ask(app, (b"GET /" + HOST) * 2)
    assert statuses(answer) in ([], [200])
    assert "LocalProtocolError" in caplog.text


def test_start_response_returns_write() -> None:
    """Old applications still use it."""

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [("Content-Length", "7")])
        write(b"old ")
        return [b"new"]

    assert ask(app, b"GET /" + HOST).endswith(b"\r\n\r\nold new")


def test_client_that_does_not_read_is_disconnected() -> None:
    """At the write deadline; until then a large body takes no more memory than the buffers and one piece."""
    body = Pieces(repeat(bytes(65536)))

    def app(_: dict[str, Any], start_response: StartResponse) -> Pieces:
        start_response("200 OK", [])
        return body

    with conversation(app, buffers=(4096, 65536), write_seconds=0.2) as client:
        client.sendall(b"GET /" + HOST)
        assert body.closed.wait(10)
        assert body.taken < 10
        assert len(read_to_end(client)) < 10 * 65536


def test_slow_client_gets_all_of_a_large_body() -> None:
    """The write deadline is for one piece, so the whole body may take longer."""
    size, clock = 2_000_000, Clock()

    def app(_: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [bytes(size)]

    with conversation(app, clock=clock, buffers=(65536, 131072), write_seconds=10) as client:
        client.sendall(b"GET /" + HOST + b"GET / HTTP/1.0\r\n\r\n")
        began = clock.now
        while b"\r\n\r\n" not in (head := read_exactly(client, 100)):
            assert head
        left = size - len(head.partition(b"\r\n\r\n")[2])
        while left:
            got = read_exactly(client, min(100_000, left))
            assert got
            left -= len(got)
            clock.now += 1
        assert clock.now - began > 10
        assert clock.writes[30] - clock.writes[0] > 10  # the 2 MB are written in pieces of 64 KiB
        assert statuses(read_exactly(client, 15)) == [200]


# Applications of other projects.


def test_whitenoise_serves_files(tmp_path: Path) -> None:
    """A file, a range of it, a HEAD, and a 304; a path that is no file goes to the wrapped application."""
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


def test_prometheus_client_serves_its_exposition() -> None:
    """The text is sent unchanged."""
    registry = CollectorRegistry()
    Gauge("answer", "of all", registry=registry).set(42)
    answer = ask(make_wsgi_app(registry), b"GET /metrics" + HOST)
    assert statuses(answer) == [200]
    assert b"\nanswer 42.0\n" in answer


def test_dates_are_those_of_the_library() -> None:
    """In every month and on every day of the week."""
    days = [day * 86_400 + random.randrange(86_400) for day in range(20_000, 20_400)]
    assert list(map(http_date, days)) == list(map(format_date_time, days))
