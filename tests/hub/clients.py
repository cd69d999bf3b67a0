"""Clients in memory that read everything or nothing, and functions that bring a hub into a certain state.

No function sleeps: each one waits for an event.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator

from telemetry_stream.hub import Client, Hub
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES, Item, Many
from tests.hub.transport import numbered

WAIT_SECONDS = 30.0  # for an event that comes at once unless the code is broken


def nothing(frame: bytes) -> int:
    """Take nothing of a frame, as a full socket."""
    return 0


class ReadingClient(Client):
    """A client that takes every frame directly, and records it."""

    def __init__(self, topic: Hashable = None, name: str = "reading") -> None:
        super().__init__(self._read, sink=self._read, topic=topic, name=name)
        self.frames: list[bytes] = []
        self._changed = threading.Condition()

    def _read(self, frame: bytes) -> int:
        with self._changed:
            self.frames.append(frame)
            self._changed.notify_all()
        return len(frame)

    def wait_for(self, frame: bytes) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: frame in self.frames, WAIT_SECONDS), self.frames


class QueuedClient(Client):
    """A client whose direct path takes nothing, so that every frame goes through its queue.

    Without a write pump it is stuck: its queue fills, and then it loses frames.
    """

    def __init__(self, topic: Hashable = None) -> None:
        super().__init__(nothing, sink=nothing, topic=topic, name="queued")
        self.grace_ended = threading.Event()
        self.grace_ended_at = 0.0  # monotonic seconds
        self._changed = threading.Condition()

    def waiting(self) -> list[Item]:
        """Return the items in the queue, the oldest first."""
        return list(self.queue.queue)

    def drop(self, frames: int = 1) -> None:
        super().drop(frames)
        with self._changed:
            self._changed.notify_all()

    def end_grace(self, frame: bytes | Many, *, last: bool) -> bool:
        ended = super().end_grace(frame, last=last)
        if ended:
            self.grace_ended_at = time.monotonic()
            self.grace_ended.set()
            with self._changed:
                self._changed.notify_all()
        return ended

    def wait_for_drops(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.dropped == count, WAIT_SECONDS), self


def fill(client: Client) -> list[bytes]:
    """Fill the queue of a client whose direct path takes nothing. Return the queued frames."""
    frames = [numbered(n) for n in range(QUEUE_FRAMES)]
    assert all(client.offer(frame) for frame in frames)
    return frames


def make_lagging(client: Client, on_room: Callable[[Client], None]) -> list[bytes]:
    """Fill the queue of the client and begin its grace period. Return the queued frames."""
    frames = fill(client)
    assert not client.offer(b"new")
    client.begin_grace(on_room)
    return frames


def hub_threads() -> set[str]:
    """Return the names of the threads of hubs that are running."""
    return {"ts-hub", "ts-grace"} & {thread.name for thread in threading.enumerate()}


@contextlib.contextmanager
def hub_thread_blocked(hub: Hub) -> Iterator[None]:
    """Block ts-hub in the send of a client, so that no item is taken from the inbox of the hub during the block."""
    topic = object()
    blocked, released = threading.Event(), threading.Event()

    def send(frame: bytes) -> int:
        blocked.set()
        assert released.wait(WAIT_SECONDS)
        return len(frame)

    client = Client(send, topic=topic, name="blocking")
    hub.register(client)
    assert hub.broadcast(b"block", topic)
    assert blocked.wait(WAIT_SECONDS)
    try:
        yield
    finally:
        released.set()
        hub.unregister(client)


def wait_for_fan_out(hub: Hub) -> None:
    """Wait until ts-hub has handled everything that was in its inbox at this call."""
    marker = ReadingClient(topic=object(), name="marker")
    hub.register(marker)
    assert hub.broadcast(b"marker", marker.topic)
    marker.wait_for(b"marker")
    hub.unregister(marker)


def register_lagging(hub: Hub, clients: list[QueuedClient]) -> None:
    """Register these clients, and broadcast frames 0 to 16: 16 frames fill each queue, and the last one must wait."""
    for client in clients:
        hub.register(client)
    for n in range(QUEUE_FRAMES + 1):
        assert hub.broadcast(numbered(n))
    wait_for_fan_out(hub)
    assert all(client.in_grace for client in clients)
