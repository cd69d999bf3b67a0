"""The open connections: a thread for each, crashes of handlers, and a close that waits no longer than its deadline."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from telemetry_stream import threads
from telemetry_stream.net import connections as connections_module
from telemetry_stream.net import transport as transport_module
from telemetry_stream.net.connections import Connections, Counts
from telemetry_stream.net.transport import Transport
from tests.conftest import eventually
from tests.net.listening import hold
from tests.net.pairs import read_exactly, soon, tcp_pair


@contextmanager
def serving(handle: Callable[[Transport], object]) -> Iterator[Connections]:
    """Serve connections, and end all of them after the block."""
    connections = Connections(handle)
    try:
        yield connections
    finally:
        assert connections.close(soon())


def opened(connections: Connections, on_end: Callable[[], object] = lambda: None) -> socket.socket:
    """Start a connection, and return its client."""
    accepted, client = tcp_pair()
    connections.start(Transport(accepted), on_end)
    return client


def test_each_connection_has_a_thread_with_its_number() -> None:
    """And is counted while it is open."""
    ended: queue.SimpleQueue[str] = queue.SimpleQueue()
    with serving(hold) as connections:
        with opened(connections, lambda: ended.put("one")) as one, opened(connections) as two:
            assert read_exactly(one, 9) == b"ts-conn0\n"
            assert read_exactly(two, 9) == b"ts-conn1\n"
            assert connections.counts() == Counts(open=2, started=2, crashed=0)
        assert ended.get(timeout=10) == "one"
        assert eventually(lambda: connections.counts() == Counts(open=0, started=2, crashed=0))


def test_crash_of_a_handler_ends_its_own_connection_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged and counted, its client gets the end of the stream, and the next connection is served."""
    faults: list[Exception] = [LookupError("on purpose")]

    def handle(transport: Transport) -> None:
        if faults:
            raise faults.pop()
        hold(transport)

    with serving(handle) as connections:
        with opened(connections) as unlucky:
            assert unlucky.recv(1) == b""
        with opened(connections) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn1\n"
        assert connections.counts().crashed == 1
    assert "LookupError: on purpose" in caplog.text


def test_connection_without_a_thread_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count, and its owner can still answer it."""

    def start(*_: object) -> threading.Thread:
        raise threads.ThreadUnavailableError("no memory")

    accepted, client = tcp_pair()
    ended: list[str] = []
    with accepted, client, serving(hold) as connections, monkeypatch.context() as patched:
        patched.setattr(threads, "start", start)
        with pytest.raises(threads.ThreadUnavailableError):
            connections.start(Transport(accepted), lambda: ended.append("on_end"))
        accepted.send(b"answer")
        assert client.recv(100) == b"answer"
        assert connections.counts() == Counts(open=0, started=0, crashed=0)
    assert ended == []


def test_close_does_not_wait_beyond_its_deadline_for_a_stuck_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log names a handler that does not return; its client is disconnected all the same."""
    stuck, release = threading.Event(), threading.Event()

    def handle(transport: Transport) -> None:
        stuck.set()
        release.wait(30)

    with serving(handle) as connections, opened(connections) as client:
        assert stuck.wait(10)
        began = time.monotonic()
        assert not connections.close(soon(0.1))
        assert time.monotonic() - began < 5
        assert client.recv(1) == b""
        expected = "1 connections did not end in time, for example ts-conn0 (127.0.0.1:"
        assert expected in caplog.text
        release.set()


def test_answer_in_progress_is_sent_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is loading while the server stops gets whole files."""
    monkeypatch.setattr(connections_module, "ANSWER_SECONDS", 60.0)
    answer = b"x" * 4_000_000  # more than the buffers of both sides
    sending = threading.Event()

    def handle(transport: Transport) -> None:
        sending.set()
        transport.send(answer, soon())

    with (
        serving(handle) as connections,
        opened(connections) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        assert sending.wait(10)
        closed = pool.submit(connections.close, soon())
        with pytest.raises(TimeoutError):  # it waits for the client, which begins to read now
            closed.result(timeout=0.1)
        with client.makefile("rb") as received:
            assert len(received.read()) == len(answer)
        assert closed.result()


def test_answer_that_nobody_reads_is_ended_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not read cannot delay the end of the program until the deadline."""
    monkeypatch.setattr(connections_module, "ANSWER_SECONDS", 0.05)
    sending = threading.Event()

    def handle(transport: Transport) -> None:
        sending.set()
        transport.send(b"x" * 4_000_000, soon(60))

    with serving(handle) as connections, opened(connections):
        assert sending.wait(10)
        assert connections.close(soon(30))


def test_connection_that_waits_for_a_request_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for answers is not waited for if nothing is answered."""
    monkeypatch.setattr(connections_module, "ANSWER_SECONDS", 60.0)
    with serving(hold) as connections, opened(connections) as client:
        read_exactly(client, 9)
        began = time.monotonic()
        assert connections.close(soon(30))
        assert time.monotonic() - began < 10


def test_graceful_close_of_one_connection_does_not_delay_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that keeps its side open is waited for; the thread of the next connection ends in the meantime."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 60.0)
    with serving(lambda _: None) as connections, opened(connections) as staying:
        assert staying.recv(1) == b""
        with opened(connections) as leaving:
            assert leaving.recv(1) == b""
        assert eventually(lambda: connections.counts() == Counts(open=1, started=2, crashed=0))
