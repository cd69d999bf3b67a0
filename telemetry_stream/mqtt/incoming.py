"""What a front end receives from a broker. All of it is hostile: it is limited in size, and every value is checked.

What is not a message of this protocol raises ReceivedError. Nothing here has a side effect, except that an Answer keeps
its parts.
"""

from __future__ import annotations

import zlib

from ..fleet.alerts import Alerts, alerts_of
from ..fleet.mirror import ON_DEMAND
from ..fleet.remote import (
    ForeignHostError,
    Identity,
    Vitals,
    identity_of,
    numbers_of,
)
from ..stream.received import (
    MAX_HISTORY_SAMPLES,
    ReceivedError,
    ReceivedSample,
    checked_id,
    checked_seq,
    cost,
    cut,
    cut_history,
    decode,
    maybe_number,
)
from .topics import DEFAULT_SITE, HostTopic

MAX_HELLO_BYTES = 16 * 1024
MAX_VITALS_BYTES = 1024  # usual are 250
MAX_ALERTS_BYTES = 32 * 1024  # an agent publishes 24 KiB of alerts
MAX_SAMPLE_BYTES = 2 * 1024 * 1024  # uncompressed; of a host with 1024 cores, 300 KB
MAX_HEAD_BYTES = 1024  # the line before each part of an answer


def identity(payload: bytes, topic: HostTopic) -> Identity:
    """Check a ``hello``. Raises ReceivedError; IncompatibleError if it is one of another protocol.

    The site is that of the topic: the broker can check who writes there. Alerts have a topic of their own.
    """
    if len(payload) > MAX_HELLO_BYTES:
        raise ReceivedError("is too long")
    message = decode(_text(payload))
    if isinstance(message, dict):
        message.pop("alerts", None)
    found = identity_of(message)
    if found.host.id != topic.host:
        raise ForeignHostError("is of another host")
    return found._replace(site="" if topic.site == DEFAULT_SITE else topic.site)


def vitals(text: str, host: str) -> Vitals:
    """Check the payload of ``vitals``, whose fields are beside the number and the time. Raises ReceivedError."""
    message = decode(text)
    if not isinstance(message, dict):
        raise ReceivedError("is not an object")
    if message.get("host", host) != host:
        raise ForeignHostError("is of another host")
    time_unix = maybe_number(message.get("time_unix"))
    if time_unix is None:
        raise ReceivedError("has no time")
    return Vitals(
        checked_id(message.get("stream")),
        checked_seq(message.get("seq")),
        time_unix,
        numbers_of(message),
    )


def maybe_alerts(text: str, run: str) -> Alerts | None:
    """Check the payload of ``alerts``. Return None if it is of another run. Raises ReceivedError."""
    message = decode(text)
    if not isinstance(message, dict):
        raise ReceivedError("is not an object")
    if checked_id(message.get("stream")) != run:
        return None
    return alerts_of(message)


def sample_text(payload: bytes) -> str:
    """Return the text of the payload of ``sample``, which is not checked. Raises ReceivedError."""
    return _text(_inflated(payload, MAX_SAMPLE_BYTES))


def sample(text: str, host: str) -> ReceivedSample:
    """Check the text of a ``sample``. Raises ReceivedError, and ForeignHostError."""
    found, _ = cut(text, ON_DEMAND)
    if found.host != host:
        raise ForeignHostError("is of another host")
    return found


class OtherRunError(ReceivedError):
    """A part of an answer of another run than the present one: that run has ended."""


class TooLongError(ReceivedError):
    """A text has more bytes than the limit."""

    def __init__(self) -> None:
        super().__init__("is too long")


class Answer:
    """The parts of one answer. They stay compressed until the last one is there."""

    def __init__(self, max_bytes: int, max_samples: int = MAX_HISTORY_SAMPLES) -> None:
        """``max_bytes`` is the largest history, without compression."""
        self._max_bytes = max_bytes
        self._max_samples = max_samples
        self._parts: list[bytes] = []
        self._size = 0
        self.cost = 0  # of the text, as soon as it is uncompressed

    def __len__(self) -> int:
        """The number of parts that have arrived."""
        return len(self._parts)

    def add(self, payload: bytes, run: str) -> list[ReceivedSample] | None:
        """Add a part. Return the samples after the last one, and None before.

        Raises ReceivedError: OtherRunError if the part is not of ``run``, TooLongError if the history is too long.

        Part 0 begins the answer anew, because a host that is asked twice answers the later request.
        """
        head, found, content = payload.partition(b"\n")
        fields = decode(_text(head)) if found and len(head) <= MAX_HEAD_BYTES else None
        if not isinstance(fields, dict):
            raise ReceivedError("has no head")
        if fields.get("stream") != run:
            raise OtherRunError("is of another run")
        number, is_last = fields.get("part"), fields.get("last")
        if type(number) is not int or type(is_last) is not bool:
            raise ReceivedError("has a head of a wrong form")
        if number == 0:
            self._parts.clear()
            self._size = 0
        if number != len(self._parts):
            raise ReceivedError("does not follow the part before")
        self._parts.append(content)
        self._size += len(content)
        if self._size > self._max_bytes:
            raise TooLongError
        if not is_last:
            return None
        self.cost = self._max_bytes
        text = _text(_inflated(b"".join(self._parts), self._max_bytes))
        self._parts.clear()
        self.cost = cost(text)
        return cut_history(text, ON_DEMAND, self._max_samples)


def _inflated(payload: bytes, limit: int) -> bytes:
    """Return the uncompressed bytes, at most ``limit``: a longer text is never made. Raises ReceivedError."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(payload, limit + 1)
    except zlib.error:
        raise ReceivedError("is not compressed correctly") from None
    if len(text) > limit:
        raise TooLongError
    if not inflater.eof or inflater.unused_data:
        raise ReceivedError("is not compressed correctly")
    return text


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise ReceivedError("is not UTF-8") from None
