"""Random requests are answered or end the connection, without an error in the log and without a leak."""

from __future__ import annotations

import logging
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.access.access import Access
from telemetry_stream.access.forwarded import Proxies
from telemetry_stream.access.login import Login
from telemetry_stream.access.tokens import Token
from tests.server.service import Service

TOKEN = "not-a-secret-of-a-user"

PATHS = (
    "/",
    "/ws",
    "/api/v1/sample",
    "/api/v1/history",
    "/api/v1/stream",
    "/api/v1/clients",
    "/healthz",
    "/metrics",
)
NAMES = ("every", "sections", "history", "since", "stream", "seconds", "token", "next")
VALUES = ("1", "0", "cpu", "cpu,pad", "1e3", "nan", "-1", "9" * 19, "%00", "%ff", "+", "", TOKEN)
HEADERS = (
    "Host", "Origin", "Cookie", "Authorization", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
    "Content-Length", "Transfer-Encoding", "Accept", "Accept-Encoding", "Range", "If-None-Match", "If-Modified-Since",
    "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Referer", "Expect", "Access-Control-Request-Method",
)  # fmt: skip
NEARLY_VALID = (
    "localhost", "localhost:", "[::1]:80", "[::1", "127.0.0.1:99999", "box", "http://localhost", "null",
    "Upgrade", "websocket", "13", "AAAAAAAAAAAAAAAAAAAAAA==", f"Bearer {TOKEN}", "Bearer ", "Basic Og==",
    "a=b; c", "0", "5", "+5", "chunked", "gzip;q=x", "br, gzip;q=0", "*/*", "text/html", "bytes=0-1",
    "bytes=-99999999999999999999", "bytes=1-0", "bytes=a-", '"x"', 'W/"', "*",
    "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 0000 99:99:99", "for=1.2.3.4;proto=https", "1.2.3.4, ::1",
    "100-continue",
)  # fmt: skip

octets = st.binary(max_size=40).map(
    lambda octets: re.sub(rb"[\r\n]", b"", octets).decode("latin-1")
)
escaped = st.binary(max_size=12).map(lambda octets: "".join(f"%{octet:02x}" for octet in octets))
words = st.sampled_from(VALUES) | escaped | octets.map(lambda text: text.replace(" ", "+"))
queries = st.lists(st.tuples(st.sampled_from(NAMES) | words, words), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
targets = st.tuples(
    st.sampled_from(PATHS) | words.map(lambda text: "/" + text) | words,
    st.just("") | queries.map(lambda query: "?" + query),
).map("".join)
header_lines = st.tuples(
    st.sampled_from(HEADERS) | octets,
    st.sampled_from(NEARLY_VALID) | octets | st.text('a,;=" \t', max_size=300),
).map(": ".join)
methods = st.sampled_from(("GET", "GET", "GET", "HEAD", "POST", "OPTIONS")) | octets
versions = st.sampled_from(("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.2")) | octets


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draw the head of a request, which is often nearly valid, and some bytes after it."""
    line = f"{draw(methods)} {draw(targets)} {draw(versions)}"
    host = draw(st.sampled_from((["Host: localhost"], ["Host: localhost"], [])))
    end = draw(st.sampled_from(("\r\n", "\r\n", "\n")))
    head = end.join([line, *host, *draw(st.lists(header_lines, max_size=5)), "", ""])
    return head.encode("latin-1") + draw(st.just(b"") | st.binary(max_size=60))


def answer_to(address: tuple[str, int], data: bytes) -> bytes:
    """Send ``data``; return the answer, of a stream only the beginning."""
    answer = b""
    with socket.create_connection(address, 10) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while b"x-ndjson\r\n" not in answer and (more := sock.recv(65536)):
                answer += more
        except ConnectionError:
            pass
    return answer


@pytest.mark.parametrize("tokens", [None, (Token("all", TOKEN),)], ids=["open", "tokens"])
def test_any_request(
    tokens: tuple[Token, ...] | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The status is never 500."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>hello")
    (tmp_path / "assets" / "index-abcdefgh.js").write_text("x" * 5000)
    login = Login()
    login.tokens = tokens
    access = Access(("box",), login=login, proxies=Proxies(("127.0.0.1",)))
    with Service(static_root=str(tmp_path), access=access) as service:
        service.publish(3)

        @settings(max_examples=300)
        @given(requests())
        def ask(request: bytes) -> None:
            answer = answer_to(service.address, request)
            if answer:
                assert re.match(rb"HTTP/1\.1 (?!500)[1-5]\d\d [^\r\n]*\r\n", answer), answer[:200]

        ask()
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
