"""Attacks on the HTTP side of the running program, before a client is a viewer."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from tests.attacks.target import Target
from tests.attacks.wire import dial, exchange, head, read_to_end, statuses
from tests.websocket.peer import KEY

# A second request, hidden behind one whose end two servers may see at different places.
SMUGGLED = head("GET /healthz HTTP/1.1")


def test_garbage(target: Target) -> None:
    """Bytes that are no HTTP: noise, other protocols, an endless line. The answer is an error, or none."""
    noise = random.Random(5)
    inputs = [noise.randbytes(noise.randrange(1, 5000)) for _ in range(100)]
    inputs += [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x05\x01\x00",  # SOCKS
        b"\r\n" * 10_000,
        b"\x00" * 100_000,
        b"A" * 1_000_000,
        b"GET /" + b"a" * 1_000_000,
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n: nameless\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \xff\x00\r\n\r\n",
        b"get / http/1.1\r\nHost: localhost\r\n\r\n",
    ]
    for data in inputs:
        answers = statuses(exchange(target.address, data, half_close=True))
        assert not set(answers) & {200, 500}, data[:100]
        assert len(answers) <= 1, data[:100]


@pytest.mark.parametrize(
    "flood",
    [
        head("GET / HTTP/1.1", *(f"X-{i}: {i}" for i in range(50_000))),
        head("GET / HTTP/1.1", "Cookie: " + "a=b; " * 200_000),
        head("GET /?" + "a=1&" * 200_000 + " HTTP/1.1"),
        head("GET / HTTP/1.1", "X: y" + "\r\n " * 100_000),
    ],
    ids=["many", "long", "query", "folded"],
)
def test_header_flood(flood: bytes, target: Target) -> None:
    """A head above 16 KiB is refused as too large, also from 20 clients at the same time."""
    sockets = [dial(target.address) for _ in range(20)]
    try:
        for sock in sockets:
            try:
                sock.sendall(flood)
            except ConnectionError:
                pass
        for sock in sockets:
            assert statuses(read_to_end(sock)) in ([431], [])  # a reset may discard the answer
    finally:
        for sock in sockets:
            sock.close()
    assert statuses(exchange(target.address, flood[: 17 * 1024])) == [431]


SHAPES = [
    head("GET / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    head("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    head("POST / HTTP/1.1", "Content-Length: 0", "Content-Length: 44"),
    head("GET / HTTP/1.1", "Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"),
    head("GET / HTTP/1.1", f"Content-Length: 0, {len(SMUGGLED)}"),
    head("GET / HTTP/1.1", f"Content-Length: {len(SMUGGLED)}"),
    head("GET / HTTP/1.1", f"Content-Length: +{len(SMUGGLED)}"),
    head("GET / HTTP/1.1", "Content-Length: -1"),
    head("GET / HTTP/1.1", "Content-Length: 0x10"),
    head("GET / HTTP/1.1", "Content-Length: 1_0"),
    head("GET / HTTP/1.1", "Content-Length: " + "9" * 400),
    head("GET / HTTP/1.1", "Content-Length:"),
    head("GET / HTTP/1.1", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    head("GET / HTTP/1.1", "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    head("GET / HTTP/1.1", "Transfer-Encoding: identity"),
    head("GET / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    head("GET / HTTP/1.1", "Transfer-Encoding:\x0bchunked"),
    head("GET / HTTP/1.1", "Transfer-Encoding : chunked"),
    head("GET / HTTP/1.1", "Transfer-Encoding\x00: chunked"),
    head("GET / HTTP/1.0", "Connection: close"),
    head("DELETE / HTTP/1.1", "Content-Length: 5"),
    head("GET / HTTP/1.1", "X: a\rTransfer-Encoding: chunked"),
    b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    b"GET / HTTP/1.1\rHost: localhost\r\r",
]


def test_smuggling_shapes(target: Target) -> None:
    """A request whose end is ambiguous is answered once, and then the connection ends."""
    for shape in SHAPES:
        answered = exchange(target.address, shape + SMUGGLED)
        assert len(statuses(answered)) == 1, (shape, answered)
        assert b'{"status":"ok"}' not in answered, shape


def test_obsolete_syntax_has_one_meaning(target: Target) -> None:
    """Syntax that RFC 9112 lets a server accept makes one request; the next one is answered as usual."""
    for shape in (
        head("GET /nothing HTTP/1.1", "X: a", " folded: b"),
        head("GET /nothing HTTP/1.1", "Content-Length:", " 0"),
        head("GET /nothing HTTP/1.1", "Transfer_Encoding: chunked"),
        head("GET /nothing HTTP/1.1").replace(b"\r\n", b"\n"),
    ):
        answered = exchange(target.address, shape + SMUGGLED, half_close=True)
        assert statuses(answered) == [404, 200], (shape, answered)


def test_requests_without_exactly_one_host(target: Target) -> None:
    """They are refused, and so is a host that is not allowed."""
    for headers in (
        (),
        ("Host: localhost", "Host: evil.example"),
        ("Host: localhost,evil.example",),
        ("Host: localhost", " Transfer-Encoding: chunked"),
        ("Host:",),
    ):
        data = "\r\n".join(["GET /healthz HTTP/1.1", *headers, "", ""]).encode()
        assert statuses(exchange(target.address, data, half_close=True)) in ([400], [403]), headers


PATHS = [
    "/%00", "/index.html%00.js", "/..", "/../", "/../cli.py", "/../../../../../../etc/passwd",
    "/%2e%2e/cli.py", "/..%2fcli.py", "/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/assets/../../app.py",
    "/assets/..%5c..%5capp.py", "/..\\app.py", "\\..\\app.py", "//etc/passwd", "//evil.example/..",
    "/\\evil.example/%2f..", "/%2f%2fevil.example/", "/%c0%ae%c0%ae/app.py", "/%252e%252e/app.py", "/.",
    "/./", "/.git/config", "/assets", "/assets/", "/index.html/", "/index.html/..", "/%", "/%zz",
    "/" + "a/" * 4000, "/" + "%2e%2e/" * 2000, "/~root", "/;/app.py",
    "/api/v1/../../app.py", "/ws/../app.py", "/index.html%20", "/INDEX.HTML", "/index.html::$DATA", "/con",
    "/__init__.py", "/app.py", "/static/index.html", "file:///etc/passwd", "http:///etc/passwd",
    "http://localhost/../app.py", "http://localhost@evil.example/", "http://evil.example/",
    "ftp://localhost/", "*", "localhost:80", "/\x7f", "/é", "/\r/", "/#x",
]  # fmt: skip


def test_path_tricks(target: Target) -> None:
    """No file outside the page, no listing, no redirect, no status 500."""
    for path in PATHS:
        answered = exchange(target.address, head(f"GET {path} HTTP/1.1"), half_close=True)
        (status,) = statuses(answered)
        assert status in {400, 403, 404}, (path, answered)
        assert b"\r\nlocation:" not in answered.lower(), path
        assert b"root:" not in answered, path
        assert b"import " not in answered, path


def test_methods_and_expectations(target: Target) -> None:
    """Methods that are not supported are refused before their body is sent."""
    for method in (
        "POST",
        "PUT",
        "DELETE",
        "PATCH",
        "TRACE",
        "CONNECT",
        "OPTIONS",
        "PRI",
        "A" * 1000,
    ):
        data = head(f"{method} / HTTP/1.1", "Content-Length: 1000000", "Expect: 100-continue")
        answered = statuses(exchange(target.address, data))
        assert answered in ([400], [405], [501]), method


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def test_wrong_handshakes(target: Target) -> None:
    """Each is answered by HTTP with the right status; none becomes a viewer."""
    cases: list[tuple[str, dict[str, str], int]] = [
        ("POST /ws HTTP/1.1", {}, 405),
        ("HEAD /ws HTTP/1.1", {}, 405),
        ("GET /ws HTTP/1.0", {}, 400),
        ("GET /ws?every=0 HTTP/1.1", {}, 400),
        ("GET /ws?sections=%ff HTTP/1.1", {}, 400),
        ("GET /ws?every=1&every=2 HTTP/1.1", {}, 400),
    ]
    changes = [
        ("Connection", "", 400),
        ("Connection", "keep-alive", 400),
        ("Connection", "Upgrad\xe9", 400),
        ("Upgrade", "", 426),
        ("Upgrade", "h2c", 426),
        ("Sec-WebSocket-Version", "", 426),
        ("Sec-WebSocket-Version", "8", 426),
        ("Sec-WebSocket-Version", "13, 8", 426),
        ("Sec-WebSocket-Version", "9" * 10_000, 426),
        ("Sec-WebSocket-Key", "", 400),
        ("Sec-WebSocket-Key", "AAAA", 400),
        ("Sec-WebSocket-Key", "=" * 24, 400),
        ("Sec-WebSocket-Key", "\xe9" * 24, 400),
        ("Sec-WebSocket-Key", KEY + ", " + KEY, 400),
        ("Sec-WebSocket-Key", KEY + "\r\nSec-WebSocket-Key: " + KEY, 400),
        ("Origin", "https://evil.example", 403),
        ("Origin", "http://localhost.evil.example", 403),
        ("Origin", "http://localhost:1", 403),
        ("Origin", "http://localhost@evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "", 403),
        ("Origin", "file://", 403),
        ("Origin", "http://[::1", 403),
    ]
    cases += [("GET /ws HTTP/1.1", {name: value}, status) for name, value, status in changes]
    for line, change, status in cases:
        headers = [f"{name}: {value}" for name, value in (HANDSHAKE | change).items()]
        answered = exchange(target.address, head(line, *headers), half_close=True)
        assert statuses(answered) == [status], (line, change, answered)
        if status == 426:
            assert b"\r\nsec-websocket-version: 13\r\n" in answered.lower()


def test_unusual_headers_in_a_valid_handshake(target: Target) -> None:
    """Headers that are not needed are ignored: a folded or non-ASCII protocol offer, for example."""
    for header in (
        "Sec-WebSocket-Protocol: \xe9\xe8",
        "Sec-WebSocket-Protocol: a,\r\n Sec-WebSocket-Extensions: permessage-deflate",
        "Sec-WebSocket-Extensions: \xe9",
        "Origin: http://LOCALHOST",
    ):
        headers = [f"{name}: {value}" for name, value in HANDSHAKE.items()]
        answered = exchange(
            target.address, head("GET /ws HTTP/1.1", *headers, header), half_close=True
        )
        assert answered.startswith(b"HTTP/1.1 101 "), header
        assert b"sec-websocket-extensions" not in answered.lower()
        assert b"sec-websocket-protocol" not in answered.lower()


def test_thousands_of_requests_on_one_connection(target: Target) -> None:
    """The thousandth is the last one that is answered."""
    answered = exchange(target.address, SMUGGLED * 3000)
    assert statuses(answered) == [200] * 1000


def test_resets_in_the_middle_of_a_head(target: Target) -> None:
    """300 clients leave with a RST, at every place of a request."""
    data = head("GET /api/v1/history HTTP/1.1")
    for i in range(300):
        with dial(target.address) as sock:
            sock.sendall(data[: i % (len(data) + 1)])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_half_a_head_and_the_end(target: Target) -> None:
    """A client that closes its write side within a head is disconnected without an answer."""
    for data in (b"", b"G", head()[:-2]):
        assert statuses(exchange(target.address, data, half_close=True)) == []
