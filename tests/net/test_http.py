"""serve: what is read from a connection, what is refused, and when."""

from __future__ import annotations

import json
import select
import socket
import struct
import time

import pytest

from tests.net.conversation import HOST, ask, conversation, echo, statuses
from tests.net.pairs import read_exactly, read_to_end


def test_requests_follow_each_other_on_one_connection() -> None:
    """Pipelined requests are answered in order, and a HEAD has no body."""
    answers = ask(echo, b"GET /a" + HOST + b"HEAD /b" + HOST + b"GET /c?d=%20e" + HOST)
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"GET /a?\n") == 1
    assert b"HEAD /b" not in answers
    assert answers.endswith(b"Content-Length: 14\r\n\r\nGET /c?d=%20e\n")
    assert b"Connection: close" not in answers


def test_answer_comes_while_the_connection_stays_open() -> None:
    """Keep-alive: the client need not hang up to get its answer, and may then ask again."""
    answer = b""
    with conversation(echo) as client:
        for path in (b"/one", b"/two"):
            client.sendall(b"GET " + path + HOST)
            answer = b""
            while not answer.endswith(path + b"?\n"):
                answer += read_exactly(client, 1)
        assert b"Server:" not in answer
        assert b"Date: " in answer


def test_request_may_come_byte_by_byte() -> None:
    """Where TCP cuts a request makes no difference."""
    request = b"GET /slow" + HOST
    with conversation(echo) as client:
        for i in range(len(request)):
            client.sendall(request[i : i + 1])
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client).endswith(b"GET /slow?\n")


def test_http_1_0_is_answered_and_closed() -> None:
    """An old client gets its answer, with no chunks, and the end of the connection."""
    with conversation(
        lambda _, start: (start("200 OK", []), (b for b in [b"a", b"b"]))[1]
    ) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert b"Transfer-Encoding" not in head
    assert body == b"ab"


HOSTLESS = b" HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "why"),
    [
        (b"GET /" + HOSTLESS, 400, "Missing mandatory Host: header"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Found multiple Host: headers"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400, "illegal header line"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400, "illegal header line"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n", 400, "control character in header a"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x7fc\r\n\r\n", 400, "control character in header a"),
        (b"GET  /" + HOST, 400, "illegal request line"),
        (b"GET /\xff" + HOST, 400, "illegal request line"),
        (b"GET /\r\n\r\n", 400, "illegal request line"),
        (b"\x16\x03\x01\x02\x00", 400, "illegal request line"),
        (b"\r\nGET /" + HOST, 400, "no request line received"),
        (b"GET x" + HOST, 400, "request target is not a path"),
        (b"GET *" + HOST, 400, "request target is not a path"),
        (b"GET http://" + HOST, 400, "request target names no host"),
        (b"GET http://u@h/" + HOST, 400, "request target names no host"),
        (b"GET /#f" + HOST, 400, "request target has a fragment"),
        (b"GET /%00" + HOST, 400, "control character in request target"),
        (b"GET /%0d%0aX:y" + HOST, 400, "control character in request target"),
        (b"CONNECT x:443" + HOST, 501, "this is no proxy"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "this is an HTTP/1.1 server"),
        (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505, "this is an HTTP/1.1 server"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 400, "GET takes no body"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "GET takes no body",
        ),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "bad Content-Length"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n",
            400,
            "conflicting Content-Length headers",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
            501,
            "Only Transfer-Encoding: chunked is supported",
        ),
        (b"GET /" + b"a" * 40_000 + HOST, 431, "request head is too large"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 4000 + b"\r\n",
            431,
            "request head is too large",
        ),
    ],
)
def test_bad_request_is_refused_and_the_connection_ends(
    request_bytes: bytes, status: int, why: str
) -> None:
    """The answer says what was wrong, and what comes behind a bad request is not read as another."""
    with conversation(echo) as client:
        client.sendall(request_bytes + b"GET /smuggled" + HOST)
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close" in head
    assert json.loads(body) == {"error": why}


def test_refused_head_request_gets_no_body() -> None:
    """An error body behind a HEAD would be read as the next answer."""
    answer = ask(echo, b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    assert statuses(answer) == [400]
    assert answer.endswith(b"\r\n\r\n")


def test_body_of_another_method_is_not_read() -> None:
    """The application may say 405 to it, but the body is neither its input nor the next request."""

    def app(environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        assert environ["wsgi.input"].read() == b""
        assert "CONTENT_LENGTH" not in environ
        return echo(environ, start_response)

    body = b"GET /smuggled" + HOST
    answers = ask(
        app,
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + body,
    )
    assert statuses(answers) == [200]
    assert b"Connection: close" in answers


def test_zero_length_is_no_body() -> None:
    """Some clients say Content-Length: 0 with every GET."""
    answers = ask(echo, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" * 2)
    assert statuses(answers) == [200, 200]


def test_dripping_head_meets_its_absolute_deadline() -> None:
    """A byte now and then, never late by itself, does not keep the connection."""
    began = time.monotonic()
    with conversation(echo, head_seconds=0.3) as client:
        client.sendall(b"GET / HTTP/1.1\r\nA: ")
        while not select.select([client], [], [], 0.02)[0]:
            client.sendall(b"b")
            assert time.monotonic() - began < 5
        assert statuses(read_to_end(client)) == [408]
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("pipelined", [True, False])
def test_dripping_second_head_has_the_same_deadline(pipelined: bool) -> None:
    """From its first byte on, a later head has as long as the first; the idle time is not added."""
    with conversation(echo, head_seconds=0.2, idle_seconds=60) as client:
        client.sendall(b"GET /" + HOST + b"G" * pipelined)
        answers = read_exactly(client, 1)
        if not pipelined:
            client.sendall(b"G")
        assert statuses(answers + read_to_end(client)) == [200, 408]


@pytest.mark.parametrize("already_asked", [0, 1])
def test_silent_client_is_let_go_without_a_word(already_asked: int) -> None:
    """Nothing was asked, so nothing is answered: neither at the start nor between requests."""
    with conversation(echo, head_seconds=0.1, idle_seconds=0.1) as client:
        client.sendall((b"GET /" + HOST) * already_asked)
        assert statuses(read_to_end(client)) == [200] * already_asked


@pytest.mark.parametrize("half", [b"", b"GET / HT", b"GET /" + HOST + b"GET / HT"])
def test_client_that_leaves_in_the_middle_is_let_go(half: bytes) -> None:
    """Half a head and then the end is no request."""
    assert statuses(ask(echo, half)) == [200] * half.count(b"Host")


def test_last_request_of_a_connection_is_told() -> None:
    """After max_requests the connection ends, and the last answer says so."""
    answers = ask(echo, (b"GET /" + HOST) * 5, max_requests=3)
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"Connection: close") == 1


def test_client_that_asks_and_vanishes_harms_nobody() -> None:
    """A reset while we answer ends this connection, quietly."""
    with conversation(
        lambda _, start: (start("200 OK", []), (bytes(65536) for _ in range(100)))[1]
    ) as client:
        client.sendall(b"GET /" + HOST)
        read_exactly(client, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_refused_upgrade_leaves_the_connection_usable() -> None:
    """An application that does not upgrade answers as usual."""
    upgrade = b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"
    assert statuses(ask(echo, upgrade + b"GET /" + HOST)) == [200, 200]
