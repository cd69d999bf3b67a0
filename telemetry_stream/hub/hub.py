"""The hub: sends each broadcast frame to every client of its topic, and waits for no client.

``ts-hub`` takes frames from a bounded inbox and offers each one to the clients of its topic. A client that cannot take
the frame at once is passed to ``ts-grace`` (grace.py). So neither the publisher nor another client ever waits for a
slow client.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

from .. import threads
from .client import Batch, Client, End, offer_all
from .frame_queue import Many, frames_in
from .grace import Grace

INBOX_FRAMES = 4096

# A batch costs more than the sends of fewer clients than these (docs/performance.md).
BATCH_CLIENTS = 24

Frames = Iterator[tuple[Hashable, bytes | Many]]

# What the inbox holds: one frame with its topic, several of them, a joining client, a probe.
_Item = tuple[Hashable, bytes] | Frames | Client | threading.Event


@dataclass(frozen=True, slots=True)
class HubStats:
    """Counts since the hub was made: ``clients`` is a gauge, all others are counters of frames or clients."""

    clients: int
    registered: int
    sent: int
    dropped: int  # one for each frame that a lagging client did not get
    refused: int  # because the inbox was full, or the hub closed
    ended: dict[str, int]  # unregistered clients by End.reason
    is_batched: bool | None  # whether one call sends a frame to many clients; None: not tried yet


def _group_of(topic: Hashable) -> Hashable:
    """Return the group of a topic: its attribute ``group``, or None if it has none."""
    return getattr(topic, "group", None)


@dataclass(slots=True)
class _Topic:
    """The clients of one topic. ``registered`` also counts those that ``ts-hub`` has not added to ``joined`` yet.

    ``audience`` is an immutable copy of ``joined``, over which a fan-out iterates.
    """

    registered: int = 0
    joined: dict[Client, None] = field(default_factory=dict)
    audience: tuple[Client, ...] = ()


class Hub:
    """Broadcasts frames to clients by topic, from ``start`` to ``close``.

    Any thread may call any method. The RLock guards the registry (``_clients``, ``_topics``, ``_groups`` and the
    counters). A fan-out holds no lock: it iterates over a topic's immutable ``audience``.

    A topic may have an attribute ``group``. ``topics_of`` returns the topics of one group without a scan of all others.

    ``on_crash`` is called if one of the two threads dies of an unexpected error. ``batch`` is used for larger audiences
    as long as it is active.
    """

    def __init__(
        self,
        *,
        batch: Batch | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._clients: dict[Client, None] = {}
        self._topics: dict[Hashable, _Topic] = {}
        self._groups: dict[Hashable, dict[Hashable, None]] = {}  # the topics by group
        self._closed = False
        self._registered = 0
        self._refused = 0
        self._dropped_by_departed = 0
        self._sent_by_departed = 0
        self._ended: Counter[str] = Counter()
        # Frames, joining clients, probes, and None to stop: one inbox keeps their order.
        self._inbox: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._taken = 0  # items taken from the inbox; only ts-hub writes it
        self._batch = batch
        self._on_crash = on_crash
        self._grace = Grace(on_crash=on_crash)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start both threads. Raises ThreadUnavailableError; ``close`` then stops the other one."""
        self._grace.start()
        self._thread = threads.start("ts-hub", self._run, on_crash=self._on_crash)

    def register(self, client: Client) -> bool:
        """Add ``client``: it gets every frame that is broadcast after this call.

        After ``close``, end the client and return False. Raises ValueError if it is registered already.
        """
        with self._lock:
            if client in self._clients:
                raise ValueError(f"{client!r} is registered already")
            if not self._closed:
                self._clients[client] = None
                self._topics.setdefault(client.topic, _Topic()).registered += 1
                self._groups.setdefault(_group_of(client.topic), {})[client.topic] = None
                self._registered += 1
                self._inbox.put(client)
                return True
        client.close(End.GOING_AWAY)
        return False

    def unregister(self, client: Client) -> None:
        """Remove ``client``, which has ended. Safe to call twice."""
        with self._lock:
            if client not in self._clients:
                return
            del self._clients[client]
            topic = self._topics[client.topic]
            topic.registered -= 1
            if not topic.registered:
                self._forget_locked(client.topic)
            elif client in topic.joined:
                del topic.joined[client]
                topic.audience = tuple(topic.joined)
            self._sent_by_departed += client.sent
            self._dropped_by_departed += client.dropped
            self._ended[(client.end or End.GONE).reason] += 1

    def _forget_locked(self, topic: Hashable) -> None:
        """Remove a topic that has no client any more."""
        del self._topics[topic]
        group = self._groups[_group_of(topic)]
        del group[topic]
        if not group:
            del self._groups[_group_of(topic)]

    def broadcast(self, frame: bytes, topic: Hashable = None) -> bool:
        """Queue ``frame`` for every client of ``topic``. Never waits.

        Return False, and count the frame as refused, if the inbox is full (4096 frames) or the hub is closed.
        """
        if self._closed or self._inbox.qsize() >= INBOX_FRAMES:
            return self._refuse()
        self._inbox.put((topic, frame))
        return True

    def broadcast_each(self, frames: Frames) -> bool:
        """Queue the pairs of topic and frame, which ``ts-hub`` takes from the iterator: there they may be made.

        In the place of a frame there may be many of them, which are made for each client.

        Counts as one frame in the inbox. The iterator must not raise.
        """
        if self._closed or self._inbox.qsize() >= INBOX_FRAMES:
            return self._refuse()
        self._inbox.put(frames)
        return True

    def _refuse(self) -> bool:
        with self._lock:
            self._refused += 1
        return False

    def topics(self) -> tuple[Hashable, ...]:
        """The topics that have a client."""
        with self._lock:
            return tuple(self._topics)

    def topics_of(self, group: Hashable) -> tuple[Hashable, ...]:
        """The topics of this group that have a client."""
        with self._lock:
            return tuple(self._groups.get(group, ()))

    def clients(self) -> tuple[Client, ...]:
        """The registered clients."""
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
                is_batched=self._batch is not None and self._batch.works,
            )

    def is_responsive(self, timeout: float) -> bool:
        """Return whether ``ts-hub`` takes an item from its inbox within ``timeout`` seconds. Queues a probe for that.

        A hub with thousands of waiting frames is responsive. A hub that hangs in the send of a client is not.
        """
        before, probe = self._taken, threading.Event()
        self._inbox.put(probe)
        return probe.wait(timeout) or self._taken != before

    def close(self, end: End = End.GOING_AWAY, timeout: float = 1.0) -> None:
        """Fan out the frames in the inbox, stop both threads, and end every client for this reason.

        Waits up to ``timeout`` seconds for each thread. Safe to call twice, and before ``start``. Clients stay
        registered until their owners unregister them.
        """
        with self._lock:
            first, self._closed = not self._closed, True
        if first:
            self._inbox.put(None)
        # A thread cannot join itself: after a crash it calls on_crash, which may call this method.
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        self._grace.close(timeout)
        for client in self.clients():
            client.close(end)

    def _run(self) -> None:
        """Handle the items of the inbox in order, until ``close``. Runs on ``ts-hub``."""
        while (item := self._inbox.get()) is not None:
            self._taken += 1
            if isinstance(item, tuple):
                self._fan_out(*item)
            elif isinstance(item, Client):
                self._join(item)
            elif isinstance(item, threading.Event):
                item.set()
            else:
                for topic, frame in item:
                    self._fan_out(topic, frame)

    def _join(self, client: Client) -> None:
        with self._lock:
            if client in self._clients:  # it may have been unregistered meanwhile
                topic = self._topics[client.topic]
                topic.joined[client] = None
                topic.audience = tuple(topic.joined)

    def _fan_out(self, topic: Hashable, frame: bytes | Many) -> None:
        members = self._topics.get(topic)
        if members is None:
            return
        audience, batch, lagging = members.audience, self._batch, []
        if isinstance(frame, Many):
            full = [client for client in audience if not client.offer_many(frame)]
        elif batch is not None and len(audience) >= BATCH_CLIENTS and batch.is_active:
            full = offer_all(audience, frame, batch)
        else:
            full = [client for client in audience if not client.offer(frame)]
        for client in full:
            if client.in_grace:
                # An earlier frame waits for room, and this one must not come before it.
                client.drop(frames_in(frame))
            else:
                client.begin_grace(self._grace.room_made)
                lagging.append(client)
        if lagging:
            self._grace.wait_for_room(frame, lagging)

    def __repr__(self) -> str:
        stats = self.stats()
        return (
            f"<Hub clients={stats.clients} sent={stats.sent} dropped={stats.dropped} "
            f"refused={stats.refused}>"
        )
