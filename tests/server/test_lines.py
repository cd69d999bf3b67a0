"""JSON lines over plain HTTP, as curl -N reads them: the same hub, the same promise."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from telemetry_stream.net.transport import Transport
from telemetry_stream.server import lines
from telemetry_stream.server.lines import FRAMING
from telemetry_stream.websocket.connection import Timing
from tests.conftest import eventually, our_threads
from tests.server.service import Service
from tests.websocket.peer import Peer


class Reader:
    """Reads a line at a time; may also stop reading."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self._file.readline()

    def line(self) -> dict[str, Any]:
        """The next line, which must come, and whole."""
        text = self._file.readline()
        assert text.endswith(b"\n"), text
        line: dict[str, Any] = json.loads(text)
        return line

    def rest(self) -> bytes:
        """All until the end of the stream."""
        return self._file.read()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.sock.close()


@contextmanager
def reading(
    service: Service, query: str = "", *, buffer_bytes: int | None = None
) -> Iterator[Reader]:
    """A reader of ``/api/v1/stream``."""
    sock = socket.socket()
    sock.settimeout(10)
    if buffer_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.connect(service.address)
    sock.sendall(f"GET /api/v1/stream{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    reader = Reader(sock)
    try:
        yield reader
    finally:
        reader.close()


def test_framing() -> None:
    """A message is a line, and so is one in pieces."""
    assert FRAMING.message(b"{}") == b"{}\n"
    assert list(FRAMING.pieces([b"[1,", b"2]"])) == [b"[1,", b"2]", b"\n"]


def test_reader_gets_hello_and_consecutive_samples() -> None:
    """One thread serves it, with a name of its own."""
    with Service() as service:
        service.publish()
        before = our_threads()
        with reading(service) as reader:
            assert reader.head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Content-Type: application/x-ndjson\r\n" in reader.head
            assert b"Cache-Control: no-store\r\n" in reader.head
            assert b"Connection: close\r\n" in reader.head
            assert b"Transfer-Encoding" not in reader.head
            assert reader.line()["type"] == "hello"
            assert reader.line()["seq"] == 1
            service.publish(5)
            assert [reader.line()["seq"] for _ in range(5)] == [2, 3, 4, 5, 6]
            assert [thread.name for thread in our_threads() - before] == ["ts-lines1"]
            (entry,) = service.viewers.report()
            assert entry["kind"] == "lines"


def test_reader_gets_what_it_asks_for() -> None:
    """History, sections and every, as a WebSocket viewer does; a long history is one line."""
    with Service() as service:
        service.publish(50, pad=10_000)
        with reading(service, "?history=600&sections=pad&every=10") as reader:
            assert reader.line()["sections"] == ["pad"]
            assert [s["seq"] for s in reader.line()["samples"]] == [10, 20, 30, 40, 50]
            service.publish(20)
            assert [reader.line()["seq"] for _ in range(2)] == [60, 70]
        with reading(service, f"?since=48&stream={service.stream.id}") as reader:
            assert reader.line()["seq"] == 70
            assert [s["seq"] for s in reader.line()["samples"]] == list(range(49, 71))


def test_stalled_reader_is_evicted(caplog: pytest.LogCaptureFixture) -> None:
    """At the write deadline, with the reason in the log and in the counters; the others lose nothing."""
    caplog.set_level(logging.INFO, "telemetry_stream")
    with (
        Service(timing=Timing(write=0.1), grace_seconds=0.01) as service,
        reading(service, buffer_bytes=4096),
        reading(service) as fast,
    ):
        assert fast.line()["type"] == "hello"
        while not service.hub.stats().ended:
            seq = service.publish(pad=64 * 1024)
            assert fast.line()["seq"] == seq
        assert service.hub.stats().ended == {"too slow": 1}
        assert eventually(lambda: "ended: too slow" in caplog.text)
        assert "viewer lines1 127.0.0.1:" in caplog.text
        seq = service.publish()
        assert fast.line()["seq"] == seq


def test_reader_that_left_is_noticed_at_the_next_frames() -> None:
    """The first is answered with a reset, the second fails."""
    with Service() as service:
        with reading(service) as reader:
            assert reader.line()["type"] == "hello"
        assert eventually(lambda: service.publish() and service.hub.stats().ended == {"gone": 1})
        assert service.viewers.wait_until_gone(10)
        assert service.viewers.report() == []


@pytest.mark.parametrize("last_words", [b"", b"GET / HTTP/1.1\r\n\r\n" * 500])
def test_reader_that_left_is_noticed_without_a_frame(
    monkeypatch: pytest.MonkeyPatch, last_words: bytes
) -> None:
    """Its place is free at the next looks, however rare its samples are and whatever it has said."""
    monkeypatch.setattr(lines, "LOOK_SECONDS", 0.02)
    with Service(limit=1) as service:
        with reading(service, "?every=3600") as reader:
            assert reader.line()["type"] == "hello"
            reader.sock.sendall(last_words)
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"gone": 1}
        with reading(service) as reader:
            assert reader.line()["type"] == "hello"


def test_reader_that_is_there_outlives_the_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that has sent something, and reads only later."""
    looks: list[int] = []
    enough = threading.Event()
    recv = Transport.recv

    def counted(self: Transport, n: int, deadline: float) -> bytes:
        if n == lines.LOOK_BYTES:
            looks.append(n)
            if len(looks) > 3:
                enough.set()
        return recv(self, n, deadline)

    monkeypatch.setattr(Transport, "recv", counted)
    monkeypatch.setattr(lines, "LOOK_SECONDS", 0.01)
    with Service() as service, reading(service) as reader:
        reader.sock.sendall(b"hello?")
        assert enough.wait(10)
        service.publish(3)
        assert reader.line()["type"] == "hello"
        assert [reader.line()["seq"] for _ in range(3)] == [1, 2, 3]


def test_what_a_reader_sends_is_no_request() -> None:
    """It is answered nothing, and disturbs nothing."""
    with Service() as service, reading(service) as reader:
        assert reader.line()["type"] == "hello"
        reader.sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        service.publish(3)
        assert [reader.line()["seq"] for _ in range(3)] == [1, 2, 3]


def test_shutdown_ends_the_stream() -> None:
    """After the last whole line."""
    with Service() as service, reading(service) as reader:
        assert reader.line()["type"] == "hello"
        service.publish(3)
        service.hub.close()
        rest = reader.rest()
        seqs = [json.loads(line)["seq"] for line in rest.splitlines()]
        assert seqs == [1, 2, 3][: len(seqs)]  # what waited in its queue is given up
        assert rest.endswith(b"\n") or not seqs
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"going away": 1}


def test_head_has_no_stream() -> None:
    """It says of what type the stream is, takes no place, and checks the query."""
    with Service(limit=1) as service, Peer(service.address):
        head = service.ask("/api/v1/stream", "HEAD")
        assert head.status == 200
        assert head.headers["Content-Type"] == "application/x-ndjson"
        assert head.headers["Cache-Control"] == "no-store"
        assert service.ask("/api/v1/stream?every=0", "HEAD").status == 400
