"""A listener in want: of memory, of descriptors, of threads, or of the peer that was in its backlog."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from telemetry_stream import threads
from telemetry_stream.net import listener as listener_module
from telemetry_stream.net import refuser as refuser_module
from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.listener import Listener, ListenerStats
from telemetry_stream.net.tls_context import server_context
from tests.net import descriptors
from tests.net.conversation import HOST, statuses
from tests.net.listening import Troubled, connect, hold, listening
from tests.net.pairs import CERTIFICATE, read_exactly, read_to_end, soon


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The errors in the log."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize("code", [errno.ENOBUFS, errno.ENOMEM])
def test_exhausted_system_neither_spins_nor_kills(
    code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop sleeps between tries, says so once, and then goes on."""
    monkeypatch.setattr(listener_module, "CALM_SECONDS", 0.02)
    sock = Troubled(*[OSError(code, os.strerror(code))] * 3)
    began = time.monotonic()
    with listening(hold, sock) as listener, connect(listener) as client:
        assert read_exactly(client, 9) == b"ts-conn0\n"
    assert time.monotonic() - began >= 3 * 0.02
    assert complaints(caplog) == [
        f"cannot take new connections for now: [Errno {code}] {os.strerror(code)}"
    ]


def test_stopping_does_not_wait_for_the_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """An accept loop that sleeps for want of memory ends at once, after a single try."""
    monkeypatch.setattr(listener_module, "CALM_SECONDS", 60.0)
    sock = Troubled(*[OSError(errno.ENOMEM, "out of memory")] * 1000)
    began = time.monotonic()
    with listening(hold, sock) as listener, connect(listener):
        pass
    assert time.monotonic() - began < 5
    assert sock.accepts <= 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
