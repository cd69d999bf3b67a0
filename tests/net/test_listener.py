"""Listener: who gets a thread, who is over a limit, which addresses it takes, and faults of handlers and of its own."""

from __future__ import annotations

import errno
import json
import socket
import threading

import pytest

from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.listener import Listener, ListenerStats
from telemetry_stream.net.transport import Transport
from tests.net.conversation import HOST
from tests.net.listening import Troubled, connect, hold, listening
from tests.net.pairs import read_exactly, read_to_end


def has_ipv6() -> bool:
    """Whether ::1 can be bound here; many containers cannot."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


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
    with listening(hold, max_connections=1, headers=(("X-Policy", "strict"),)) as listener:
        with connect(listener) as first:
            read_exactly(first, 9)
            with connect(listener) as second:
                second.sendall(b"GET /" + HOST)
                head, _, body = read_to_end(second).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: ")
            assert f"Content-Length: {len(body)}".encode() in head
            assert b"\r\nX-Policy: strict\r\n" in head
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
