"""Listener: limits, calm when the system has nothing left, and an end that waits for nobody too long."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import threads
from telemetry_stream.net import listener as listener_module
from telemetry_stream.net import refuser as refuser_module
from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.http import serve
from telemetry_stream.net.listener import Listener, ListenerStats
from telemetry_stream.net.tls_context import server_context
from telemetry_stream.net.transport import Transport
from tests.net import descriptors
from tests.net.conversation import HOST, echo, statuses
from tests.net.pairs import CERTIFICATE, read_exactly, read_to_end, soon

OTHER_CERTIFICATE = CERTIFICATE.parent / "other.pem"
ROOT = Path(__file__).parent.parent.parent


def hold(transport: Transport) -> None:
    """Say who serves, then keep the connection until it ends."""
    transport.send(threading.current_thread().name.encode() + b"\n", soon())
    while transport.recv(100, soon(60)):
        pass


@contextmanager
def listening(
    handle: Callable[[Transport], object], address: Any = ("127.0.0.1", 0), **options: Any
) -> Iterator[Listener]:
    """A started listener, closed at the end with all its connections."""
    listener = Listener(address, handle, **options)
    listener.start()
    try:
        yield listener
    finally:
        assert listener.close(soon())


def connect(listener: Listener) -> socket.socket:
    """A client of ``listener``."""
    client = socket.create_connection(listener.address, timeout=10)
    client.settimeout(10)
    return client


def has_ipv6() -> bool:
    """Whether ::1 can be bound here; many containers cannot."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class Troubled(socket.socket):
    """A listening socket whose first accepts fail as told."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.errors = list(errors)
        self.accepts = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.accepts += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().accept()


def test_each_connection_has_a_named_thread() -> None:
    """Names fit into the kernel's 15 bytes, and each connection's number is its own."""
    with listening(hold) as listener, connect(listener) as one, connect(listener) as two:
        names = {read_exactly(one, 9), read_exactly(two, 9)}
        assert names == {b"ts-conn0\n", b"ts-conn1\n"}
        assert listener.stats() == ListenerStats(open=2, accepted=2, refused=0, crashed=0)
        assert "open=2" in repr(listener)
    assert listener.stats() == ListenerStats(open=0, accepted=2, refused=0, crashed=0)


def test_accepted_sockets_have_a_small_send_buffer() -> None:
    """A deaf peer must not swallow megabytes before it counts as slow."""
    sizes: list[int] = []

    def handle(transport: Transport) -> None:
        sizes.append(transport._sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))

    with listening(handle) as listener, connect(listener) as client:
        assert client.recv(1) == b""
    assert sizes == [2 * 64 * 1024]


def test_connection_over_the_limit_gets_503_and_a_free_place_is_taken_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The refusal is a whole HTTP answer and a line in the log, and costs the connections that are open nothing."""
    with listening(hold, max_connections=1) as listener:
        with connect(listener) as first:
            read_exactly(first, 9)
            with connect(listener) as second:
                second.sendall(b"GET /" + HOST)
                head, _, body = read_to_end(second).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: ")
            assert f"Content-Length: {len(body)}".encode() in head
            assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
            assert b"\r\nReferrer-Policy: no-referrer\r\n" in head
            assert b"\r\nContent-Security-Policy: default-src 'none'; " in head
            assert json.loads(body) == {"error": "too many connections"}
            thread = next(t for t in threading.enumerate() if t.name == "ts-conn0")
        thread.join(10)
        with connect(listener) as third:
            assert read_exactly(third, 9) == b"ts-conn1\n"
        assert listener.stats().refused == 1
    assert "connection refused: 1 are open, as many as may be" in caplog.text


def test_one_address_may_have_so_many_connections(caplog: pytest.LogCaptureFixture) -> None:
    """429 for one more, and the log says whose; a connection that ends gives its place back."""
    places = PerAddress(1, is_exempt=lambda _: False)
    with listening(hold, per_address=places) as listener:
        with connect(listener) as first:
            read_exactly(first, 9)
            with connect(listener) as second:
                head, _, body = read_to_end(second).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\n")
            assert json.loads(body) == {"error": "too many connections from your address"}
            assert "connection refused: 127.0.0.1 has 1, as many as one address may" in caplog.text
            assert listener.stats().refused == 1
            thread = next(t for t in threading.enumerate() if t.name == "ts-conn0")
        thread.join(10)
        assert not places._taken
        with connect(listener) as third:
            assert read_exactly(third, 9) == b"ts-conn1\n"


def test_a_new_context_is_for_the_connections_to_come() -> None:
    """Those that are open keep the old certificate and never notice."""
    trusting_old, trusting_new = (
        ssl.create_default_context(cafile=path) for path in (CERTIFICATE, OTHER_CERTIFICATE)
    )
    contexts = [server_context(str(path), str(path)) for path in (CERTIFICATE, OTHER_CERTIFICATE)]

    def echo_bytes(transport: Transport) -> None:
        while data := transport.recv(100, soon()):
            transport.send(data, soon())

    with (
        listening(echo_bytes, ssl_context=contexts[0]) as listener,
        trusting_old.wrap_socket(connect(listener), server_hostname="localhost") as old,
    ):
        old.sendall(b"before")
        assert read_exactly(old, 6) == b"before"
        listener.ssl_context = contexts[1]
        with trusting_new.wrap_socket(connect(listener), server_hostname="localhost") as new:
            new.sendall(b"new")
            assert read_exactly(new, 3) == b"new"
            new.unwrap()
        old.sendall(b"after")
        assert read_exactly(old, 5) == b"after"
        old.unwrap()


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


