"""The grace period of lagging clients: a client whose queue is full has 100 ms to make room, or it loses the frame.

For one client this has the effect of ``queue.put(frame, timeout=0.1)``. All lagging clients wait together, on one
thread with one inbox, so a hundred stuck clients keep that thread waiting for 100 ms and delay no other thread. A write
pump that makes room notifies this thread, so the grace period of a client that recovers ends at once, however many
others are stuck.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from .. import threads
from .client import Client
from .frame_queue import Many

GRACE_SECONDS = 0.1


class Grace:
    """Owns the thread ``ts-grace``. The hub's thread calls ``wait_for_room``, write pumps call ``room_made``."""

    def __init__(self, *, on_crash: Callable[[BaseException], None] | None = None) -> None:
        # One of: the deadline of a frame with the frame and the clients that wait to take it; a client that has made
        # room; None to stop.
        self._inbox: queue.SimpleQueue[tuple[float, bytes | Many, list[Client]] | Client | None] = (
            queue.SimpleQueue()
        )
        self._on_crash = on_crash
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. Raises ThreadUnavailableError."""
        self._thread = threads.start("ts-grace", self._run, on_crash=self._on_crash)

    def wait_for_room(self, frame: bytes | Many, clients: list[Client]) -> None:
        """Have ``ts-grace`` queue ``frame`` for each of these clients as soon as it has room. Never waits.

        The grace period of each client must have begun.
        """
        self._inbox.put((time.monotonic() + GRACE_SECONDS, frame, clients))

    def room_made(self, client: Client) -> None:
        """Notify ``ts-grace`` that the write pump of ``client`` has taken an item from its queue."""
        self._inbox.put(client)

    def close(self, timeout: float) -> None:
        """Make one last attempt for each waiting frame and stop the thread. Safe to call twice, and before ``start``.

        Waits up to ``timeout`` seconds for the thread.
        """
        self._inbox.put(None)
        # A thread cannot join itself: after a crash it calls on_crash, which may call this method.
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        # In the order of their deadlines, because all grace periods have the same length.
        waiting: dict[Client, tuple[float, bytes | Many]] = {}
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
    def _expire(waiting: dict[Client, tuple[float, bytes | Many]]) -> None:
        """Make the last attempt for each frame whose deadline has passed."""
        now = time.monotonic()
        while waiting:
            client, (deadline, frame) = next(iter(waiting.items()))
            if deadline > now:
                return
            client.end_grace(frame, last=True)
            del waiting[client]
