"""The client's side of a WebSocket: the handshake with another server, and its messages within limits.

Relies on wsproto for the handshake and for what this side sends, and on a transport for deadlines. Negotiates no
extension. Everything comes from a peer that may be hostile: the size of a message, the number of its frames and the
time without data are limited, and every fault of the protocol is one OutboundError.

Strategy. A front end gets a small frame from each of many hosts every second. Their frames are cut here, because
wsproto takes longer for one of them than everything else that happens to it, and announces its length only when its
bytes have been kept.
"""

from __future__ import annotations

import errno
import time

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Pong, RejectConnection, Request
from wsproto.utilities import ProtocolError

from ..net.transport import Transport
from . import frame

RECV_BYTES = 32 * 1024
HEAD_SECONDS = 10.0
MAX_HEAD_BYTES = 16 * 1024
END_OF_HEAD = b"\r\n\r\n"
WRITE_SECONDS = 10.0
# Fragments of a message, and pings and pongs in it or before it: a server sends a ping every 54 s. For each so many
# bytes, there may be one more. Without a limit, a message of small fragments takes some hundred times as long.
MAX_FRAMES = 64
BYTES_PER_FRAME = 512

# The bits of a frame's first and second byte (RFC 6455 section 5.2).
RESERVED, CONTROL, OPCODE = 0x70, 0x08, 0x0F
MASKED = 0x80


class OutboundError(Exception):
    """The peer does not follow the WebSocket protocol: one sentence with the reason."""


class TooMuchError(OutboundError):
    """A message has more bytes than the limit, or too many frames."""

    def __init__(self) -> None:
        super().__init__("sends too much")


class RejectedError(Exception):
    """The server answers the handshake with an HTTP status other than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Outbound:
    """A WebSocket that this program has opened. One thread uses it; the owner of ``transport`` closes that."""

    def __init__(self, transport: Transport, *, max_message_bytes: int) -> None:
        self.close_code: int | None = None  # of the peer's close frame
        self._transport = transport
        self._max_message_bytes = max_message_bytes
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._data = bytearray()  # received, and not yet taken

    def open(self, host: str, target: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Make the handshake. ``host`` is the header, ``target`` path and query.

        Raises RejectedError, OutboundError, or OSError (TimeoutError after 10 s).
        """
        deadline = time.monotonic() + HEAD_SECONDS
        head = bytearray()
        try:
            request = Request(host=host, target=target, extra_headers=headers)
            self._transport.send(self._connection.send(request), deadline)
            while END_OF_HEAD not in head:
                if len(head) > MAX_HEAD_BYTES:
                    raise OutboundError("answers with too long a head")
                head += self._receive(deadline)
            end = head.index(END_OF_HEAD) + len(END_OF_HEAD)
            self._data = head[end:]  # frames that arrived with the answer
            self._connection.receive_data(bytes(head[:end]))
            event = next(self._connection.events(), None)
        except ProtocolError as error:
            raise OutboundError("does not answer as a WebSocket server") from error
        if isinstance(event, RejectConnection):
            raise RejectedError(event.status_code)
        if not isinstance(event, AcceptConnection):
            raise OutboundError("does not answer as a WebSocket server")

    def maybe_message(self, silence_seconds: float) -> str | None:
        """Return the next text message, or None if the peer closes the connection. Pings are answered.

        Raises TimeoutError after ``silence_seconds`` without a frame that has data, OutboundError, or OSError.
        """
        message: bytearray | None = None
        size = frames = 0
        deadline = time.monotonic() + silence_seconds
        while True:
            while (found := self._maybe_frame()) is not None:
                first_byte, payload = found
                opcode = first_byte & OPCODE
                if opcode == frame.CLOSE:
                    self.close_code = int.from_bytes(payload[:2], "big") or None
                    return None
                size += len(payload)
                frames += 1
                if size > self._max_message_bytes or frames > MAX_FRAMES + size // BYTES_PER_FRAME:
                    raise TooMuchError
                if opcode > frame.CLOSE:
                    self._answer(opcode, payload)
                    continue
                if opcode != (frame.TEXT if message is None else frame.CONTINUATION):
                    raise OutboundError("sends something else than text messages")
                if message is None:
                    message = payload
                else:
                    message += payload
                if first_byte & frame.FIN:
                    return _text(message)
                if payload:
                    deadline = time.monotonic() + silence_seconds
            self._data += self._receive(deadline)

    def _maybe_frame(self) -> tuple[int, bytearray] | None:
        """Take the first frame off the received bytes (RFC 6455 section 5.2): its first byte and its payload.

        Return None if it is not complete. Its announced length is checked before its bytes are kept.
        """
        data = self._data
        if len(data) < 2:
            return None
        first_byte, size, start = data[0], data[1], 2
        if first_byte & RESERVED or size & MASKED or (first_byte & CONTROL and size > 125):
            raise OutboundError("violates the WebSocket protocol")
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(data) < start:
                return None
            size = int.from_bytes(data[2:start], "big")
        if size > self._max_message_bytes:
            raise TooMuchError
        end = start + size
        if len(data) < end:
            return None
        payload = data[start:end]
        del data[:end]
        return first_byte, payload

    def _receive(self, deadline: float) -> bytes:
        """Read once. Raises ConnectionResetError at the end of the stream."""
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "no data in time")
        data = self._transport.recv(RECV_BYTES, deadline)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the connection has ended")
        return data

    def _answer(self, opcode: int, payload: bytearray) -> None:
        """Answer a ping. wsproto makes the frame, because those of a client are masked."""
        if opcode == frame.PING_OPCODE:
            pong = self._connection.send(Pong(payload=bytes(payload)))
            self._transport.send(pong, time.monotonic() + WRITE_SECONDS)


def _text(data: bytearray) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise OutboundError("sends a text that is not UTF-8") from error