def test_threads_that_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is refused like one too many, has its address's place no longer, and the next one is served."""
    monkeypatch.setattr(listener_module, "CALM_SECONDS", 0.02)
    places = PerAddress(1, is_exempt=lambda _: False)
    start, failures = threads.start, [RuntimeError("can't start new thread")]

    def starved(name: str, *args: Any, **kwargs: Any) -> threading.Thread:
        if name.startswith("ts-conn") and failures:
            raise failures.pop()
        return start(name, *args, **kwargs)

    monkeypatch.setattr(threads, "start", starved)
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
    monkeypatch.setattr(listener_module, "CALM_SECONDS", 0.02)
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 60.0)
    start, failures = threads.start, [RuntimeError("can't start new thread")]

    def starved(name: str, *args: Any, **kwargs: Any) -> threading.Thread:
        if name.startswith("ts-conn") and failures:
            raise failures.pop()
        return start(name, *args, **kwargs)

    monkeypatch.setattr(threads, "start", starved)
    listener = Listener(("127.0.0.1", 0), hold)
    with connect(listener) as unlucky:
        unlucky.sendall(b"GET /" + HOST)
        listener.start()
        with connect(listener) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn0\n"
        unlucky.sendall(b"more")  # would be a broken pipe
        assert statuses(read_exactly(unlucky, 500)) == [503]
    assert listener.close(soon())


def test_handler_that_crashes_costs_its_own_connection(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and counted, the client sees the end, and the next one is served."""
    faults: list[Exception] = [LookupError("on purpose")]

    def handle(transport: Transport) -> None:
        if faults:
            raise faults.pop()
        hold(transport)

    with listening(handle) as listener:
        with connect(listener) as unlucky:
            assert unlucky.recv(1) == b""
        with connect(listener) as lucky:
            assert read_exactly(lucky, 9) == b"ts-conn1\n"
        assert listener.stats().crashed == 1
    assert "LookupError: on purpose" in caplog.text


def test_accept_loop_that_dies_tells_its_owner() -> None:
    """An error nobody foresaw must not leave a program that looks alive and takes nobody."""
    told: list[BaseException] = []
    fault = OSError(errno.EINVAL, "not listening")
    with listening(hold, Troubled(fault), on_crash=told.append) as listener:
        assert listener._thread is not None
        listener._thread.join(10)
    assert told == [fault]


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


def test_port_in_use_is_an_oserror_at_once() -> None:
    """Binding happens before anything is started."""
    with listening(hold) as listener, pytest.raises(OSError, match="Address already in use"):
        Listener(listener.address, hold)


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6 loopback")
@pytest.mark.parametrize(
    ("host", "reached_by"), [("::1", ["::1"]), ("::", ["::1", "127.0.0.1"]), ("localhost", [])]
)
def test_either_family(host: str, reached_by: list[str]) -> None:
    """IPv6 works as IPv4 does, and :: takes both."""
    peers: list[str] = []

    def handle(transport: Transport) -> None:
        peers.append(transport.peer)
        hold(transport)

    with listening(handle, (host, 0)) as listener:
        for target in reached_by or [listener.address[0]]:
            with socket.create_connection((target, listener.address[1]), timeout=10) as client:
                assert client.recv(100).startswith(b"ts-conn")
                bracketed = f"[{target}]" if ":" in target else target
                assert peers.pop() == f"{bracketed}:{client.getsockname()[1]}"


def test_https_end_to_end() -> None:
    """With a context the same handler speaks TLS; one that does not is let go and counted nowhere."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    schemes: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        schemes.append(environ["wsgi.url_scheme"])
        return echo(environ, start_response)

    with listening(lambda transport: serve(transport, app), ssl_context=context) as listener:
        with connect(listener) as plain:
            plain.sendall(b"GET /" + HOST)
            assert b"HTTP" not in read_to_end(plain)
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        with trusting.wrap_socket(connect(listener), server_hostname="localhost") as client:
            client.sendall(b"GET /secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_to_end(client).endswith(b"GET /secret?\n")
        assert schemes == ["https"]
        assert listener.stats().crashed == 0


@pytest.mark.parametrize("context", ["None", "__import__('ssl').create_default_context()"])
def test_tls_is_loaded_at_the_start_or_never(context: str) -> None:
    """A board without TLS pays neither its memory nor its time; with it, its first peer may find no descriptor left."""
    code = f"""
import sys
from telemetry_stream.net import http, listener
listener.Listener(("127.0.0.1", 0), print, ssl_context={context})
print({{"ssl", "telemetry_stream.net.tls"}} & sys.modules.keys() or None)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=True,
    )
    assert (ran.stdout == "None\n") == (context == "None")
    assert ("telemetry_stream.net.tls" in ran.stdout) == (context != "None")
