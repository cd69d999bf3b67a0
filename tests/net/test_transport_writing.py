"""Transport, writing: complete writes, in order, until a deadline. Over TLS where that makes a difference."""

from __future__ import annotations

import socket
import struct
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net.transport import Transport
from tests.net.pairs import LimitedSocket, read_exactly, soon, tcp_pair

Ends = tuple[Transport, socket.socket]
LimitedEnds = tuple[Transport, LimitedSocket, socket.socket]

FRAME = bytes(range(200))
PONG = b"<pong>"


def limited_ends(room: int) -> LimitedEnds:
    """Return a transport that can write ``room`` bytes, its socket, and its peer."""
    accepted, peer = tcp_pair()
    sock = LimitedSocket(accepted)
    sock.room = room
    return Transport(sock), sock, peer


def test_rest_of_a_partial_try_send_precedes_a_pong(pool: ThreadPoolExecutor) -> None:
    """Wherever try_send is cut off, the next write comes after the whole frame."""
    for offset in range(1, len(FRAME)):
        transport, sock, peer = limited_ends(offset)
        assert transport.try_send(FRAME) == offset
        sock.room = 1000
        assert transport.try_send(FRAME) == 0  # there is room, but unsent bytes are waiting
        sock.room = 0
        pong = pool.submit(transport.send, PONG, soon())
        sock.wait_for_refused(1)
        sock.room = 1000
        pong.result(10)
        assert transport.try_send(FRAME) == len(FRAME)
        assert read_exactly(peer, 2 * len(FRAME) + len(PONG)) == FRAME + PONG + FRAME
        assert transport.bytes_sent == 2 * len(FRAME) + len(PONG)
        peer.close()
        transport.close()


def test_unsent_bytes_are_not_copied() -> None:
    """What the kernel does not take is kept as a part of the caller's frame, which may be large."""
    transport, _, peer = limited_ends(10)
    frame = bytes(1_000_000)
    tracemalloc.start()
    try:
        assert transport.try_send(frame) == 10
        assert tracemalloc.get_traced_memory()[0] < 10_000
    finally:
        tracemalloc.stop()
    peer.close()
    transport.shutdown()
    transport.close()


def test_rest_of_a_partial_send_precedes_a_pong(pool: ThreadPoolExecutor) -> None:
    """Wherever a waiting send is cut off, the pong of another thread comes after the whole frame."""
    for offset in range(len(FRAME)):
        transport, sock, peer = limited_ends(offset)
        frame = pool.submit(transport.send, FRAME, soon())
        sock.wait_for_refused(1)
        pong = pool.submit(transport.send, PONG, soon())
        sock.wait_for_refused(2)
        sock.room = 1000
        frame.result(10)
        pong.result(10)
        assert read_exactly(peer, len(FRAME) + len(PONG)) == FRAME + PONG
        peer.close()
        transport.close()


@pytest.mark.parametrize("is_final", [False, True], ids=["send", "send_final"])
def test_unsent_bytes_go_first_when_the_buffer_empties_between_two_writes(
    limited: LimitedEnds, *, is_final: bool
) -> None:
    """The flush finds a full buffer, and at the next system call there is room: new bytes still come last."""
    transport, sock, peer = limited
    sock.room = 50
    assert 0 < transport.try_send(FRAME) < len(FRAME)
    sock.room, sock.opens = 0, True
    if is_final:
        transport.send_final(PONG)
    else:
        transport.send(PONG, soon())
    assert read_exactly(peer, len(FRAME) + len(PONG)) == FRAME + PONG


def test_try_send_takes_nothing_while_bytes_are_unsent(limited: LimitedEnds) -> None:
    """Not even if the buffer has room again: its bytes would land inside the frame."""
    transport, sock, peer = limited
    sock.room = 50
    assert 0 < transport.try_send(FRAME) < len(FRAME)
    sock.room = 1000
    assert transport.try_send(PONG) == 0
    transport.send(b"", soon())
    assert transport.try_send(PONG) == len(PONG)
    assert read_exactly(peer, len(FRAME) + len(PONG)) == FRAME + PONG


