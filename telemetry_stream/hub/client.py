"""A client of the hub: a bounded queue, and the reason why the client ended.

Strategy. Most viewers keep up with the stream. To wake a thread for each frame of each viewer would be the most
expensive part of a broadcast: with 1000 viewers it costs ten times the CPU of the Go reference (docs/performance.md).
Therefore the hub's thread writes a frame *directly* to the socket, with one send that never waits. A frame goes through
the client's queue, which the write pump drains, only if earlier frames are not written yet or if the socket takes
nothing at that moment. The order of frames holds because the direct path is open only while all earlier frames are
written:

* only one thread at a time adds frames to the queue: the hub's thread, or ``ts-grace`` in the client's grace period;
* the write pump calls ``task_done()`` after the write, not before it. So ``unfinished_tasks == 0`` means that all
  earlier frames are written, and only then does the pump open the direct path again.

With many viewers, the system calls of these sends are most of the cost. Where the kernel can make all of them in one
call, the hub passes the clients whose direct path is open on together: ``offer_all`` does for all of them what
``Client.offer`` does for one.

This module does not depend on sockets: ``try_send`` is any callable with the contract of a non-blocking send, and a
``Batch`` is any object that can do the same for many sinks.
"""

from __future__ import annotations

import enum
import queue
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol

from .frame_queue import FLUSH, FrameQueue, Many, frames_in


class End(enum.Enum):
    """Why a client ended: the close code (RFC 6455 section 7.4) and the reason that logs, counters and viewers share.

    The code is ``None`` if no close frame is sent, because the peer is gone.
    """

    GONE = (None, "gone")  # the peer closed, reset or lost the connection
    SILENT = (None, "silent")  # the peer did not answer a ping in time
    GOING_AWAY = (1001, "going away")
    POLICY = (1008, "policy")
    TOO_BIG = (1009, "too big")
    CRASHED = (1011, "internal error")
    SLOW_CONSUMER = (4008, "too slow")

    def __init__(self, code: int | None, reason: str) -> None:
        self.code = code
        self.reason = reason


class Batch(Protocol):
    """Makes the non-blocking sends of many clients at once."""

    @property
    def is_active(self) -> bool:
        """Whether it works. After it has failed, the hub uses ``try_send`` of each client."""

    @property
    def works(self) -> bool | None:
        """Whether it has worked until now, or None before it was tried."""

    def try_send_all(self, frame: bytes, sinks: Sequence[Any], /) -> Sequence[int]:
        """Return for each sink what ``try_send`` of its client would, or a negative number for its OSError."""


