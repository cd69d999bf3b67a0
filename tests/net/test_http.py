"""serve: the requests that it reads and refuses, and the deadlines of a connection."""

from __future__ import annotations

import json
import select
import socket
import struct

import pytest

from tests.conftest import eventually
from tests.net.conversation import HOST, Clock, ask, conversation, echo, statuses
from tests.net.pairs import read_exactly, read_to_end


def read_until(client: socket.socket, end: bytes) -> bytes:
    """Read up to and including ``end``."""
    data = b""
    while not data.endswith(end):
        byte = client.recv(1)
        assert byte, data
        data += byte
    return data


def waits_until(clock: Clock, seconds: float, reads: int = 2) -> bool:
    """Whether the connection waits for bytes, in its second read or later, until so many seconds from now."""
    found = clock.reads
    return eventually(lambda: len(found) >= reads and found[-1] == clock.now + seconds)


def test_pipelined_requests_are_answered_in_order() -> None:
    """On one connection; the answer to a HEAD has no body."""
    answers = ask(echo, b"GET /a" + HOST + b"HEAD /b" + HOST + b"GET /c?d=%20e" + HOST)
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"GET /a?\n") == 1
    assert b"HEAD /b" not in answers
    assert answers.endswith(b"Content-Length: 14\r\n\r\nGET /c?d=%20e\n")
    assert b"Connection: close" not in answers


def test_connection_stays_open_after_an_answer() -> None:
    """Keep-alive: the client gets each answer while its side is open, and can send another request."""
    with conversation(echo) as client:
        for path in (b"/one", b"/two"):
            client.sendall(b"GET " + path + HOST)
            answer = read_until(client, path + b"?\n")
            assert b"Server:" not in answer
            assert b"Date: " in answer


def test_request_may_arrive_byte_by_byte() -> None:
    """It makes no difference where TCP splits a request."""
    request = b"GET /slow" + HOST
    with conversation(echo) as client:
        for i in range(len(request)):
            client.sendall(request[i : i + 1])
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client).endswith(b"GET /slow?\n")


def test_http_1_0_is_answered_and_closed() -> None:
    """An old client gets an answer without chunks, and then the end of the connection."""
    with conversation(
        lambda _, start: (start("200 OK", []), (b for b in [b"a", b"b"]))[1]
    ) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert b"Transfer-Encoding" not in head
    assert body == b"ab"


NO_HOST = b" HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET /" + NO_HOST, 400, "Missing mandatory Host: header"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Found multiple Host: headers"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400, "Illegal header line"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400, "Illegal header line"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n", 400, "Control character in header a"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x7fc\r\n\r\n", 400, "Control character in header a"),
        (b"GET  /" + HOST, 400, "Illegal request line"),
        (b"GET /\xff" + HOST, 400, "Illegal request line"),
        (b"GET /\r\n\r\n", 400, "Illegal request line"),
        (b"\x16\x03\x01\x02\x00", 400, "Illegal request line"),
        (b"\r\nGET /" + HOST, 400, "No request line received"),
        (b"GET x" + HOST, 400, "Request target is not a path"),
        (b"GET http" + HOST, 400, "Request target is not a path"),
        (b"GET *" + HOST, 400, "Request target is not a path"),
        (b"GET ftp://h/" + HOST, 400, "Request target is not a path"),
        (b"GET http://" + HOST, 400, "Request target has no valid host"),
        (b"GET http://u@h/" + HOST, 400, "Request target has no valid host"),
        (b"GET /#f" + HOST, 400, "Request target has a fragment"),
        (b"GET /%00" + HOST, 400, "Control character in request target"),
        (b"GET /%7f" + HOST, 400, "Control character in request target"),
        (b"GET /%0d%0aX:y" + HOST, 400, "Control character in request target"),
        (b"CONNECT x:443" + HOST, 501, "CONNECT is not supported"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP version is not supported"),
        (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505, "HTTP version is not supported"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
            400,
            "GET must not have a body",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "GET must not have a body",
        ),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "Bad Content-Length"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n",
            400,
            "Conflicting Content-Length headers",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
            501,
            "Only Transfer-Encoding: chunked is supported",
        ),
        (b"GET /" + b"a" * 40_000 + HOST, 431, "Request head is too large"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 4000 + b"\r\n",
            431,
            "Request head is too large",
        ),
    ],
)
def test_bad_request_is_refused_and_the_connection_ends(
    request_bytes: bytes, status: int, reason: str
) -> None:
    """The answer has the reason. The bytes after a bad request are not read as another request."""
    with conversation(echo) as client:
        client.sendall(request_bytes + b"GET /smuggled" + HOST)
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close" in head
    assert json.loads(body) == {"error": reason}


