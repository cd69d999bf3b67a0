"""A client of the hub: a bounded queue and its end.

Strategy. Most viewers keep up, and for them waking a thread per frame is the dearest part of a broadcast: measured
with 1000 viewers it costs ten times the CPU of the Go reference. So the hub's thread hands a frame *straight* to the
socket with one send that never waits, and only a client that is behind gets its frames through the queue, from which
its write pump drains them. Order holds because the straight path is open only while nothing is waiting:

* only one thread adds to the queue at a time: the hub's, or ``ts-grace`` while the client is in its grace;
* the write pump calls ``task_done()`` after the write, not before it, so ``unfinished_tasks == 0`` means that all
  earlier frames have left; only then does it open the straight path again.

This module knows no sockets: ``try_send`` is any callable with the contract of a non-blocking send.
"""

from __future__ import annotations

import enum
import queue
import threading
from collections.abc import Callable, Hashable, Iterator

QUEUE_FRAMES = 16

# Queued when the straight path could send only a part: the sender keeps the rest, the pump has to finish it.
FLUSH = b""


class End(enum.Enum):
    """Why a client ended: the close code (RFC 6455 section 7.4) and the words that logs, counters and viewers share.

    The code is ``None`` where there is nobody left to tell.
    """

    GONE = (None, "gone")  # closed, reset or vanished by itself
    SILENT = (None, "silent")  # answered no ping in time
    GOING_AWAY = (1001, "going away")
    POLICY = (1008, "policy")
    TOO_BIG = (1009, "too big")
    CRASHED = (1011, "internal error")
    SLOW_CONSUMER = (4008, "too slow")

    def __init__(self, code: int | None, words: str) -> None:
        self.code = code
        self.words = words


class Client:
    """One receiver of one topic.

    ``try_send(frame)`` never waits and returns how many bytes it took: all, none, or a part of which it keeps the rest
    and sends it before anything else. It raises OSError when the peer is gone.

    Who calls what: ``offer``, ``begin_grace`` the hub's thread; ``end_grace`` its ``ts-grace``; ``take``, ``done``
    the write pump; ``owe`` the owner, before it registers the client; ``close``, ``drop`` any thread.
    """

    # With 1000 viewers a fan-out finds each of them out of the cache. Slots keep what it reads together, and the queue
    # is not touched while the straight path is open: measured, the two halve what we add to the cost of a bare send.
    __slots__ = (
        "_lock",
        "_on_room",
        "_sent_queued",
        "_sent_straight",
        "_straight",
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
        topic: Hashable = None,
        name: str = "client",
        queue_frames: int = QUEUE_FRAMES,
    ) -> None:
        self.topic = topic
        self.name = name
        self.queue: queue.Queue[bytes | Iterator[bytes]] = queue.Queue(maxsize=queue_frames)
        self.end: End | None = None  # the first reason wins; None while the client lives
        self.dropped = 0
        # Not None while the client is in its grace: told of each frame that the write pump takes.
        self._on_room: Callable[[Client], None] | None = None
        self._try_send = try_send
        # The straight path while it is open: nothing is waiting, the client is in no grace and has not ended.
        self._straight: Callable[[bytes], int] | None = try_send
        # Guards dropped, and the writing of end, _straight and _on_room.
        self._lock = threading.Lock()
        # One writer each (the hub's thread, the write pump), so neither needs the lock.
        self._sent_straight = 0
        self._sent_queued = 0

    @property
    def sent(self) -> int:
        """How many frames went out to the socket, whole or with a rest that the sender keeps."""
        return self._sent_straight + self._sent_queued

    def owe(self, frames: Iterator[bytes]) -> None:
        """Queue what this client is owed before its first live frame; the write pump draws the frames one by one.

        To be called before the client is registered, so that history and live meet with neither a hole nor a double.
        """
        with self._lock:
            self._straight = None
            self.queue.put_nowait(frames)

    def offer(self, frame: bytes) -> bool:
        """Take ``frame`` if that needs no waiting; False if the client is a straggler.

        A client that has ended takes everything, and forgets it.
        """
        straight = self._straight
        if straight is not None:
            try:
                taken = straight(frame)
            except OSError:
                self.close(End.GONE)
                return True
            if taken:
                self._sent_straight += 1
                if taken < len(frame):
                    with self._lock:
                        self._wake_pump_locked()
                return True
        elif self.end is not None:
            return True
        elif self.in_grace:
            return False
        with self._lock:
            try:
                self.queue.put_nowait(frame)
            except queue.Full:
                return False
            self._straight = None
        return True

    @property
    def in_grace(self) -> bool:
        """Whether ``ts-grace`` is waiting for room in the queue; meanwhile nobody else may add to it."""
        return self._on_room is not None

    def begin_grace(self, on_room: Callable[[Client], None]) -> None:
        """Leave the adding to ``ts-grace``; from now on ``on_room(self)`` is called after each frame taken."""
        with self._lock:
            self._straight = None
            self._on_room = on_room

    def end_grace(self, frame: bytes, *, last: bool) -> bool:
        """Try once more to take ``frame``; True if the grace is over, because it was taken or this was the last try."""
        with self._lock:
            try:
                self.queue.put_nowait(frame)
            except queue.Full:
                if not last:
                    return False
                if self.end is None:
                    self.dropped += 1
            self._on_room = None
        return True

    def drop(self) -> None:
        """Count a frame that this client will not get."""
        with self._lock:
            self.dropped += 1

    def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
        """The next thing to write, or None if nothing came within ``timeout`` seconds."""
        try:
            item = self.queue.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None
        # Room was made before this look, and begin_grace comes before the first end_grace: one of the two sees it.
        if (on_room := self._on_room) is not None:
            on_room(self)
        return item

    def done(self, frames: int) -> None:
        """What ``take`` returned has been written, as this many frames."""
        self._sent_queued += frames
        with self._lock:
            self.queue.task_done()
            if not (self.queue.unfinished_tasks or self.in_grace or self.end):
                self._straight = self._try_send

    def close(self, end: End) -> bool:
        """End the client, for this reason unless it has one already. True if this call was the one that ended it.

        Works on a full queue: the pump looks at ``end`` after each frame, and sleeps only on an empty queue.
        """
        with self._lock:
            if self.end is not None:
                return False
            self.end = end
            self._wake_pump_locked()
        return True

    def _wake_pump_locked(self) -> None:
        """Close the straight path, and give the pump something to take if it is asleep on an empty queue."""
        self._straight = None
        try:
            self.queue.put_nowait(FLUSH)
        except queue.Full:
            pass  # then the pump is not asleep, and needs no waking

    def __repr__(self) -> str:
        state = "open" if self.end is None else self.end.words
        return (
            f"<Client {self.name} {state} waiting={self.queue.qsize()} "
            f"sent={self.sent} dropped={self.dropped}>"
        )
