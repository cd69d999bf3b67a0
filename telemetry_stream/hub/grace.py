"""The grace of the stragglers: a client whose queue is full has 100 ms to make room before it loses the frame.

Seen from one client this is exactly ``queue.put(frame, timeout=0.1)``. All stragglers wait here together, on one
thread and one inbox, so a hundred stuck clients cost 100 ms here and nothing to anyone else: the write pump that makes
room says so, and a client that recovers leaves its grace at once, however many others are stuck.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from .. import threads
from .client import Client

GRACE_SECONDS = 0.1


class Grace:
    """Owns the thread ``ts-grace``. ``give`` is called by the hub's thread, ``room`` by write pumps."""

    def __init__(
        self, seconds: float, *, on_crash: Callable[[BaseException], None] | None = None
    ) -> None:
        self.seconds = seconds
        # Stragglers of one frame with their deadline, a client that has made room, or None to stop.
        self._inbox: queue.SimpleQueue[tuple[float, bytes, list[Client]] | Client | None] = (
            queue.SimpleQueue()
        )
        self._thread = threads.start("ts-grace", self._run, on_crash=on_crash)

    def give(self, frame: bytes, clients: list[Client]) -> None:
        """Wait for room for ``frame`` on behalf of these clients, whose grace has begun. Never waits itself."""
        self._inbox.put((time.monotonic() + self.seconds, frame, clients))

    def room(self, client: Client) -> None:
        """``client`` has taken a frame from its queue."""
        self._inbox.put(client)

    def close(self, timeout: float) -> None:
        """Stop at once: what is waited for gets a last try now. Idempotent."""
        self._inbox.put(None)
        # No thread can join itself: after a crash it is the crashed one that calls on_crash, which may call this.
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        # In order of their deadlines, because all graces are equally long.
        waiting: dict[Client, tuple[float, bytes]] = {}
        while True:
            self._expire(waiting)
            timeout = None
            if waiting:
                timeout = max(0.0, next(iter(waiting.values()))[0] - time.monotonic())
            try:
                item = self._inbox.get(timeout=timeout)
            except queue.Empty:
                continue
            if item is None:
                for client, (_, frame) in waiting.items():
                    client.end_grace(frame, last=True)
                return
            if isinstance(item, Client):
                if item in waiting and item.end_grace(waiting[item][1], last=False):
                    del waiting[item]
                continue
            deadline, frame, clients = item
            for client in clients:
                if not client.end_grace(frame, last=False):
                    waiting[client] = (deadline, frame)

    @staticmethod
    def _expire(waiting: dict[Client, tuple[float, bytes]]) -> None:
        now = time.monotonic()
        while waiting:
            client, (deadline, frame) = next(iter(waiting.items()))
            if deadline > now:
                return
            client.end_grace(frame, last=True)
            del waiting[client]
