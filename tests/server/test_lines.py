"""JSON lines over plain HTTP, as ``curl -N`` reads them: the same hub and the same guarantee."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End
from telemetry_stream.net.transport import Transport
from telemetry_stream.server import lines
from telemetry_stream.server.lines import FRAMING
from telemetry_stream.websocket.connection import Timing
from tests.conftest import eventually, our_threads
from tests.net.pairs import tcp_pair
from tests.server.service import Service
from tests.websocket.peer import Peer


class Reader:
    """Reads one line at a time, and may stop reading."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self._file.readline()

    def line(self) -> dict[str, Any]:
        """Return the next line, which must be complete."""
        text = self._file.readline()
        assert text.endswith(b"\n"), text
        line: dict[str, Any] = json.loads(text)
        return line

    def rest(self) -> bytes:
        """Return everything until the end of the stream."""
        return self._file.read()

    def close(self) -> None:
        """Disconnect."""
        self._file.close()
        self.sock.close()


@contextmanager
def reading(
    service: Service, query: str = "", *, buffer_bytes: int | None = None
) -> Iterator[Reader]:
    """Connect a reader to ``/api/v1/stream``."""
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


def test_a_message_is_one_line() -> None:
    """Also a message in pieces."""
    assert FRAMING.message(b"{}") == b"{}\n"
    assert list(FRAMING.pieces([b"[1,", b"2]"])) == [b"[1,", b"2]", b"\n"]


def test_a_reader_gets_hello_and_consecutive_samples() -> None:
    """It has one thread, with a name of its own."""
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
            (entry,) = service.report()
            assert entry["kind"] == "lines"


def test_the_name_of_the_thread_stays_within_15_bytes() -> None:
    """Whatever the viewer's number: threads.start refuses longer names."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        transport = Transport(ours)
        client = Client(transport.try_send)
        thread = threads.start(
            "ts-conn1",
            partial(lines.serve, transport, client, number=123_456_789, timing=Timing()),
        )
        assert eventually(lambda: thread.name == "ts-lines6789")
        client.close(End.GOING_AWAY)
        thread.join(10)


def test_a_reader_gets_what_its_query_selects() -> None:
    """History, sections and every, as for a WebSocket. A long history is one line."""
    with Service() as service:
        service.publish(50, pad=10_000)
        with reading(service, "?history=600&sections=pad&every=10") as reader:
            assert reader.line()["sections"] == ["pad"]
            assert [s["seq"] for s in reader.line()["samples"]] == [10, 20, 30, 40, 50]
            service.publish(20)
            assert [reader.line()["seq"] for _ in range(2)] == [60, 70]
        with reading(service, f"?since=48&stream={service.feed.id}") as reader:
            assert reader.line()["seq"] == 70
            assert [s["seq"] for s in reader.line()["samples"]] == list(range(49, 71))


def test_a_stalled_reader_is_evicted(caplog: pytest.LogCaptureFixture) -> None:
    """At the write deadline. The log and the counters have the reason, and other readers lose nothing."""
    caplog.set_level(logging.INFO, "telemetry_stream")
    with (
        Service(timing=Timing(write=0.1)) as service,
        reading(service, buffer_bytes=4096),
        reading(service) as fast,
    ):
        assert fast.line()["type"] == "hello"
        while not service.hub.stats().ended:
            seq = service.publish(pad=64 * 1024)
            assert fast.line()["seq"] == seq
        assert service.hub.stats().ended == {"too slow": 1}
        assert eventually(lambda: "ended: too slow" in caplog.text)
        assert "Viewer lines1 127.0.0.1:" in caplog.text
        seq = service.publish()
        assert fast.line()["seq"] == seq


def test_the_end_of_a_reader_is_noticed_at_the_next_frames() -> None:
    """Its kernel answers the first frame with a reset, so writing the second one fails."""
    with Service() as service:
        with reading(service) as reader:
            assert reader.line()["type"] == "hello"
        assert eventually(lambda: service.publish() and service.hub.stats().ended == {"gone": 1})
        assert service.viewers.wait_until_gone(10)
        assert service.report() == []


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n\r\n" * 500])
def test_the_end_of_a_reader_is_noticed_without_a_frame(data: bytes) -> None:
    """The next probes find it, however rare its samples are and whatever it has sent before. Its slot is free then."""
    with Service(limit=1, timing=Timing(probe=0.02)) as service:
        with reading(service, "?every=3600") as reader:
            assert reader.line()["type"] == "hello"
            reader.sock.sendall(data)
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"gone": 1}
        with reading(service) as reader:
            assert reader.line()["type"] == "hello"


class CountingTransport(Transport):
    """Counts the probes."""

    probes = 0

    def recv(self, n: int, deadline: float) -> bytes:
        self.probes += 1
        return super().recv(n, deadline)


def test_a_silent_reader_survives_the_probes() -> None:
    """It is connected, and has nothing to send."""
    ours, theirs = tcp_pair()
    with ours, theirs:
        transport = CountingTransport(ours)
        client = Client(transport.try_send)
        thread = threads.start(
            "ts-conn1",
            partial(lines.serve, transport, client, number=1, timing=Timing(probe=0.001)),
        )
        assert eventually(lambda: transport.probes > 3)
        assert client.end is None
        client.close(End.GOING_AWAY)
        thread.join(10)


def test_a_reader_that_sends_survives_the_probes() -> None:
    """They discard its input, and it still gets every sample."""
    with Service(timing=Timing(probe=0.001)) as service, reading(service) as reader:
        assert reader.line()["type"] == "hello"
        reader.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        # More than the buffers hold, so the server must read it.
        reader.sock.sendall(bytes(1 << 20))
        service.publish(3)
        assert [reader.line()["seq"] for _ in range(3)] == [1, 2, 3]


def test_the_input_of_a_reader_is_not_a_request() -> None:
    """It is not answered, and does not disturb the stream."""
    with Service() as service, reading(service) as reader:
        assert reader.line()["type"] == "hello"
        reader.sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        service.publish(3)
        assert [reader.line()["seq"] for _ in range(3)] == [1, 2, 3]


def test_a_shutdown_ends_the_stream_after_a_whole_line() -> None:
    """Frames that still wait in the queue may be missing."""
    with Service() as service, reading(service) as reader:
        assert reader.line()["type"] == "hello"
        service.publish(3)
        service.hub.close()
        rest = reader.rest()
        seqs = [json.loads(line)["seq"] for line in rest.splitlines()]
        assert seqs == [1, 2, 3][: len(seqs)]
        assert rest.endswith(b"\n") or not seqs
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"going away": 1}


def test_head_takes_no_slot() -> None:
    """It has the headers of the stream and checks the query."""
    with Service(limit=1) as service, Peer(service.address):
        head = service.ask("/api/v1/stream", "HEAD")
        assert head.status == 200
        assert head.headers["Content-Type"] == "application/x-ndjson"
        assert head.headers["Cache-Control"] == "no-store"
        assert service.ask("/api/v1/stream?every=0", "HEAD").status == 400
