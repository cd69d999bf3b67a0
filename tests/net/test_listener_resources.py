"""A listener that is out of memory, descriptors or threads, or whose new connection is already gone."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from telemetry_stream.net import listener as listener_module
from telemetry_stream.net import refuser as refuser_module
from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.listener import ListenerStats
from tests.conftest import eventually
from tests.net import descriptors
from tests.net.conversation import HOST, statuses
from tests.net.listening import (
    FailingSocket,
    connect,
    hold,
    is_asleep,
    is_reset,
    listening,
    make_listener,
    thread_named,
)
from tests.net.pairs import read_exactly, read_to_end, soon
from tests.net.tls_pairs import CONTEXT


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the errors in the log."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


def out_of(code: int) -> str:
    """Return the line in the log for this error number."""
    return f"Cannot accept new connections: [Errno {code}] {os.strerror(code)}"


@pytest.mark.parametrize("code", [errno.ENOBUFS, errno.ENOMEM])
def test_loop_backs_off_while_there_is_no_memory(
    code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It waits between tries, logs one line, and then continues."""
    monkeypatch.setattr(listener_module, "BACK_OFF_SECONDS", 0.02)
    began = time.monotonic()
    with listening(hold, FailingSocket(*[code] * 3)) as listener, connect(listener) as client:
        assert read_exactly(client, 9) == b"ts-conn0\n"
    assert time.monotonic() - began >= 3 * 0.02
    assert errors(caplog) == [out_of(code)]


def test_lingering_sockets_are_closed_when_there_is_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They may use what a new connection needs."""
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 60.0)
    sock = FailingSocket()
    with listening(hold, sock, max_connections=0) as listener, connect(listener) as refused:
        assert statuses(read_to_end(refused)) == [503]
        sock.codes.append(errno.ENOMEM)
        with connect(listener):
            assert eventually(lambda: is_reset(refused))


def test_stopping_ends_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An accept loop that waits for memory ends at once, after a single try."""
    monkeypatch.setattr(listener_module, "BACK_OFF_SECONDS", 60.0)
    sock = FailingSocket(*[errno.ENOMEM] * 1000)
    began = time.monotonic()
    with listening(hold, sock) as listener, connect(listener):
        pass
    assert time.monotonic() - began < 5
    assert sock.accepts <= 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
def test_connection_without_a_descriptor_is_answered_503(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """By means of the reserved descriptor; the next connection is served if there is a descriptor again."""
    listener = make_listener(hold, FailingSocket(code))
    with connect(listener) as unlucky, connect(listener) as lucky:
        listener.start()
        answer = read_to_end(unlucky)
        assert statuses(answer) == [503]
        assert answer.endswith(b'{"error": "Server is out of resources"}')
        assert read_exactly(lucky, 9) == b"ts-conn0\n"
        assert listener.stats() == ListenerStats(open=1, accepted=1, refused=1, crashed=0)
    assert listener.close(soon())
    assert errors(caplog) == [out_of(code)]


def test_loop_backs_off_without_the_reserved_descriptor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It waits between tries, and the connection in the backlog is served in the end."""
    monkeypatch.setattr(listener_module, "BACK_OFF_SECONDS", 0.02)
    sock = FailingSocket(*[errno.EMFILE] * 6)  # each try accepts without and with the reserve
    listener = make_listener(hold, sock)
    began = time.monotonic()
    with connect(listener) as client:
        listener.start()
        assert read_exactly(client, 9) == b"ts-conn0\n"
    assert time.monotonic() - began >= 3 * 0.02
    assert listener.close(soon())
    assert listener.stats().refused == 0
    assert len(errors(caplog)) == 1


def test_nothing_is_refused_while_no_connection_is_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """accept(2) needs a descriptor even then. A connection that arrives later finds one, and is served."""
    sock = FailingSocket(errno.EMFILE)
    with listening(hold, sock) as listener:
        assert eventually(lambda: sock.accepts == 1 and is_asleep(thread_named("ts-accept")))
        with connect(listener) as client:
            assert read_exactly(client, 9) == b"ts-conn0\n"
        assert listener.stats().refused == 0
    assert not errors(caplog)


def test_process_at_its_limit_of_descriptors(caplog: pytest.LogCaptureFixture) -> None:
    """Every new connection is answered 503, an open one stays, and later new ones are served again."""
    with listening(hold) as listener, connect(listener) as open_, ExitStack() as stack:
        read_exactly(open_, 9)
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
    assert len(errors(caplog)) == 1


def test_descriptors_of_lingering_sockets_are_used_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is served, not refused, if closing a refused one frees a descriptor."""
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 60.0)
    limit = PerAddress(1, is_exempt=lambda _: False)
    with listening(hold, per_address=limit) as listener, socket.socket() as third:
        with connect(listener) as first, connect(listener) as second:
            read_exactly(first, 9)
            assert statuses(read_to_end(second)) == [429]
            limit.limit = 2
            third.settimeout(10)
            with descriptors.none_left():
                third.connect(listener.address)
                assert read_exactly(third, 9) == b"ts-conn1\n"
        assert listener.stats().refused == 1


