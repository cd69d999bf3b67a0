"""Divides what a broker sends into packets (MQTT 3.1.1, section 2), and takes messages of QoS 0 out.

Strategy. Nearly all packets of a front end are such messages. paho-mqtt reads each packet in four pieces, with locks,
log records and callbacks, which takes ten times as long as this. All other packets go to paho as they are.

paho takes a packet of up to 256 MiB into memory, and keeps messages of QoS 2 until their release. No message for this
program is large, and none has QoS 2, because that is not subscribed. Of a message that is too large, only the topic is
kept: it may be retained, and then it comes again with each connection.
"""

from __future__ import annotations

from typing import NamedTuple

PUBLISH = 0x30
TYPE = 0xF0  # the bits of the first byte
TYPE_AND_QOS = 0xF6
QOS_2 = 0x04  # also of QoS 3, which does not exist
RETAIN = 0x01
MAX_LENGTH_BYTES = 4
TOPIC_LENGTH_BYTES = 2


class PacketError(ConnectionError):
    """The broker sent what no broker may send, or more than this program accepts."""


class Message(NamedTuple):
    """A message that arrived. ``is_retained``: it was stored before this program subscribed.

    ``is_too_large``: its payload was discarded.
    """

    topic: str
    payload: bytes
    is_retained: bool
    is_too_large: bool = False


class PacketReader:
    """Follows the bytes of packets, in pieces of any size."""

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` is the largest packet without its header."""
        self._max_bytes = max_bytes
        self._data = b""
        self._place = 0  # what is before it was taken
        self._discard = 0  # bytes that follow, of a message that is too large
        self.may_have_more = False  # whether ``take`` may find a packet without further bytes

    def add(self, data: bytes) -> None:
        """Add bytes that were received."""
        if self._discard:
            self._discard, data = max(0, self._discard - len(data)), data[self._discard :]
        self._data = self._data[self._place :] + data
        self._place = 0
        self.may_have_more = True

    def take(self, count: int) -> tuple[list[Message], bytes, int]:
        """Return up to ``count`` packets: messages, the bytes of another packet if one follows, and how many these are.

        The caller handles that packet, which may need an answer, before it takes more.

        Raises PacketError if the bytes continue in a way that is not allowed.
        """
        messages: list[Message] = []
        other = b""
        data, place, taken, limit = self._data, self._place, 0, self._max_bytes
        while not other and taken < count and (found := _maybe_head(data, place)) is not None:
            begin, length = found
            first, end = data[place], begin + length
            is_message = first & TYPE_AND_QOS == PUBLISH
            if first & TYPE == PUBLISH and first & QOS_2:
                raise PacketError("it sent a message of QoS 2 or 3")
            if length > limit and not is_message:
                raise PacketError(f"it sent a packet of more than {limit} bytes")
            if end > len(data) and length <= limit:
                break
            if is_message:
                topic = _maybe_topic(data, begin, end)
                if topic is None:
                    break
                payload = b"" if length > limit else data[begin + topic[1] : end]
                messages.append(Message(topic[0], payload, bool(first & RETAIN), length > limit))
            else:
                other = data[place:end]
            place = end
            taken += 1
        self.may_have_more = bool(other) or taken == count
        self._discard += max(0, place - len(data))
        self._place = min(place, len(data))
        return messages, other, taken


def _maybe_head(data: bytes, place: int) -> tuple[int, int] | None:
    """Return where the body of the packet begins, and its length; None if the head is not complete."""
    length = shift = 0
    for index in range(place + 1, min(place + 2 + MAX_LENGTH_BYTES, len(data))):
        if shift == 7 * MAX_LENGTH_BYTES:
            raise PacketError("it sent an invalid packet")
        byte = data[index]
        length |= (byte & 127) << shift
        if byte < 128:
            return index + 1, length
        shift += 7
    return None


def _maybe_topic(data: bytes, begin: int, end: int) -> tuple[str, int] | None:
    """Return the topic of a message, and after how many bytes the payload begins; None if it is not complete."""
    payload = begin + TOPIC_LENGTH_BYTES + int.from_bytes(data[begin : begin + TOPIC_LENGTH_BYTES])
    if payload > end:
        raise PacketError("it sent an invalid packet")
    if payload > len(data):
        return None
    try:
        return data[begin + TOPIC_LENGTH_BYTES : payload].decode(), payload - begin
    except UnicodeDecodeError:
        raise PacketError("it sent a topic that is not UTF-8") from None
