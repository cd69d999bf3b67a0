"""A batch of transports: each takes what its ``try_send`` would take, and one that fails does not affect the others."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import NoReturn

import pytest

from telemetry_stream import threads
from telemetry_stream.net import batch as batch_module
from telemetry_stream.net import uring
from telemetry_stream.net.batch import Batch
from telemetry_stream.net.transport import Transport
from telemetry_stream.net.uring import Ring, UnavailableError
from telemetry_stream.threads import ThreadUnavailableError
from tests.net import descriptors
from tests.net.pairs import read_exactly, read_to_end, soon, tcp_pair

Ends = tuple[Transport, socket.socket]

FRAME = bytes(range(200))
PONG = b"<pong>"


def open_rings(batch: Batch) -> None:
    """Send to a transport."""
    accepted, peer = tcp_pair()
    with peer:
        transport = Transport(accepted)
        batch.try_send_all(FRAME, [transport])
        transport.shutdown()
        transport.close()


@pytest.fixture(params=["one thread", "two threads"])
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Batch]:
    """A batch with small rings, so that most audiences need several calls, on one thread or on both."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(batch_module, "RING_ENTRIES", 4)
    parallel_calls = 1 if request.param == "two threads" else 1000
    monkeypatch.setattr(batch_module, "PARALLEL_CALLS", parallel_calls)
    batch = Batch()
    batch.start()
    open_rings(batch)
    assert batch.is_active
    yield batch
    batch.close()


@pytest.fixture
def connect() -> Iterator[Callable[[], Ends]]:
    """Make transports with small send buffers, and their peers."""
    with ExitStack() as stack:

        def ends() -> Ends:
            accepted, peer = tcp_pair(send_bytes=4096)
            transport = Transport(accepted)
            stack.callback(transport.close)
            stack.callback(transport.shutdown)
            return transport, stack.enter_context(peer)

        yield ends


