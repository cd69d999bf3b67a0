"""The hub: hands each broadcast frame to every client of its topic, and waits for none of them.

``ts-hub`` takes frames from a bounded inbox and offers each to the clients of its topic; what a client cannot take at
once is left to ``ts-grace`` (grace.py). So neither the publisher nor another client ever waits for a slow one.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .. import threads
from .client import Client, End
from .grace import GRACE_SECONDS, Grace

INBOX_FRAMES = 4096


@dataclass(frozen=True, slots=True)
class HubStats:
    """Counts since the hub began: ``clients`` is a gauge, all others are counters of frames or clients."""

    clients: int
    registered: int
    sent: int
    dropped: int  # by clients that were behind
    refused: int  # by a full inbox, or after close
    ended: dict[str, int]  # by the words of End


@dataclass(slots=True)
class _Topic:
    """The clients of one topic: registered ones, and those that ``ts-hub`` has let in, whom a fan-out walks."""

    registered: int = 0
    joined: dict[Client, None] = field(default_factory=dict)
    audience: tuple[Client, ...] = ()


class Hub:
    """Broadcasts frames to clients by topic.

    All methods may be called from any thread. The RLock guards the registry (``_clients``, ``_topics`` and the
    counters); a fan-out holds no lock, it walks a topic's immutable ``audience``.
    ``on_crash`` is told if one of the two threads dies of an unexpected error.
    """

    def __init__(
        self,
        *,
        grace_seconds: float = GRACE_SECONDS,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._clients: dict[Client, None] = {}
        self._topics: dict[Hashable, _Topic] = {}
        self._closed = False
        self._registered = 0
        self._refused = 0
        self._dropped_by_departed = 0
        self._sent_by_departed = 0
        self._ended: Counter[str] = Counter()
        # Frames, joining clients, probes, and None to stop: one inbox, so that all of them keep their order.
        self._inbox: queue.SimpleQueue[tuple[Hashable, bytes] | Client | threading.Event | None] = (
            queue.SimpleQueue()
        )
        self._taken = 0  # from the inbox; written by ts-hub alone
        self._grace = Grace(grace_seconds, on_crash=on_crash)
        self._thread = threads.start("ts-hub", self._run, on_crash=on_crash)

    def register(self, client: Client) -> bool:
        """Let ``client`` in: it gets every frame broadcast after this call. False, and ended, after ``close``.

        Raises ValueError if it is in already.
        """
        with self._lock:
            if client in self._clients:
                raise ValueError(f"{client!r} is registered already")
            if not self._closed:
                self._clients[client] = None
                self._topics.setdefault(client.topic, _Topic()).registered += 1
                self._registered += 1
                self._inbox.put(client)
                return True
        client.close(End.GOING_AWAY)
        return False

    def unregister(self, client: Client) -> None:
        """Forget ``client``, which has ended. May be called more than once."""
        with self._lock:
            if client not in self._clients:
                return
            del self._clients[client]
            topic = self._topics[client.topic]
            topic.registered -= 1
            if not topic.registered:
                del self._topics[client.topic]
            elif client in topic.joined:
                del topic.joined[client]
                topic.audience = tuple(topic.joined)
            self._sent_by_departed += client.sent
            self._dropped_by_departed += client.dropped
            self._ended[(client.end or End.GONE).words] += 1

    def broadcast(self, frame: bytes, topic: Hashable = None) -> bool:
        """Hand ``frame`` to the hub's thread, for every client of ``topic``. Never waits.

        False, and counted as refused, if the inbox is full (4096 frames behind) or the hub is closed.
        """
        if self._closed or self._inbox.qsize() >= INBOX_FRAMES:
            with self._lock:
                self._refused += 1
            return False
        self._inbox.put((topic, frame))
        return True

    def topics(self) -> tuple[Hashable, ...]:
        """The topics that have a client."""
        with self._lock:
            return tuple(self._topics)

    def clients(self) -> tuple[Client, ...]:
        """Who is registered."""
        with self._lock:
            return tuple(self._clients)

    def stats(self) -> HubStats:
        """The counts of this moment."""
        with self._lock:
            return HubStats(
                clients=len(self._clients),
                registered=self._registered,
                sent=self._sent_by_departed + sum(c.sent for c in self._clients),
                dropped=self._dropped_by_departed + sum(c.dropped for c in self._clients),
                refused=self._refused,
                ended=dict(self._ended),
            )

    def moves(self, timeout: float) -> bool:
        """Whether ``ts-hub`` takes this probe within ``timeout`` seconds, or at least something that lies before it.

        A hub that is thousands of frames behind moves; one that hangs in a client does not.
        """
        before, probe = self._taken, threading.Event()
        self._inbox.put(probe)
        return probe.wait(timeout) or self._taken != before

    def close(self, end: End = End.GOING_AWAY, timeout: float = 1.0) -> None:
        """Fan out what is in the inbox, end every client for this reason, and stop both threads.

        Waits up to ``timeout`` seconds for each thread; idempotent. Clients stay registered until their owners
        unregister them.
        """
        with self._lock:
            first, self._closed = not self._closed, True
        if first:
            self._inbox.put(None)
        # No thread can join itself: after a crash it is the crashed one that calls on_crash, which may call this.
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        self._grace.close(timeout)
        for client in self.clients():
            client.close(end)

    def _run(self) -> None:
        """Take from the inbox, for ever. Runs on ``ts-hub``."""
        while (item := self._inbox.get()) is not None:
            self._taken += 1
            if isinstance(item, tuple):
                self._fan_out(*item)
            elif isinstance(item, Client):
                self._join(item)
            else:
                item.set()

    def _join(self, client: Client) -> None:
        with self._lock:
            if client in self._clients:  # else it has left already
                topic = self._topics[client.topic]
                topic.joined[client] = None
                topic.audience = tuple(topic.joined)

    def _fan_out(self, topic: Hashable, frame: bytes) -> None:
        members = self._topics.get(topic)
        if members is None:
            return
        stragglers = []
        for client in [client for client in members.audience if not client.offer(frame)]:
            if client.in_grace:
                client.drop()  # waiting for this frame, too, would break the order
            else:
                client.begin_grace(self._grace.room)
                stragglers.append(client)
        if stragglers:
            self._grace.give(frame, stragglers)

    def __repr__(self) -> str:
        stats = self.stats()
        return (
            f"<Hub clients={stats.clients} sent={stats.sent} dropped={stats.dropped} "
            f"refused={stats.refused}>"
        )
