"""A consumer: a client of the hub inside this program, for publishing to a broker or recording to a file.

It gets the messages of one choice as every viewer does: through a queue of 16 frames. A consumer that does not take
them in time loses its own messages and costs no other client anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from ..hub import Client, End
from .choice import Choice, Framing


def _whole(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield b"".join(pieces)


# A consumer gets the JSON text of each message as it is.
FRAMING = Framing(lambda text: text, _whole)

# The hub's thread queues an announced message at once, unless it has to wait for the interpreter.
ANNOUNCED_SECONDS = 0.1


class Consumer:
    """Yields the messages of one choice, from ``hello`` on. Made by ``Stream.attach``; close it, or use ``with``.

    One thread takes messages; any thread may close. ``wake`` is for a thread that waits for something else, too: it is
    called on the hub's thread just before a message is queued, if none is waiting. ``take`` waits for that message.
    """

    def __init__(
        self,
        choice: Choice,
        name: str,
        detach: Callable[[Client], object],
        wake: Callable[[], object] | None = None,
    ) -> None:
        # Each frame goes through the queue: there is no socket that could take it directly.
        self.client = Client(self._announce, topic=choice, name=name)
        self._detach = detach
        self._wake = wake
        self._is_announced = False
        self._opening: Iterator[bytes] | None = None  # drawn one by one before the live messages
        self._drawn = 0

    @property
    def dropped(self) -> int:
        """The number of messages that were not taken in time."""
        return self.client.dropped

    @property
    def end(self) -> End | None:
        """Why there are no more messages, or None while there may be."""
        return self.client.end

    def take(self, timeout: float) -> bytes | None:
        """Return the next message as JSON text (UTF-8), or None if there is none within ``timeout`` seconds.

        After the hub was closed the waiting messages can still be taken; after ``close`` there are none.
        """
        if self.end is End.GONE:
            return None
        if (message := self._maybe_opening()) is not None:
            return message
        if self._is_announced:
            timeout = max(timeout, ANNOUNCED_SECONDS)
        # close() cannot add its item to a full queue, so after the end do not wait.
        item = self.client.take(timeout if self.end is None else 0.0)
        self._is_announced = False
        if item is None:
            return None
        if isinstance(item, bytes):
            self.client.done(bool(item))
            return item or None
        self._opening, self._drawn = item, 0
        return self._maybe_opening()

    def _announce(self, _frame: bytes) -> int:
        """Take nothing, so that the hub queues the frame. Runs on the hub's thread, in place of a direct write."""
        self._is_announced = True
        if self._wake is not None:
            self._wake()
        return 0

    def _maybe_opening(self) -> bytes | None:
        if self._opening is None:
            return None
        message = next(self._opening, None)
        if message is None:
            self.client.done(self._drawn)
            self._opening = None
        else:
            self._drawn += 1
        return message

    def close(self) -> None:
        """Detach from the hub. Safe to repeat."""
        self.client.close(End.GONE)
        self._detach(self.client)

    def __iter__(self) -> Iterator[bytes]:
        """Yield messages until the hub or the consumer is closed."""
        while True:
            message = self.take(3600.0)
            if message is not None:
                yield message
            elif self.end is not None:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
