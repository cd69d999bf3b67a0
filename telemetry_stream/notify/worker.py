"""The thread of one receiver: makes one attempt at a time, and reports how it ended.

Another thread decides what is sent and how long an attempt may take. An attempt that cannot be aborted, such as a name
lookup, delays only this receiver: the thread is a daemon, and a stop of the program does not wait for it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from .. import threads
from .channel import DeliveryError, Sender
from .message import Message

log = logging.getLogger(__name__)

Report = Callable[["Worker", DeliveryError | None], object]


class Worker:
    """Owns the sender of one receiver. ``on_end(worker, error)`` is called on its thread after each attempt."""

    def __init__(self, sender: Sender, on_end: Report) -> None:
        self._sender = sender
        self._on_end = on_end
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self, number: int, on_crash: Callable[[BaseException], None]) -> None:
        """Start the thread. Raises ThreadUnavailableError."""
        self._thread = threads.start(f"ts-notify-{number}", self._run, on_crash=on_crash)

    def send(self, message: Message) -> None:
        """Begin an attempt. The one before must have ended."""
        self._sender.begin()
        self._messages.put(message)

    def abort(self) -> None:
        """Make the attempt in progress fail soon."""
        self._sender.abort()

    def stop(self) -> None:
        """Make no further attempt."""
        self._messages.put(None)

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while (message := self._messages.get()) is not None:
            self._on_end(self, attempt(self._sender, message))


def attempt(sender: Sender, message: Message) -> DeliveryError | None:
    """Send a message; return why it was not accepted, or None."""
    try:
        sender.send(message)
    except DeliveryError as error:
        return error
    except Exception as error:  # noqa: BLE001  # a mistake in a sender must not end the program
        # Its text and its traceback may contain the request with its secrets.
        log.error("A message cannot be made or sent: %s", type(error).__name__)
        return DeliveryError(f"internal error: {type(error).__name__}")
    return None
