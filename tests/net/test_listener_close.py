"""The end of a listener: first no new connections, then a close that waits no longer than its deadline."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net import listener as listener_module
from telemetry_stream.net import transport as transport_module
from telemetry_stream.net.transport import Transport
from tests.conftest import eventually
from tests.net.listening import connect, hold, listening, make_listener
from tests.net.pairs import held_port, read_exactly, soon


def test_stop_accepting_leaves_open_connections_unchanged() -> None:
    """So there is time to end them gracefully before close."""
    with (
        held_port() as port,
        listening(hold, ("127.0.0.1", port)) as listener,
        connect(listener) as client,
    ):
        read_exactly(client, 9)
        listener.stop_accepting()
        listener.stop_accepting()
        with pytest.raises(ConnectionRefusedError):
            connect(listener)
        assert listener.stats().open == 1
        assert listener.close(soon())
        assert client.recv(1) == b""


def test_close_does_not_wait_beyond_its_deadline_for_a_stuck_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log names a handler that does not return; its client is disconnected all the same."""
    stuck, release = threading.Event(), threading.Event()

    def handle(transport: Transport) -> None:
        stuck.set()
        release.wait(30)

    listener = make_listener(handle)
    listener.start()
    with connect(listener) as client:
        assert stuck.wait(10)
        began = time.monotonic()
        assert not listener.close(soon(0.1))
        assert time.monotonic() - began < 5
        assert client.recv(1) == b""
        expected = "1 connections did not end in time, for example ts-conn0 (127.0.0.1:"
        assert expected in caplog.text
        release.set()
        assert listener.close(soon())


def test_answer_in_progress_is_sent_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is loading while the server stops gets whole files."""
    monkeypatch.setattr(listener_module, "ANSWER_SECONDS", 60.0)
    answer = b"x" * 4_000_000  # more than the buffers of both sides
    sending = threading.Event()

    def handle(transport: Transport) -> None:
        sending.set()
        transport.send(answer, soon())

    listener = make_listener(handle)
    listener.start()
    with connect(listener) as client, ThreadPoolExecutor(1) as pool:
        assert sending.wait(10)
        closed = pool.submit(listener.close, soon())
        with client.makefile("rb") as received:
            assert len(received.read()) == len(answer)
        assert closed.result()


def test_answer_that_nobody_reads_is_ended_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not read cannot delay the end of the program until the deadline."""
    monkeypatch.setattr(listener_module, "ANSWER_SECONDS", 0.05)
    sending = threading.Event()

    def handle(transport: Transport) -> None:
        sending.set()
        transport.send(b"x" * 4_000_000, soon(60))

    listener = make_listener(handle)
    listener.start()
    with connect(listener):
        assert sending.wait(10)
        assert listener.close(soon(30))


def test_connection_that_waits_for_a_request_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for answers is not waited for if nothing is answered."""
    monkeypatch.setattr(listener_module, "ANSWER_SECONDS", 60.0)
    listener = make_listener(hold)
    listener.start()
    with connect(listener) as client:
        read_exactly(client, 9)
        began = time.monotonic()
        assert listener.close(soon(30))
        assert time.monotonic() - began < 10


def test_graceful_close_of_one_connection_does_not_delay_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that keeps its side open is waited for; the thread of the next connection ends in the meantime."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 60.0)
    with listening(lambda _: None) as listener, connect(listener) as staying:
        assert staying.recv(1) == b""
        with connect(listener) as leaving:
            assert leaving.recv(1) == b""
        assert eventually(lambda: listener.stats().accepted == 2 and listener.stats().open == 1)


def test_listener_that_was_never_started_closes() -> None:
    """A program that fails between binding and starting leaves nothing open."""
    assert make_listener(hold).close(soon())
