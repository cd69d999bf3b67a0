"""Transport: whole writes, deadlines, and ends that wake everybody. Real sockets throughout."""

from __future__ import annotations

import errno
import math
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net import transport as transport_module
from telemetry_stream.net.transport import Transport
from tests.net.pairs import read_exactly, read_to_end, soon, tcp_pair

FRAME = bytes(range(200))
PONG = b"<pong>"


@pytest.fixture
def ends() -> Iterator[tuple[Transport, socket.socket]]:
    """A transport and its peer, both closed at the end."""
    accepted, peer = tcp_pair(send_bytes=4096)
    transport = Transport(accepted)
    yield transport, peer
    transport.shutdown()
    transport.close()
    peer.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for the other sides of a story."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


class Choppy(socket.socket):
    """A socket whose buffer fills up after ``room`` more bytes, exactly there, until ``open_up``."""

    room: float = math.inf

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.refused: set[int] = set()  # threads that have met the full buffer
        self.changed = threading.Condition()

    def send(self, data: object, flags: int = 0, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        if self.room <= 0:
            with self.changed:
                self.refused.add(threading.get_ident())
                self.changed.notify_all()
            raise BlockingIOError(errno.EAGAIN, "full")
        sent = super().send(view[: int(min(self.room, len(view)))], flags)
        self.room -= sent
        return sent

    def wait_for_refused(self, threads: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.refused) >= threads, 10)

    def open_up(self) -> None:
        self.room = math.inf


def chopped(room: int) -> tuple[Transport, Choppy, socket.socket]:
    """A transport that can write ``room`` bytes, its socket, and its peer."""
    ours, peer = socket.socketpair()
    peer.settimeout(10)
    choppy = Choppy(ours)
    choppy.room = room
    return Transport(choppy), choppy, peer


def test_partial_broadcast_at_every_offset_keeps_the_stream_whole(pool: ThreadPoolExecutor) -> None:
    """Wherever try_send is cut short, the pong that is due then comes behind the whole frame."""
    for offset in range(1, len(FRAME)):
        transport, choppy, peer = chopped(offset)
        assert transport.try_send(FRAME) == offset
        choppy.open_up()
        assert transport.try_send(FRAME) == 0  # there is room, but a rest is waiting
        choppy.room = 0
        pong = pool.submit(transport.send, PONG, soon())
        choppy.wait_for_refused(1)
        choppy.open_up()
        pong.result(10)
        assert transport.try_send(FRAME) == len(FRAME)
        assert read_exactly(peer, 2 * len(FRAME) + len(PONG)) == FRAME + PONG + FRAME
        assert transport.bytes_sent == 2 * len(FRAME) + len(PONG)
        peer.close()
        transport.close()


def test_partial_send_at_every_offset_keeps_the_stream_whole(pool: ThreadPoolExecutor) -> None:
    """Wherever a waiting send is cut short, another thread's pong comes behind it."""
    for offset in range(len(FRAME)):
        transport, choppy, peer = chopped(offset)
        frame = pool.submit(transport.send, FRAME, soon())
        choppy.wait_for_refused(1)
        pong = pool.submit(transport.send, PONG, soon())
        choppy.wait_for_refused(2)
        choppy.open_up()
        frame.result(10)
        pong.result(10)
        assert read_exactly(peer, len(FRAME) + len(PONG)) == FRAME + PONG
        peer.close()
        transport.close()


def test_full_buffer_takes_nothing_of_a_try_send(
    ends: tuple[Transport, socket.socket], pool: ThreadPoolExecutor
) -> None:
    """What try_send answers 0 for is not sent later, and a rest goes out by an empty send."""
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


def test_try_send_never_waits_for_another_writer(ends: tuple[Transport, socket.socket]) -> None:
    """While somebody writes, try_send takes nothing instead of queueing behind the lock."""
    transport, peer = ends
    with transport._lock:
        assert transport.try_send(b"x") == 0
    assert transport.try_send(b"x") == 1
    assert peer.recv(10) == b"x"


