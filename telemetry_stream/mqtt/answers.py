"""The answers to front ends that request remembered samples: a compressed history in parts, as fast as is allowed.

Each part is a line of JSON, ``{"stream":…,"part":0,"last":false}``, and then bytes. Those of all parts together are a
zlib stream of the ``history`` message. The parts are made when they are sent, so a request for ten minutes
costs 64 KiB.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from ..stream import Feed, Resume, to_json
from .messages import LEVEL_OF_COMPRESSION, Ask

PART_BYTES = 64 * 1024
HEAD_BYTES = 256  # the line of JSON is shorter
BYTES_PER_SECOND = 1024 * 1024
# A link that is so slow must not keep samples in memory that the ring does not have any more.
ANSWER_SECONDS = 30.0


class Answers:
    """The answers that are not complete, one for each front end. All times are monotonic seconds.

    One thread uses it.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._answers: dict[str, tuple[Iterator[bytes], float]] = {}
        self._may_send_at = 0.0

    def ask(self, ask: Ask, now: float) -> None:
        """Begin an answer. It replaces one to the same front end that is not complete."""
        self._answers.pop(ask.front, None)
        self._answers[ask.front] = (answer(self._feed, ask), now + ANSWER_SECONDS)

    def send(self, now: float, publish: Callable[[str, bytes], bool]) -> None:
        """Send the next part to the front end that has waited longest, if the limit allows it now.

        ``publish(front, part)`` returns False if the part cannot be sent; then that answer ends.
        """
        if not self._answers or now < self._may_send_at:
            return
        front = next(iter(self._answers))
        parts, until = self._answers.pop(front)
        part = next(parts, None) if now < until else None
        if part is None:
            return
        self._may_send_at = max(now, self._may_send_at) + len(part) / BYTES_PER_SECOND
        if publish(front, part):
            self._answers[front] = parts, until

    def maybe_seconds_until_next(self, now: float) -> float | None:
        """Return how long to wait before the next part may be sent; None if there is none."""
        return max(0.0, self._may_send_at - now) if self._answers else None


def answer(feed: Feed, ask: Ask) -> Iterator[bytes]:
    """Yield the parts of an answer."""
    stream, number = feed.id, 0
    compressor = zlib.compressobj(LEVEL_OF_COMPRESSION)
    room = PART_BYTES - HEAD_BYTES
    waiting = bytearray()
    for piece in feed.history(
        Resume(history_seconds=ask.seconds, since=ask.since, stream=ask.stream)
    ):
        waiting += compressor.compress(piece)
        while len(waiting) > room:
            yield _part(stream, number, waiting[:room], last=False)
            del waiting[:room]
            number += 1
    waiting += compressor.flush()
    while len(waiting) > room:
        yield _part(stream, number, waiting[:room], last=False)
        del waiting[:room]
        number += 1
    yield _part(stream, number, waiting, last=True)


def _part(stream: str, number: int, content: bytearray, *, last: bool) -> bytes:
    head = to_json({"stream": stream, "part": number, "last": last})
    return b"%s\n%s" % (head, content)
