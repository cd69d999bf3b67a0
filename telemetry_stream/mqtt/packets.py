"""A check of the packets that a broker sends, before paho-mqtt keeps them (MQTT 3.1.1, section 2).

paho takes a packet of up to 256 MiB into memory, and keeps messages of QoS 2 until their release. No message for this
program is large, and none has QoS 2, because that is not subscribed.
"""

from __future__ import annotations

PUBLISH = 3


class PacketError(ConnectionError):
    """The broker sent what no broker may send, or more than this program accepts."""


class PacketGuard:
    """Follows the bytes of packets, in pieces of any size."""

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` is the largest packet without its header."""
        self._max_bytes = max_bytes
        self._length = 0
        self._length_bytes = 0  # bytes of the length that were read, or -1 before a packet begins
        self._left = 0  # bytes of the packet that follow
        self._begins = True

    def check(self, data: bytes) -> None:
        """Raises PacketError if ``data`` continues in a way that is not allowed."""
        place = 0
        while place < len(data):
            if self._left:
                taken = min(self._left, len(data) - place)
                self._left -= taken
                place += taken
                continue
            byte = data[place]
            place += 1
            if self._begins:
                self._begin(byte)
            else:
                self._lengthen(byte)

    def _begin(self, byte: int) -> None:
        if byte >> 4 == PUBLISH and byte >> 1 & 3 > 1:
            raise PacketError("it sent a message of QoS 2 or 3")
        self._begins = False
        self._length = self._length_bytes = 0

    def _lengthen(self, byte: int) -> None:
        if self._length_bytes == 4:
            raise PacketError("it sent an invalid packet")
        self._length |= (byte & 127) << 7 * self._length_bytes
        self._length_bytes += 1
        if self._length > self._max_bytes:
            raise PacketError(f"it sent a packet of more than {self._max_bytes} bytes")
        if byte < 128:
            self._left = self._length
            self._begins = True