def test_full_buffer_takes_nothing_of_a_try_send(ends: Ends, pool: ThreadPoolExecutor) -> None:
    """Bytes for which try_send returns 0 are not sent later; an empty send waits for the unsent ones."""
    transport, peer = ends
    sent = 0
    while taken := transport.try_send(b"a" * 5000):
        sent += 5000
        if taken < 5000:
            break  # the rest of it is kept
    assert transport.try_send(b"b") == 0
    received = pool.submit(read_exactly, peer, sent)
    transport.send(b"", soon())
    assert received.result(10) == b"a" * sent
    transport.send(b"c", soon())
    assert peer.recv(10) == b"c"


class SlowSocket(socket.socket):
    """A socket whose next send blocks, in the middle of the system call, until ``finish`` is set."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.entered, self.finish = threading.Event(), threading.Event()

    def send(self, data: object, flags: int = 0, /) -> int:
        self.entered.set()
        assert self.finish.wait(10)
        return super().send(data, flags)  # type: ignore[arg-type]


def test_try_send_never_waits_for_another_writer(pool: ThreadPoolExecutor) -> None:
    """While another thread writes, try_send takes nothing instead of waiting for the lock."""
    accepted, peer = tcp_pair()
    sock = SlowSocket(accepted)
    transport = Transport(sock)
    writing = pool.submit(transport.send, b"first", soon())
    assert sock.entered.wait(10)
    assert transport.try_send(b"second") == 0
    sock.finish.set()
    writing.result(10)
    assert transport.try_send(b"third") == 5
    assert read_exactly(peer, 10) == b"firstthird"
    peer.close()
    transport.close()


def test_each_writer_waits_until_its_own_deadline(ends: Ends, pool: ThreadPoolExecutor) -> None:
    """A peer that never reads ends a send at its deadline; a send with a later one goes on waiting."""
    transport, _ = ends
    waiting = pool.submit(transport.send, bytes(10_000_000), soon(30))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        transport.send(bytes(10_000_000), soon(0.2))
    assert 0.2 <= time.monotonic() - began < 5
    assert not waiting.done()
    assert transport.try_send(b"x") == 0
    transport.shutdown()
    with pytest.raises(OSError, match=r"ended|Broken pipe"):
        waiting.result(10)
    assert "unsent=0" in repr(transport)
    with pytest.raises(OSError, match="Broken pipe"):
        transport.try_send(b"x")


def test_stream_is_in_order_after_a_write_timeout(ends: Ends, pool: ThreadPoolExecutor) -> None:
    """The bytes that a deadline cut off are kept: a peer that reads at last misses none."""
    transport, peer = ends
    first = bytes(range(256)) * 4000
    with pytest.raises(TimeoutError):
        transport.send(first, soon(0.1))
    received = pool.submit(read_exactly, peer, len(first) + 4)
    transport.send(b"then", soon())
    assert received.result(10) == first + b"then"


def test_writers_never_interleave(ends: Ends, pool: ThreadPoolExecutor) -> None:
    """Three writers at full speed through a small buffer: every message arrives unbroken."""
    transport, peer = ends
    messages = 200

    def message(writer: int, number: int) -> bytes:
        body = bytes([writer]) * (number * 37 % 3000 + 1)
        return struct.pack("!II", len(body), number) + body

    def send_all(writer: int) -> None:
        for number in range(messages):
            transport.send(message(writer, number), soon())

    def try_all(writer: int) -> None:
        for number in range(messages):
            while (taken := transport.try_send(message(writer, number))) == 0:
                transport.send(b"", soon())
            if taken < len(message(writer, number)):
                transport.send(b"", soon())

    writers = [pool.submit(send_all, 1), pool.submit(send_all, 2), pool.submit(try_all, 3)]
    seen: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for _ in range(3 * messages):
        length, number = struct.unpack("!II", read_exactly(peer, 8))
        body = read_exactly(peer, length)
        assert body == body[:1] * length
        seen[body[0]].append(number)
    for writer in writers:
        writer.result(10)
    assert seen == {writer: list(range(messages)) for writer in (1, 2, 3)}