def test_peer_that_never_reads_meets_the_deadline(
    ends: tuple[Transport, socket.socket], pool: ThreadPoolExecutor
) -> None:
    """Each writer waits until its own deadline; shutting down then wakes every thread that still waits."""
    transport, _ = ends
    reader = pool.submit(transport.recv, 100, soon(30))
    patient = pool.submit(transport.send, bytes(10_000_000), soon(30))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        transport.send(bytes(10_000_000), soon(0.2))
    assert 0.2 <= time.monotonic() - began < 5
    assert not patient.done()
    assert transport.try_send(b"x") == 0
    transport.shutdown()
    with pytest.raises(OSError, match=r"ended|Broken pipe"):
        patient.result(10)
    assert reader.result(10) == b""
    with pytest.raises(OSError, match="Broken pipe"):
        transport.try_send(b"x")
    with pytest.raises(OSError, match="ended"):
        transport.send(b"", soon())


def test_what_a_deadline_cut_off_is_kept_whole(ends: tuple[Transport, socket.socket]) -> None:
    """After a timeout the stream is still in order: a peer that reads at last misses nothing."""
    transport, peer = ends
    first = bytes(range(256)) * 4000
    with pytest.raises(TimeoutError):
        transport.send(first, soon(0.1))
    with ThreadPoolExecutor(1) as reading:
        received = reading.submit(read_exactly, peer, len(first) + 4)
        transport.send(b"then", soon())
        assert received.result(10) == first + b"then"


def test_last_words_reach_a_peer_that_reads_again() -> None:
    """A full socket has room for them: the rest of the message, the last words, and the end of the stream."""
    accepted, peer = tcp_pair(send_bytes=64 * 1024, receive_bytes=64 * 1024)
    transport = Transport(accepted)
    message = b"a" * 50_000
    sent = taken = 0
    while (taken := transport.try_send(message)) == len(message):
        sent += taken
    sent += len(message) if taken else 0
    with pytest.raises(TimeoutError):
        transport.send(message, soon(0.05))
    sent += len(message)
    transport.last_words(b"goodbye")
    assert transport.try_send(b"x") == 0
    with pytest.raises(OSError, match="ended"):
        transport.send(b"x", soon())
    with pytest.raises(OSError, match="ended"):
        transport.last_words(b"x")
    transport.shutdown()
    transport.close()
    with peer:
        assert read_to_end(peer) == b"a" * sent + b"goodbye"


def test_writers_never_interleave(
    ends: tuple[Transport, socket.socket], pool: ThreadPoolExecutor
) -> None:
    """Three writers at full speed through a tiny buffer: every message arrives unbroken."""
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


@pytest.mark.parametrize("who", ["shutdown", "peer resets"])
def test_an_end_wakes_reader_and_writer(
    who: str, ends: tuple[Transport, socket.socket], pool: ThreadPoolExecutor
) -> None:
    """shutdown from another thread, or the peer's reset, wakes a blocked recv and a blocked send."""
    transport, peer = ends
    inside = threading.Barrier(3)

    def call(function: Callable[..., object], *args: object) -> object:
        inside.wait(10)
        return function(*args)

    reader = pool.submit(call, transport.recv, 100, soon(30))
    writer = pool.submit(call, transport.send, bytes(10_000_000), soon(30))
    inside.wait(10)
    while not transport._rest:
        peer.recv(1)  # the writer is under way once it has filled the buffers
    if who == "shutdown":
        transport.shutdown()
        transport.shutdown()
        assert reader.result(10) == b""
    else:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        assert reader.exception(10) is None or isinstance(reader.exception(10), OSError)
    assert isinstance(writer.exception(10), OSError)


def test_unread_bytes_come_first(ends: tuple[Transport, socket.socket]) -> None:
    """What was pushed back is handed out before newer bytes, in order, however small the reads."""
    transport, peer = ends
    peer.sendall(b"newer")
    transport.unread(b"cond")
    transport.unread(b"se")
    assert transport.recv(3, soon()) == b"sec"
    assert transport.recv(100, soon()) == b"ond"
    assert transport.recv(100, soon()) == b"newer"