def in_the_call(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do something while the descriptors are with the ring, just before it sends."""
    send = Ring.send

    def act_and_send(ring: Ring, frame: bytes, descriptors: Sequence[int]) -> list[int]:
        monkeypatch.undo()
        action()
        return send(ring, frame, descriptors)

    monkeypatch.setattr(Ring, "send", act_and_send)


def reset(peer: socket.socket) -> None:
    """Reset the connection."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize("count", [0, 1, 4, 5, 11])
def test_each_transport_gets_each_frame(
    count: int, batch: Batch, connect: Callable[[], Ends]
) -> None:
    """Also more transports than the ring has entries. Each one counts its bytes."""
    ends = [connect() for _ in range(count)]
    transports = [transport for transport, _ in ends]
    assert batch.try_send_all(FRAME, transports) == [len(FRAME)] * count
    assert batch.try_send_all(PONG, transports) == [len(PONG)] * count
    for transport, peer in ends:
        assert read_exactly(peer, len(FRAME + PONG)) == FRAME + PONG
        assert transport.bytes_sent == len(FRAME + PONG)


def test_rest_of_a_partial_send_precedes_a_pong(
    batch: Batch, connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a send is cut off, nothing is sent before the rest, and another transport has its whole frame."""
    send = Ring.send
    (transport, peer), (other, other_peer) = connect(), connect()
    for room in range(len(FRAME)):

        def send_a_part(
            ring: Ring, frame: bytes, descriptors: Sequence[int], room: int = room
        ) -> list[int]:
            (part,) = send(ring, frame[:room], descriptors[:1])
            return [part, *send(ring, frame, descriptors[1:])]

        monkeypatch.setattr(Ring, "send", send_a_part)
        assert batch.try_send_all(FRAME, [transport, other]) == [room, len(FRAME)]
        monkeypatch.setattr(Ring, "send", send)
        if room:  # the socket has room, but unsent bytes are waiting
            assert batch.try_send_all(FRAME, [other, transport]) == [len(FRAME), 0]
            assert read_exactly(other_peer, len(FRAME)) == FRAME
        transport.send(PONG, soon())
        assert read_exactly(peer, len(FRAME[:room] and FRAME) + len(PONG)) == (
            (FRAME if room else b"") + PONG
        )
        assert read_exactly(other_peer, len(FRAME)) == FRAME


def test_a_full_socket_takes_nothing_and_then_continues(
    batch: Batch, connect: Callable[[], Ends], pool: ThreadPoolExecutor
) -> None:
    """A peer that does not read gets a part and then nothing; if it reads again, its stream is whole."""
    (transport, peer), (other, other_peer) = connect(), connect()
    received = pool.submit(read_to_end, other_peer)
    megabyte = FRAME * 5000
    frames = 0
    while (taken := batch.try_send_all(megabyte, [transport])[0]) == len(megabyte):
        frames += 1
    assert batch.try_send_all(PONG, [transport, other]) == [0, len(PONG)]
    frames += taken > 0  # of the last one, the transport keeps the rest
    stream = pool.submit(read_exactly, peer, frames * len(megabyte))
    transport.send(b"", soon())
    assert stream.result(10) == megabyte * frames
    assert batch.try_send_all(PONG, [transport]) == [len(PONG)]
    assert read_exactly(peer, len(PONG)) == PONG
    other.shutdown()
    assert received.result(10) == PONG


def test_a_transport_that_another_thread_writes_to_takes_nothing(
    batch: Batch, connect: Callable[[], Ends]
) -> None:
    """The batch does not wait for it."""
    ends = [connect() for _ in range(3)]
    with ends[1][0]._lock:
        assert batch.try_send_all(PONG, [transport for transport, _ in ends]) == [6, 0, 6]


def test_nothing_follows_a_final_message(batch: Batch, connect: Callable[[], Ends]) -> None:
    """As after a close frame of WebSocket."""
    transport, peer = connect()
    transport.send_final(PONG)
    assert batch.try_send_all(FRAME, [transport]) == [0]
    transport.close()
    assert read_to_end(peer) == PONG


@pytest.mark.parametrize("end", ["reset", "reset in the call", "shutdown", "closed"])
def test_an_ended_transport_fails_alone(
    end: str, batch: Batch, connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others get the frame. No exception is raised, and the batch works on."""
    ends = [connect() for _ in range(3)]
    transport, peer = ends[1]
    if end == "reset":
        reset(peer)
    elif end == "reset in the call":
        in_the_call(monkeypatch, lambda: reset(peer))
    else:
        transport.shutdown()
        if end == "closed":
            transport.close()
    first, failed, last = batch.try_send_all(FRAME, [transport for transport, _ in ends])
    assert (first, last) == (len(FRAME), len(FRAME))
    assert failed < 0
    assert batch.is_active
    for _, other in (ends[0], ends[2]):
        assert read_exactly(other, len(FRAME)) == FRAME


def test_a_descriptor_is_not_closed_while_it_is_with_the_kernel(
    batch: Batch,
    connect: Callable[[], Ends],
    monkeypatch: pytest.MonkeyPatch,
    pool: ThreadPoolExecutor,
) -> None:
    """Its number could be that of a new connection, which would get the frame of another viewer."""
    (transport, peer), (other, _) = connect(), connect()
    before = os.fstat(transport._descriptor).st_ino

    def close() -> None:
        peer.close()
        closing.append(pool.submit(transport.close))
        wait(closing, 0.1)  # the time in which it would be closed
        assert os.fstat(transport._descriptor).st_ino == before

    closing: list[Future[None]] = []
    in_the_call(monkeypatch, close)
    assert batch.try_send_all(PONG, [transport, other])[1] == len(PONG)
    wait(closing, 10)
    assert transport._descriptor == -1
    assert batch.try_send_all(PONG, [transport, other]) == [-errno.EBADF, len(PONG)]


def test_connections_that_come_and_go_during_broadcasts_get_only_their_own_frames(
    batch: Batch, connect: Callable[[], Ends]
) -> None:
    """Hundreds of connections begin and end on other threads, with reused descriptors, while frames are sent."""
    staying = [connect() for _ in range(5)]
    failures: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for number in range(100):
                accepted, peer = tcp_pair()
                transport = Transport(accepted)
                with peer:
                    own = b"own %d" % number
                    transport.send(own, soon())
                    assert read_exactly(peer, len(own)) == own
                    visiting.append(transport)
                    transport.shutdown()
                    transport.close()
                    assert read_to_end(peer).replace(PONG, b"") == b""
                    visiting.remove(transport)
        except BaseException as error:  # noqa: BLE001  # the test reports it
            failures.append(error)

    visiting: list[Transport] = []
    visitors = [threading.Thread(target=come_and_go) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    frames = 0
    while any(visitor.is_alive() for visitor in visitors):
        transports = [transport for transport, _ in staying] + visiting
        assert batch.try_send_all(PONG, transports)[:5] == [len(PONG)] * 5
        for _, peer in staying:
            assert read_exactly(peer, len(PONG)) == PONG
        frames += 1
    assert not failures
    assert frames


@pytest.mark.parametrize("submitted", [0, 2, 4])
def test_a_ring_that_fails_is_not_used_again(
    submitted: int,
    batch: Batch,
    connect: Callable[[], Ends],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No frame is lost: the result is 0 where nothing was sent. There is one warning, and ``try_send`` still works."""
    ends = [connect() for _ in range(12)]  # so one of two rings makes a second call
    transports = [transport for transport, _ in ends]

    def let_fail(ring: Ring) -> None:
        call, calls = ring._kernel.call, iter(range(9))

        def fail(number: int, fd: int, count: int) -> int:
            if next(calls) or not submitted:
                raise OSError(errno.EBUSY, "busy")
            return call(number, fd, min(submitted, count))

        monkeypatch.setattr(ring._kernel, "call", fail)

    for ring in batch._rings:
        let_fail(ring)
    taken = batch.try_send_all(FRAME, transports)
    assert set(taken) <= {0, len(FRAME)}
    # With two threads, the other ring may have sent its part already.
    assert submitted <= taken.count(len(FRAME)) <= 2 * submitted
    assert not batch.is_active
    assert batch.try_send_all(PONG, transports) == [0] * len(ends)
    for (transport, peer), count in zip(ends, taken, strict=True):
        if not count:
            assert transport.try_send(FRAME) == len(FRAME)
        transport.shutdown()
        assert read_to_end(peer) == FRAME
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "io_uring has failed: [Errno 16] busy" in warning.getMessage()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Batch]:
    """A batch that makes two calls for two transports, on two threads. Its crashes are in ``crashes``."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(batch_module, "RING_ENTRIES", 1)
    monkeypatch.setattr(batch_module, "PARALLEL_CALLS", 2)
    batch = Batch(on_crash=crashes.append)
    batch.start()
    open_rings(batch)  # whose self-test sends
    yield batch
    batch.close()
    crashes.clear()


crashes: list[BaseException] = []


def on_each_thread(monkeypatch: pytest.MonkeyPatch, action: Callable[[str], object]) -> None:
    """Call ``action`` with the name of the thread before each call of a ring."""
    send = Ring.send

    def act_and_send(ring: Ring, frame: bytes, descriptors: Sequence[int]) -> list[int]:
        action(threading.current_thread().name)
        return send(ring, frame, descriptors)

    monkeypatch.setattr(Ring, "send", act_and_send)


def test_two_threads_send_to_a_large_audience_at_the_same_time(
    shared: Batch, connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results keep the order of the transports."""
    (closed, _), (other, other_peer) = connect(), connect()
    closed.send_final(PONG)
    both = threading.Barrier(2)
    on_each_thread(monkeypatch, lambda _: both.wait(10.0))
    for transports, results in (((closed, other), [0, 200]), ((other, closed), [200, 0])):
        assert shared.try_send_all(FRAME, transports) == results
    assert read_exactly(other_peer, 2 * len(FRAME)) == 2 * FRAME


def test_one_thread_sends_to_a_small_audience(
    shared: Batch, connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thread would take more CPU, and not send sooner."""
    transport, _ = connect()
    names: list[str] = []
    on_each_thread(monkeypatch, names.append)
    assert shared.try_send_all(FRAME, [transport]) == [len(FRAME)]
    assert names == [threading.current_thread().name]


def test_no_call_waits_for_a_second_thread_that_has_crashed(
    shared: Batch, connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crash is reported, and each transport is without the frame or has all of it."""
    ends = [connect() for _ in range(2)]
    transports = [transport for transport, _ in ends]
    crashing, crash = threading.Event(), RuntimeError("crash")

    def act(name: str) -> None:
        if name == "ts-batch":
            crashing.set()
            raise crash
        assert crashing.wait(10.0)

    on_each_thread(monkeypatch, act)
    assert sorted(shared.try_send_all(FRAME, transports)) in ([0, 0], [0, len(FRAME)])
    assert shared.try_send_all(FRAME, transports) == [0, 0]
    assert not shared.is_active
    assert shared._helper is not None
    shared._helper.join(10.0)
    assert crashes == [crash]


def test_rings_are_opened_by_the_first_call_with_a_transport() -> None:
    """A program with few viewers, or with TLS only, needs neither them, nor the second thread."""
    batch = Batch()
    batch.start()
    assert batch.try_send_all(FRAME, []) == []
    assert (batch.is_active, batch.works, batch._rings, batch._helper) == (True, None, [], None)
    open_rings(batch)
    assert batch.works
    rings = list(batch._rings)
    open_rings(batch)
    assert rings
    assert batch._rings == rings
    batch.close()


def test_without_a_second_thread_the_first_one_sends(
    connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A limit of threads must not end the hub, which calls the batch."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise ThreadUnavailableError("ts-batch")

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(threads, "start", refuse)
    batch = Batch()
    batch.start()
    transport, peer = connect()
    assert batch.try_send_all(FRAME, [transport]) == [len(FRAME)]
    assert read_exactly(peer, len(FRAME)) == FRAME
    assert "sent by one thread" in caplog.text
    batch.close()


def test_a_single_processor_gets_no_second_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only take turns with the first one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    batch = Batch()
    batch.start()
    open_rings(batch)
    assert "ts-batch" not in {thread.name for thread in threading.enumerate()}
    batch.close()


def test_without_io_uring_it_is_not_active(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the reason, once."""

    def refuse(entries: int) -> Ring:
        raise UnavailableError("the kernel does not have it")

    monkeypatch.setattr(uring, "Ring", refuse)
    caplog.set_level(logging.INFO)
    batch = Batch()
    assert not batch.is_active
    batch.start()
    open_rings(batch)
    open_rings(batch)
    assert not batch.is_active
    assert batch.works is False
    (record,) = caplog.records
    assert record.getMessage().endswith("io_uring is unavailable: the kernel does not have it")
    batch.close()


def test_without_a_descriptor_for_the_module_it_is_not_active(
    connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The import is on the thread of the hub, which must not end."""
    caplog.set_level(logging.INFO)
    batch = Batch()
    batch.start()
    transport, _ = connect()
    monkeypatch.delitem(sys.modules, uring.__name__)
    with descriptors.none_left():
        assert batch.try_send_all(FRAME, [transport]) == [0]
    assert not batch.is_active
    assert "io_uring is unavailable: [Errno 24] Too many open files" in caplog.text
    batch.close()


def test_without_memory_it_is_not_active(
    connect: Callable[[], Ends], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither for the rings."""

    def refuse(entries: int) -> Ring:
        raise MemoryError

    monkeypatch.setattr(uring, "Ring", refuse)
    caplog.set_level(logging.INFO)
    batch = Batch()
    batch.start()
    transport, _ = connect()
    assert batch.try_send_all(FRAME, [transport]) == [0]
    assert not batch.is_active
    assert "io_uring is unavailable: not enough memory" in caplog.text
    batch.close()


def test_close_is_safe_to_repeat_and_before_start() -> None:
    """After it, the batch is not active."""
    batch = Batch()
    batch.close()
    batch.start()
    batch.close()
    batch.close()
    assert not batch.is_active
    assert batch.try_send_all(PONG, []) == []
