"""Listener: a thread for each connection, limits, addresses, and the end of the accept loop."""

from __future__ import annotations

import errno
import json
import queue
import socket

import pytest

from telemetry_stream.net import refuser as refuser_module
from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.listener import ListenerStats
from telemetry_stream.net.transport import Transport
from tests.conftest import eventually
from tests.net.conversation import HOST
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
from tests.net.pairs import held_port, read_exactly, read_to_end, soon


def has_ipv6() -> bool:
    """Whether ::1 can be bound here; many containers cannot."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_each_connection_has_a_named_thread() -> None:
    """The names fit into the kernel's 15 bytes, and each connection has its own number."""
    with listening(hold) as listener, connect(listener) as one, connect(listener) as two:
        names = {read_exactly(one, 9), read_exactly(two, 9)}
        assert names == {b"ts-conn0\n", b"ts-conn1\n"}
        assert listener.stats() == ListenerStats(open=2, accepted=2, refused=0, crashed=0)
        assert "open=2" in repr(listener)
    assert listener.stats() == ListenerStats(open=0, accepted=2, refused=0, crashed=0)


def test_accept_loop_sleeps_while_no_connection_arrives() -> None:
    """A loop that does not wait would use a whole core, and everything else would still work."""
    with listening(hold) as listener, connect(listener) as client:
        read_exactly(client, 9)
        assert eventually(lambda: is_asleep(thread_named("ts-accept")))


def test_send_buffer_of_a_connection_is_small() -> None:
    """A client that reads nothing counts as slow after some 100 KiB, and not after megabytes."""
    taken: queue.SimpleQueue[int] = queue.SimpleQueue()

    def fill(transport: Transport) -> None:
        while transport.try_send(bytes(10_000)) == 10_000:
            pass
        taken.put(transport.bytes_sent)

    with listening(fill) as listener, connect(listener) as client:
        client.settimeout(None)
        assert taken.get(timeout=10) < 512 * 1024


def test_connection_over_the_limit_is_answered_503(caplog: pytest.LogCaptureFixture) -> None:
    """With a complete response and a line in the log; when a connection has ended, a new one is accepted."""
    with listening(hold, max_connections=1, headers=(("X-Policy", "strict"),)) as listener:
        with connect(listener) as first:
            read_exactly(first, 9)
            with connect(listener) as second:
                second.sendall(b"GET /" + HOST)
                head, _, body = read_to_end(second).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: ")
            assert f"Content-Length: {len(body)}".encode() in head
            assert b"\r\nX-Policy: strict\r\n" in head
            assert json.loads(body) == {"error": "Connection limit reached (1)"}
            thread = thread_named("ts-conn0")
        thread.join(10)
        with connect(listener) as third:
            assert read_exactly(third, 9) == b"ts-conn1\n"
        assert listener.stats().refused == 1
    assert "Connection refused: limit of 1 connections reached" in caplog.text


def test_connection_over_the_limit_of_its_address_is_answered_429(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log has the address; when a connection has ended, the address can open another one."""
    limit = PerAddress(1, is_exempt=lambda _: False)
    with listening(hold, per_address=limit) as listener:
        with connect(listener) as first:
            read_exactly(first, 9)
            with connect(listener) as second:
                head, _, body = read_to_end(second).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\n")
            assert json.loads(body) == {"error": "Limit of 1 connections per address reached"}
            expected = "Connection refused: limit of 1 connections per address reached (127.0.0.1)"
            assert expected in caplog.text
            assert listener.stats().refused == 1
            thread = thread_named("ts-conn0")
        thread.join(10)
        with connect(listener) as third:
            assert read_exactly(third, 9) == b"ts-conn1\n"


def test_refused_connection_is_closed_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if no other connection arrives: then its client gets a reset for what it sends."""
    monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 0.05)
    with listening(hold, max_connections=0) as listener, connect(listener) as client:
        assert read_to_end(client).startswith(b"HTTP/1.1 503 ")
        assert eventually(lambda: is_reset(client))


def test_refusals_for_two_reasons_are_both_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One address must not hide, with its refusals, that the limit of all connections is reached too."""
    limit = PerAddress(1, is_exempt=lambda _: False)
    with (
        listening(hold, max_connections=2, per_address=limit) as listener,
        connect(listener) as first,
    ):
        read_exactly(first, 9)
        with connect(listener) as second:
            assert read_to_end(second).startswith(b"HTTP/1.1 429 ")
        limit.limit = 2
        with connect(listener) as third, connect(listener) as fourth:
            read_exactly(third, 9)
            assert read_to_end(fourth).startswith(b"HTTP/1.1 503 ")
    assert "per address reached" in caplog.text
    assert "limit of 2 connections reached" in caplog.text


def test_crash_of_the_accept_loop_is_reported_to_its_owner() -> None:
    """Otherwise the program would look alive, but accept no connections."""
    crashes: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    with listening(hold, FailingSocket(errno.EINVAL), on_crash=crashes.put):
        crash = crashes.get(timeout=10)
    assert isinstance(crash, OSError)
    assert crash.errno == errno.EINVAL


def test_port_in_use_is_an_oserror_at_once() -> None:
    """The address is bound before anything is started."""
    with listening(hold) as listener, pytest.raises(OSError, match="Address already in use"):
        make_listener(hold, listener.address)


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6 loopback")
@pytest.mark.parametrize(
    ("host", "reached_by"), [("::1", ["::1"]), ("::", ["::1", "127.0.0.1"]), ("localhost", [])]
)
def test_both_address_families(host: str, reached_by: list[str]) -> None:
    """IPv6 works as IPv4 does, and :: accepts both."""
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


def test_listener_that_was_never_started_closes() -> None:
    """A program that fails between binding and starting leaves nothing open."""
    assert make_listener(hold).close(soon())