def test_with_tls_a_connection_without_a_descriptor_gets_no_answer() -> None:
    """An answer would have to wait for the handshake, so the connection only ends."""
    listener = make_listener(hold, FailingSocket(errno.EMFILE), ssl_context=CONTEXT)
    with connect(listener) as client:
        listener.start()
        assert read_to_end(client) == b""
    assert listener.close(soon())
    assert listener.stats().refused == 1


def test_errors_of_one_connection_do_not_stop_the_loop() -> None:
    """For example ECONNABORTED: accept(2) reports errors of the new connection too."""
    sock = FailingSocket(errno.ECONNABORTED, errno.EPROTO)
    with listening(hold, sock) as listener, connect(listener) as client:
        assert read_exactly(client, 9) == b"ts-conn0\n"


def test_connection_that_was_reset_in_the_backlog_is_skipped() -> None:
    """It gets no thread, and its slot of the address is released."""
    limit = PerAddress(1, is_exempt=lambda _: False)
    listener = make_listener(hold, per_address=limit)
    with connect(listener) as gone:
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    listener.start()
    with connect(listener) as client:
        assert read_exactly(client, 9) == b"ts-conn0\n"
    assert listener.close(soon())


def refuse_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse a thread to the next connection, as pthread_create(3) does with EAGAIN."""
    start, failures = threading.Thread.start, [RuntimeError("can't start new thread")]

    def starved(self: threading.Thread) -> None:
        if self.name.startswith("ts-conn") and failures:
            raise failures.pop()
        start(self)

    monkeypatch.setattr(threading.Thread, "start", starved)


def test_connection_without_a_thread_is_answered_503(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not counted as accepted, its slot of the address is released, and the next connection is served."""
    limit = PerAddress(1, is_exempt=lambda _: False)
    refuse_one_thread(monkeypatch)
    with listening(hold, per_address=limit) as listener:
        with connect(listener) as unlucky:
            unlucky.sendall(b"GET /" + HOST)
            assert statuses(read_exactly(unlucky, 500)) == [503]
        with connect(listener) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn0\n"
            assert listener.stats() == ListenerStats(open=1, accepted=1, refused=1, crashed=0)
    assert errors(caplog) == ["Cannot accept new connections: the system is out of threads"]


def test_connection_without_a_thread_lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its descriptor is not needed. If it were closed with the request unread, its client would get a reset."""
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 60.0)
    refuse_one_thread(monkeypatch)
    listener = make_listener(hold)
    with connect(listener) as unlucky:
        unlucky.sendall(b"GET /" + HOST)
        listener.start()
        with connect(listener) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn0\n"
        unlucky.sendall(b"more")  # after a reset this would fail
        assert statuses(read_exactly(unlucky, 500)) == [503]
    assert listener.close(soon())


@contextmanager
def hanging_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let Thread.start hang for connections, as it does when the new thread dies early. Yields an event for that."""
    hung, release = threading.Event(), threading.Event()
    start = threading.Thread.start

    def hang(self: threading.Thread) -> None:
        if self.name.startswith("ts-conn"):
            hung.set()
            assert release.wait(10)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", hang)
    try:
        yield hung
    finally:
        release.set()


def test_thread_that_never_starts_blocks_neither_counts_nor_close(
    monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    """CPython waits for it indefinitely when there is no memory, so no lock may be held in the meantime."""
    with (
        listening(hold) as listener,
        hanging_threads(monkeypatch) as hung,
        connect(listener),
    ):
        assert hung.wait(10)
        assert pool.submit(listener.stats).result(10).open == 1
        assert listener.stuck_seconds() > 0
        assert listener.close(time.monotonic())


def test_accept_loop_is_not_stuck_between_two_connections() -> None:
    """Only the start of one connection counts, not the connection itself."""
    with listening(hold) as listener, connect(listener) as one, connect(listener) as two:
        for client in (one, two):
            read_exactly(client, 9)
        assert eventually(lambda: listener.stuck_seconds() == 0)
