"""Clients in memory that read or are stuck, and what makes a hub busy or wait: every wait is for what happens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable, Iterator

from telemetry_stream.hub import Client, Hub
from telemetry_stream.hub.client import QUEUE_FRAMES
from tests.hub.wire import numbered

WAIT_SECONDS = 30.0  # for an event that comes at once unless the code is broken


class Reader(Client):
    """A client that takes every frame, in its order, and can be asked to wait for one."""

    def __init__(self, topic: Hashable = None, name: str = "reader") -> None:
        super().__init__(self._read, topic=topic, name=name)
        self.frames: list[bytes] = []
        self._came = threading.Condition()

    def _read(self, frame: bytes) -> int:
        with self._came:
            self.frames.append(frame)
            self._came.notify_all()
        return len(frame)

    def wait_for(self, frame: bytes) -> None:
        with self._came:
            assert self._came.wait_for(lambda: frame in self.frames, WAIT_SECONDS), self.frames


class Stuck(Client):
    """A client whose peer reads nothing and whose pump is not running; can be waited for to lose so many frames."""

    def __init__(self, topic: Hashable = None) -> None:
        super().__init__(lambda _: 0, topic=topic, name="stuck")
        self.left_grace = threading.Event()
        self._changed = threading.Condition()

    def drop(self) -> None:
        super().drop()
        with self._changed:
            self._changed.notify_all()

    def end_grace(self, frame: bytes, *, last: bool) -> bool:
        over = super().end_grace(frame, last=last)
        if over:
            self.left_grace.set()
            with self._changed:
                self._changed.notify_all()
        return over

    def wait_for_drops(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.dropped == count, WAIT_SECONDS), self


@contextlib.contextmanager
def hub_thread_busy(hub: Hub) -> Iterator[None]:
    """Hold ts-hub inside a send: what the block does meets an inbox that nobody empties."""
    topic = object()
    held, let_go = threading.Event(), threading.Event()

    def hold(frame: bytes) -> int:
        held.set()
        assert let_go.wait(WAIT_SECONDS)
        return len(frame)

    holder = Client(hold, topic=topic, name="holder")
    hub.register(holder)
    assert hub.broadcast(b"hold", topic)
    assert held.wait(WAIT_SECONDS)
    try:
        yield
    finally:
        let_go.set()
        hub.unregister(holder)


def fan_out_all(hub: Hub) -> None:
    """Return once ts-hub has done all that was asked of it before this call."""
    marker = Reader(topic=object(), name="marker")
    hub.register(marker)
    assert hub.broadcast(b"all before this", marker.topic)
    marker.wait_for(b"all before this")
    hub.unregister(marker)


def stick(hub: Hub, clients: list[Stuck]) -> None:
    """Register these clients and broadcast until each is full and in its grace."""
    for client in clients:
        hub.register(client)
    for n in range(QUEUE_FRAMES + 1):
        assert hub.broadcast(numbered(n))
    fan_out_all(hub)
    assert all(client.in_grace for client in clients)
