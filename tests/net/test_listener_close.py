"""The end of a listener: no newcomers first, and then a close that waits for nobody too long."""

from __future__ import annotations

import threading
import time

import pytest

from telemetry_stream.net.listener import Listener
from telemetry_stream.net.transport import Transport
from tests.net.listening import connect, hold, listening
from tests.net.pairs import read_exactly, soon


def test_stop_accepting_leaves_open_connections_alone() -> None:
    """First no newcomers, then time for polite ends, then close."""
    with listening(hold) as listener, connect(listener) as client:
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
    """A handler that hangs elsewhere is named in the log; the others have ended."""
    stuck, release = threading.Event(), threading.Event()

    def handle(transport: Transport) -> None:
        stuck.set()
        release.wait(30)

    listener = Listener(("127.0.0.1", 0), handle)
    listener.start()
    with connect(listener) as client:
        assert stuck.wait(10)
        began = time.monotonic()
        assert not listener.close(soon(0.1))
        assert time.monotonic() - began < 5
        assert client.recv(1) == b""
        assert "1 connections did not end in time, such as ts-conn0 (127.0.0.1:" in caplog.text
        release.set()
        assert listener.close(soon())


def test_listener_that_never_started_closes() -> None:
    """A program that fails between binding and starting leaves nothing behind."""
    assert Listener(("127.0.0.1", 0), hold).close(soon())