def test_silent_peer_times_out_and_the_connection_lives_on(
    ends: tuple[Transport, socket.socket],
) -> None:
    """A read deadline is the reader's own affair."""
    transport, peer = ends
    with pytest.raises(TimeoutError):
        transport.recv(10, soon(0.01))
    with pytest.raises(TimeoutError):
        transport.recv(10, soon(-1))
    peer.sendall(b"late")
    assert transport.recv(10, math.inf) == b"late"
    transport.send(b"fine", soon())
    assert peer.recv(10) == b"fine"


def test_end_of_stream_is_empty_and_sending_still_works(
    ends: tuple[Transport, socket.socket],
) -> None:
    """A peer that has finished sending may still read."""
    transport, peer = ends
    peer.shutdown(socket.SHUT_WR)
    assert transport.recv(10, soon()) == b""
    transport.send(b"answer", soon())
    assert peer.recv(10) == b"answer"


def test_close_does_not_lose_the_last_message(pool: ThreadPoolExecutor) -> None:
    """Unread input at close would reset the connection and take the close frame along."""
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    peer.sendall(bytes(50_000))
    transport.send(b"goodbye", soon())
    closing = pool.submit(transport.close)
    peer.sendall(bytes(50_000))
    assert read_exactly(peer, 100) == b"goodbye"
    peer.close()
    closing.result(10)


def test_close_to_a_peer_that_has_said_its_last() -> None:
    """It is still listening, and there is nothing to wait for."""
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    peer.shutdown(socket.SHUT_WR)
    assert transport.recv(100, soon()) == b""
    transport.send(b"goodbye", soon())
    transport.linger()
    transport.send(b", really", soon())
    transport.close()
    assert read_exactly(peer, 100) == b"goodbye, really"
    peer.close()


def test_close_gives_up_on_a_peer_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Politeness has a deadline, and a limit in bytes."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 0.05)
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    transport.close()
    assert peer.recv(10) == b""
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        peer.sendall(bytes(10_000_000))
    peer.close()


def test_shutdown_cuts_a_polite_close_short(
    monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    """A program that stops does not wait for the drain of each connection."""
    monkeypatch.setattr(transport_module, "DRAIN_SECONDS", 60.0)
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    closing = pool.submit(transport.close)
    assert peer.recv(10) == b""  # FIN: the drain has begun
    transport.shutdown()
    closing.result(10)
    peer.close()


def test_everything_fails_calmly_after_close(ends: tuple[Transport, socket.socket]) -> None:
    """A late caller gets OSError, never somebody else's descriptor; closing again is nothing."""
    transport, _ = ends
    transport.shutdown()
    transport.close()
    transport.close()
    transport.shutdown()
    for call in (
        lambda: transport.try_send(b"x"),
        lambda: transport.send(b"x", soon()),
        lambda: transport.recv(1, soon()),
    ):
        with pytest.raises(OSError, match=r"Bad file descriptor|ended"):
            call()


def test_socket_options_and_names() -> None:
    """No Nagle, a bounded wait for acknowledgements, and both ends by name."""
    accepted, peer = tcp_pair()
    transport = Transport(accepted)
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    assert transport.peer == f"127.0.0.1:{peer.getsockname()[1]}"
    assert transport.local_address == peer.getpeername()
    assert repr(transport) == f"<Transport {transport.peer} open sent=0 rest=0>"
    peer.close()
    transport.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("127.0.0.1", 80), ("127.0.0.1", 80)),
        (("::1", 80, 0, 0), ("::1", 80)),
        (("::ffff:10.0.0.1", 80, 0, 0), ("10.0.0.1", 80)),
        ("", ("unix", 0)),
    ],
)
def test_address_of_either_family(name: object, expected: tuple[str, int]) -> None:
    """An IPv4 peer that came in through a dual-stack listener is shown as IPv4."""
    assert transport_module.host_and_port(name) == expected