def test_lack_of_descriptors_is_answered(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """With 503 by the one in reserve; whoever comes when there is one again is served."""
    listener = Listener(Troubled(OSError(code, os.strerror(code))), hold)
    with connect(listener) as unlucky, connect(listener) as lucky:
        listener.start()
        assert statuses(read_to_end(unlucky)) == [503]
        assert read_exactly(lucky, 9) == b"ts-conn0\n"
        assert listener.stats() == ListenerStats(open=1, accepted=1, refused=1, crashed=0)
    assert listener.close(soon())
    assert complaints(caplog) == [
        f"cannot take new connections for now: [Errno {code}] {os.strerror(code)}"
    ]


def test_lack_of_even_the_descriptor_in_reserve(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop sleeps between tries, and who has waited in the backlog is served in the end."""
    monkeypatch.setattr(listener_module, "CALM_SECONDS", 0.02)
    lack = OSError(errno.EMFILE, "out of descriptors")
    listener = Listener(Troubled(*[lack] * 6), hold)  # each turn tries with and without the reserve
    began = time.monotonic()
    with connect(listener) as client:
        listener.start()
        assert read_exactly(client, 9) == b"ts-conn0\n"
    assert time.monotonic() - began >= 3 * 0.02
    assert listener.close(soon())
    assert listener.stats().refused == 0
    assert len(complaints(caplog)) == 1


def test_lack_of_descriptors_is_nothing_while_nobody_comes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Accept asks for a descriptor first; the one who comes later finds one, and is served."""
    sleeps, wait = threading.Event(), Listener._wait_for_somebody

    def wait_and_tell(*arguments: Any) -> None:
        sleeps.set()
        wait(*arguments)

    monkeypatch.setattr(Listener, "_wait_for_somebody", wait_and_tell)
    sock = Troubled(OSError(errno.EMFILE, "out of descriptors"))
    with listening(hold, sock) as listener:
        assert sleeps.wait(10)
        with connect(listener) as client:
            assert read_exactly(client, 9) == b"ts-conn0\n"
        assert listener.stats().refused == 0
    assert not complaints(caplog)


def test_real_lack_of_descriptors(caplog: pytest.LogCaptureFixture) -> None:
    """With the process at its limit all who come get 503, who is there stays, and then all are served again."""
    with listening(hold) as listener, connect(listener) as honest, ExitStack() as stack:
        read_exactly(honest, 9)
        clients = [stack.enter_context(socket.socket()) for _ in range(20)]
        with descriptors.none_left():
            for client in clients[:-1]:
                client.settimeout(10)
                client.connect(listener.address)
                client.sendall(b"GET /" + HOST)
                assert statuses(read_exactly(client, 500)) == [503]
        clients[-1].connect(listener.address)
        assert read_exactly(clients[-1], 9) == b"ts-conn1\n"
        assert listener.stats() == ListenerStats(open=2, accepted=2, refused=19, crashed=0)
    assert len(complaints(caplog)) == 1


def test_those_that_linger_give_their_descriptors_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who can be served with one of theirs is not refused."""
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 60.0)
    places = PerAddress(1, is_exempt=lambda _: False)
    with listening(hold, per_address=places) as listener, socket.socket() as third:
        with connect(listener) as first, connect(listener) as second:
            read_exactly(first, 9)
            assert statuses(read_to_end(second)) == [429]
            places.limit = 2
            third.settimeout(10)
            with descriptors.none_left():
                third.connect(listener.address)
                assert read_exactly(third, 9) == b"ts-conn1\n"
        assert listener.stats().refused == 1


def test_lack_of_descriptors_under_tls() -> None:
    """Nobody waits for a handshake: the connection ends without an answer."""
    lack = OSError(errno.EMFILE, "out of descriptors")
    context = server_context(str(CERTIFICATE), str(CERTIFICATE))
    listener = Listener(Troubled(lack), hold, ssl_context=context)
    with connect(listener) as client:
        listener.start()
        assert read_to_end(client) == b""
    assert listener.close(soon())
    assert listener.stats().refused == 1


def test_connection_that_died_in_the_backlog_is_skipped() -> None:
    """ECONNABORTED says something of one connection and nothing of the next."""
    sock = Troubled(
        ConnectionAbortedError(errno.ECONNABORTED, "gone"), OSError(errno.EPROTO, "odd")
    )
    with listening(hold, sock) as listener, connect(listener) as client:
        assert read_exactly(client, 9) == b"ts-conn0\n"


def test_connection_that_was_reset_in_the_backlog_is_skipped() -> None:
    """A socket without a peer is dropped before it gets a thread."""
    listener = Listener(("127.0.0.1", 0), hold)
    with connect(listener) as gone:
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    listener.start()
    with connect(listener) as client:
        assert read_exactly(client, 9) == b"ts-conn0\n"
    assert listener.close(soon())


def lack_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system have none for the next connection, and then again as many as are wanted."""
    start, failures = threads.start, [RuntimeError("can't start new thread")]

    def starved(name: str, *args: Any, **kwargs: Any) -> threading.Thread:
        if name.startswith("ts-conn") and failures:
            raise failures.pop()
        return start(name, *args, **kwargs)

    monkeypatch.setattr(threads, "start", starved)


def test_threads_that_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is refused like one too many, has its address's place no longer, and the next one is served."""
    places = PerAddress(1, is_exempt=lambda _: False)
    lack_one_thread(monkeypatch)
    with listening(hold, per_address=places) as listener:
        with connect(listener) as unlucky:
            unlucky.sendall(b"GET /" + HOST)
            assert statuses(read_exactly(unlucky, 500)) == [503]
        with connect(listener) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn0\n"
            assert listener.stats() == ListenerStats(open=1, accepted=1, refused=1, crashed=0)
    assert "can't start new thread" in caplog.text


def test_who_is_refused_for_want_of_a_thread_may_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is no descriptor too many; closed with the request unread it would be reset."""
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 60.0)
    lack_one_thread(monkeypatch)
    listener = Listener(("127.0.0.1", 0), hold)
    with connect(listener) as unlucky:
        unlucky.sendall(b"GET /" + HOST)
        listener.start()
        with connect(listener) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn0\n"
        unlucky.sendall(b"more")  # would be a broken pipe
        assert statuses(read_exactly(unlucky, 500)) == [503]
    assert listener.close(soon())


def test_a_thread_that_never_begins_keeps_nobody_from_the_counts_or_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CPython waits for its word without end where memory is out: no lock may be held meanwhile."""
    hung, let_go = threading.Event(), threading.Event()
    start = threads.start

    def never_begins(name: str, target: Callable[..., object], *args: Any, **rest: Any) -> Any:
        if name.startswith("ts-conn"):
            hung.set()
            assert let_go.wait(10)
        return start(name, target, *args, **rest)

    monkeypatch.setattr(threads, "start", never_begins)
    with listening(hold) as listener, connect(listener):
        try:
            assert hung.wait(10)
            assert listener._lock.acquire(timeout=10)
            listener._lock.release()
            assert listener.stats().open == 1
            assert listener.stuck_seconds() > 0
            assert listener.close(time.monotonic())
        finally:
            let_go.set()
