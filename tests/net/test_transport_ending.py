"""Transport, ending: the final message, shutdown, and a close that loses nothing and has a limited duration."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net import transport as transport_module
from telemetry_stream.net.transport import Transport
from tests.conftest import eventually
from tests.net.pairs import LimitedSocket, read_exactly, read_to_end, soon, tcp_pair

Ends = tuple[Transport, socket.socket]
LimitedEnds = tuple[Transport, LimitedSocket, socket.socket]

CLOSE = b"<close>"


def assert_write_side_is_closed(transport: Transport) -> None:
    """Every way to write is rejected."""
    assert transport.try_send(b"late") == 0
    for data in (b"late", b""):
        with pytest.raises(BrokenPipeError, match="write side is closed"):
            transport.send(data, soon())
    with pytest.raises(BrokenPipeError, match="write side is closed"):
        transport.send_final(b"late")


def test_nothing_follows_the_final_message(limited: LimitedEnds, pool: ThreadPoolExecutor) -> None:
    """Later writes are rejected, before and after the peer has read it, and the peer sees none of them."""
    transport, _, peer = limited
    transport.send(b"frame", soon())
    transport.send_final(CLOSE)
    assert_write_side_is_closed(transport)
    assert read_exactly(peer, 5 + len(CLOSE)) == b"frame" + CLOSE
    assert_write_side_is_closed(transport)
    closing = pool.submit(transport.close)
    assert read_to_end(peer) == b""
    peer.close()
    closing.result(10)


def test_nothing_follows_a_final_message_that_a_waiting_send_has_flushed(
    limited: LimitedEnds, pool: ThreadPoolExecutor
) -> None:
    """A send that was already waiting writes the kept final message too; that does not open the write side again."""
    transport, sock, peer = limited
    sock.room = 0
    waiting = pool.submit(transport.send, b"frame", soon())
    sock.wait_for_refused(1)
    transport.send_final(CLOSE)
    sock.room = 1000
    waiting.result(10)
    assert_write_side_is_closed(transport)
    closing = pool.submit(transport.close)
    assert read_to_end(peer) == b"frame" + CLOSE
    peer.close()
    closing.result(10)


def test_final_message_reaches_a_peer_that_reads_again() -> None:
    """The full socket gets room for it: the peer reads the rest of a frame, the final message, and the end."""
    accepted, peer = tcp_pair(send_bytes=64 * 1024, receive_bytes=64 * 1024)
    transport = Transport(accepted)
    frame = b"a" * 50_000
    sent = taken = 0
    while (taken := transport.try_send(frame)) == len(frame):
        sent += taken
    sent += len(frame) if taken else 0
    with pytest.raises(TimeoutError):
        transport.send(frame, soon(0.05))
    sent += len(frame)
    transport.send_final(CLOSE)
    assert_write_side_is_closed(transport)
    transport.shutdown()
    transport.close()
    with peer:
        assert read_to_end(peer) == b"a" * sent + CLOSE


@pytest.mark.parametrize("cause", ["shutdown", "reset by the peer"])
def test_end_wakes_reader_and_writer(cause: str, ends: Ends, pool: ThreadPoolExecutor) -> None:
    """A shutdown by another thread, or a reset by the peer, wakes a waiting recv and a waiting send."""
    transport, peer = ends
    inside = threading.Barrier(3)

    def call(function: Callable[..., object], *args: object) -> object:
        inside.wait(10)
        return function(*args)

    reader = pool.submit(call, transport.recv, 100, soon(30))
    writer = pool.submit(call, transport.send, bytes(10_000_000), soon(30))
    inside.wait(10)
    # The writer has filled the buffers.
    assert eventually(lambda: "unsent=0" not in repr(transport))
    if cause == "shutdown":
        transport.shutdown()
        transport.shutdown()
        assert reader.result(10) == b""
    else:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        assert reader.exception(10) is None or isinstance(reader.exception(10), OSError)
    assert isinstance(writer.exception(10), OSError)


def test_close_does_not_lose_the_last_message(pool: ThreadPoolExecutor) -> None:
    """Unread input at close would reset the connection, and the peer would lose the close frame."""
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    peer.sendall(bytes(50_000))
    transport.send(CLOSE, soon())
    closing = pool.submit(transport.close)
    peer.sendall(bytes(50_000))
    assert read_exactly(peer, 100) == CLOSE
    peer.close()
    closing.result(10)


def test_close_waits_for_nothing_after_the_end_of_the_peer_s_stream() -> None:
    """The peer can still read, and FIN is not needed before close(2): writing stays possible until then."""
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    peer.shutdown(socket.SHUT_WR)
    assert transport.recv(100, soon()) == b""
    transport.send(b"first", soon())
    transport.linger()
    transport.send(b", second", soon())
    transport.close()
    assert read_exactly(peer, 100) == b"first, second"
    peer.close()


def test_close_stops_waiting_for_a_peer_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for the peer's end has a deadline."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 0.05)
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    transport.close()
    assert peer.recv(10) == b""
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        peer.sendall(bytes(10_000_000))
    peer.close()


def test_close_after_linger_waits_no_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener lingers first and then closes connections one by one, so close must not wait for a peer."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 0.05)
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    transport.linger()
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 60.0)
    began = time.monotonic()
    transport.close()
    assert time.monotonic() - began < 10
    peer.close()


def test_close_stops_reading_from_a_peer_that_sends_on(
    monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    """The input that close reads is limited too: a peer that never stops sending gets a reset."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 60.0)
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    closing = pool.submit(transport.close)
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        peer.sendall(bytes(100_000_000))
    closing.result(10)
    peer.close()


def test_shutdown_ends_a_graceful_close(
    monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    """A program that stops does not wait until each connection has been drained."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 60.0)
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    closing = pool.submit(transport.close)
    assert peer.recv(10) == b""  # FIN: draining has begun
    transport.shutdown()
    closing.result(10)
    peer.close()


def test_every_call_fails_with_oserror_after_the_end(ends: Ends) -> None:
    """After shutdown and after close, which can be repeated; a late caller never uses a reused descriptor."""
    transport, _ = ends
    for end in (transport.shutdown, transport.close):
        end()
        end()
        for call in (
            lambda: transport.try_send(b"x"),
            lambda: transport.send(b"x", soon()),
            lambda: transport.send(b"", soon()),
            lambda: transport.send_final(b"x"),
        ):
            with pytest.raises(OSError, match=r"Bad file descriptor|Broken pipe|ended"):
                call()
    with pytest.raises(OSError, match="Bad file descriptor"):
        transport.recv(1, soon())