def test_refused_head_request_gets_no_body() -> None:
    """A body after the answer to a HEAD would be read as the next answer."""
    answer = ask(echo, b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    assert statuses(answer) == [400]
    assert answer.endswith(b"\r\n\r\n")


def test_body_of_another_method_is_not_read() -> None:
    """The application can answer 405. The body is neither its input nor the next request."""

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


def test_content_length_0_is_no_body() -> None:
    """Some clients send it with every GET."""
    answers = ask(echo, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" * 2)
    assert statuses(answers) == [200, 200]


@pytest.mark.parametrize("requests", [0, 1])
def test_deadline_of_a_head_also_counts_while_bytes_arrive(requests: int) -> None:
    """A client that sends a byte now and then cannot keep the connection, neither with its first head nor later."""
    clock = Clock()
    with conversation(echo, clock=clock, head_seconds=10) as client:
        for _ in range(requests):
            client.sendall(b"GET /" + HOST)
            read_until(client, b"GET /?\n")
        client.sendall(b"GET / HTTP/1.1\r\nA: ")
        began = clock.now
        while not select.select([client], [], [], 0.02)[0]:
            client.sendall(b"b")
            clock.now += 0.5
            assert clock.now - began < 1000
        assert statuses(read_to_end(client)) == [408]
    assert clock.now - began >= 10


@pytest.mark.parametrize("pipelined", [True, False])
def test_second_head_has_the_same_deadline(pipelined: bool) -> None:
    """It counts from the first byte of the head; the idle time is not added."""
    clock = Clock()
    with conversation(echo, clock=clock, head_seconds=10, idle_seconds=1000) as client:
        client.sendall(b"GET /" + HOST + b"G" * pipelined)
        answers = read_until(client, b"GET /?\n")
        if not pipelined:
            assert waits_until(clock, 1000)
            client.sendall(b"G")
        assert waits_until(clock, 10, reads=2 + (not pipelined))
        clock.now += 10
        assert statuses(answers + read_to_end(client)) == [200, 408]


def test_idle_time_ends_with_the_first_byte_of_a_head() -> None:
    """From then on the time for a head counts."""
    clock = Clock()
    with conversation(echo, clock=clock, head_seconds=60, idle_seconds=10) as client:
        client.sendall(b"GET /" + HOST)
        answers = read_until(client, b"GET /?\n")
        assert waits_until(clock, 10)
        client.sendall(b"GET /")
        assert waits_until(clock, 60)
        clock.now += 59
        assert not select.select([client], [], [], 0.1)[0]
        client.sendall(HOST)
        client.shutdown(socket.SHUT_WR)
        assert statuses(answers + read_to_end(client)) == [200, 200]


@pytest.mark.parametrize(("requests", "head_seconds", "idle_seconds"), [(0, 0.1, 60), (1, 60, 0.1)])
def test_silent_client_is_disconnected_without_an_answer(
    requests: int, head_seconds: float, idle_seconds: float
) -> None:
    """At the start after the time for a head, later after the idle time."""
    with conversation(echo, head_seconds=head_seconds, idle_seconds=idle_seconds) as client:
        client.sendall((b"GET /" + HOST) * requests)
        assert statuses(read_to_end(client)) == [200] * requests


@pytest.mark.parametrize("half", [b"", b"GET / HT", b"GET /" + HOST + b"GET / HT"])
def test_client_that_leaves_within_a_head_gets_no_answer(half: bytes) -> None:
    """A part of a head and then the end is no request."""
    assert statuses(ask(echo, half)) == [200] * half.count(b"Host")


def test_last_answer_of_a_connection_announces_the_end() -> None:
    """After max_requests the connection ends, and the last answer has Connection: close."""
    answers = ask(echo, (b"GET /" + HOST) * 5, max_requests=3)
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"Connection: close") == 1


def test_reset_during_an_answer_ends_only_this_connection() -> None:
    """Nothing is raised on the connection's thread."""
    with conversation(
        lambda _, start: (start("200 OK", []), (bytes(65536) for _ in range(100)))[1]
    ) as client:
        client.sendall(b"GET /" + HOST)
        read_exactly(client, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_connection_is_usable_after_an_upgrade_that_is_not_done() -> None:
    """An application may answer an upgrade request as any other request."""
    upgrade = b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"
    assert statuses(ask(echo, upgrade + b"GET /" + HOST)) == [200, 200]