class Client:
    """One receiver of the frames of one topic.

    ``try_send(frame)`` never waits and returns the number of bytes that it sent: all of them, none, or a part. In the
    last case the number may be an estimate, and the sender keeps the rest and sends it before anything else. It raises
    OSError if the peer is gone.

    Threads: the hub's thread calls ``offer``, ``offer_many`` and ``begin_grace``; ``ts-grace`` calls ``end_grace``; the
    write pump calls ``take`` and ``done``; the owner calls ``queue_first`` before it registers the client; any thread
    may call ``close`` and ``drop``.
    """

    # With 1000 viewers, a fan-out finds none of their objects in the processor's cache. Therefore slots keep the
    # attributes of a client together, and the queue is not touched while the direct path is open. Measured, the two
    # halve the cost that a client adds to the bare send.
    __slots__ = (
        "_direct",
        "_lock",
        "_on_room",
        "_open_sink",
        "_sent_directly",
        "_sent_queued",
        "_sink",
        "_try_send",
        "dropped",
        "end",
        "name",
        "queue",
        "topic",
    )

    def __init__(
        self,
        try_send: Callable[[bytes], int],
        *,
        sink: object = None,
        topic: Hashable = None,
        name: str = "client",
    ) -> None:
        self.topic = topic
        self.name = name
        self.queue = FrameQueue()
        self.end: End | None = None  # None while the client is open; the first reason is kept
        self.dropped = 0
        # Not None during the grace period. The write pump calls it after it has taken an item from the queue.
        self._on_room: Callable[[Client], None] | None = None
        self._try_send = try_send
        # None while the direct path is closed: if earlier frames are not written, in the grace period, after the end.
        self._direct: Callable[[bytes], int] | None = try_send
        # The same for a Batch. One attribute is all that a batch reads of a client.
        self._sink = sink
        self._open_sink: object | None = sink
        # Guards dropped, and writes to end, _direct and _on_room.
        self._lock = threading.Lock()
        # Each has one writer (the hub's thread, the write pump), so neither needs the lock.
        self._sent_directly = 0
        self._sent_queued = 0

    @property
    def sent(self) -> int:
        """The number of frames written to the socket, including a frame of which the sender still keeps the rest."""
        return self._sent_directly + self._sent_queued

    def queue_first(self, frames: Iterator[bytes]) -> None:
        """Queue the frames that this client gets before its first live frame.

        The write pump takes each frame from the iterator when the one before is written. Call this method before the
        client is registered, so that these frames and the live ones meet without a gap or a duplicate.
        """
        with self._lock:
            self._close_direct_path_locked()
            self.queue.put_nowait(frames)

    def offer(self, frame: bytes) -> bool:
        """Send or queue ``frame`` without waiting. Return False if the client cannot take it because it is lagging.

        A client is lagging while its queue is full, and during its grace period. A client that has ended discards the
        frame and returns True.
        """
        direct = self._direct
        if direct is not None:
            try:
                taken = direct(frame)
            except OSError:
                self.close(End.GONE)
                return True
            return self._sent(frame, taken)
        if self.end is not None:
            return True
        if self.in_grace:
            return False
        return self._queue(frame)

    def offer_many(self, frames: Many) -> bool:
        """Queue frames that take one place, however many they are; the write pump makes each when it can write it.

        Return False if the client is lagging, as ``offer`` does, or if others wait that were offered in this way.
        """
        if self.end is not None:
            return True
        return not self.in_grace and self._queue(frames)

    def _sent(self, frame: bytes, taken: int) -> bool:
        """Note how much the direct path took, and queue the frame if that is nothing; return the value of ``offer``."""
        if not taken:
            return self._queue(frame)
        self._sent_directly += 1
        if taken < len(frame):
            with self._lock:
                self._wake_pump_locked()
        return True

    def _queue(self, frame: bytes | Many) -> bool:
        with self._lock:
            if not self.queue.offer(frame):
                return False
            self._close_direct_path_locked()
        return True

    @property
    def in_grace(self) -> bool:
        """Whether ``ts-grace`` waits for room in the queue. Meanwhile no other thread may add frames to the queue."""
        return self._on_room is not None

    def begin_grace(self, on_room: Callable[[Client], None]) -> None:
        """Begin the grace period, in which the write pump calls ``on_room(self)`` after it has taken an item."""
        with self._lock:
            self._close_direct_path_locked()
            self._on_room = on_room

    def end_grace(self, frame: bytes | Many, *, last: bool) -> bool:
        """Try once more to queue ``frame``. Return True if that ended the grace period.

        The grace period ends when the frame is queued. The ``last`` attempt always ends it: without room, the frame is
        dropped, and counted unless the client has ended.
        """
        with self._lock:
            if not self.queue.offer(frame):
                if not last:
                    return False
                if self.end is None:
                    self.dropped += frames_in(frame)
            self._on_room = None
        return True

    def drop(self, frames: int = 1) -> None:
        """Count frames that this client does not get."""
        with self._lock:
            self.dropped += frames

    def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
        """Return the next item to write, or None if there was none within ``timeout`` seconds."""
        try:
            item = self.queue.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        # If begin_grace runs after this check, no notification is sent. That is safe: ts-grace calls end_grace
        # afterwards, and end_grace finds the room.
        if (on_room := self._on_room) is not None:
            on_room(self)
        return self._made(item) if isinstance(item, Many) else item

    def _made(self, frames: Many) -> Iterator[bytes]:
        """Make the frames one by one, and count those that cannot be made any more as dropped."""
        made = 0
        for made, frame in enumerate(frames.make(), 1):  # noqa: B007  # the last number is needed
            yield frame
        if made < frames.count:
            self.drop(frames.count - made)

    def done(self, frames: int) -> None:
        """Record that the item returned by ``take`` is written, and how many frames it held."""
        self._sent_queued += frames
        with self._lock:
            self.queue.task_done()
            if not (self.queue.unfinished_tasks or self.in_grace or self.end):
                self._direct, self._open_sink = self._try_send, self._sink

    def close(self, end: End) -> bool:
        """End the client for this reason, unless it has ended already. Return whether this call ended it.

        This works even if the queue is full: the pump checks ``end`` after each frame, and sleeps only on an empty
        queue.
        """
        with self._lock:
            if self.end is not None:
                return False
            self.end = end
            self._wake_pump_locked()
        return True

    def _wake_pump_locked(self) -> None:
        """Close the direct path, and wake the pump if it sleeps on an empty queue."""
        self._close_direct_path_locked()
        self.queue.offer(FLUSH)  # not needed if the queue is full: the pump does not sleep then

    def _close_direct_path_locked(self) -> None:
        self._direct = self._open_sink = None

    def __repr__(self) -> str:
        state = "open" if self.end is None else self.end.reason
        return (
            f"<Client {self.name} {state} waiting={self.queue.qsize()} "
            f"sent={self.sent} dropped={self.dropped}>"
        )


def offer_all(clients: Sequence[Client], frame: bytes, batch: Batch) -> list[Client]:
    """Offer ``frame`` to all of these clients. Return those that cannot take it because they are lagging.

    Clients whose direct path is open, and that have a sink, are passed to ``batch`` together.
    """
    sinks = [client._open_sink for client in clients]
    direct = clients
    if None in sinks:
        direct = [client for client, sink in zip(clients, sinks, strict=True) if sink is not None]
        sinks = [sink for sink in sinks if sink is not None]
    taken = batch.try_send_all(frame, sinks)
    if taken.count(len(frame)) == len(clients):  # as usual: all clients are served
        for client in direct:
            client._sent_directly += 1
        return []
    lagging = []
    for client, count in zip(direct, taken, strict=True):
        if count < 0:
            client.close(End.GONE)
        elif not client._sent(frame, count):
            lagging.append(client)
    served = set(direct)
    lagging += [client for client in clients if client not in served and not client.offer(frame)]
    return lagging
