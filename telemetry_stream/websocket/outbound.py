"""The client's side of a WebSocket: the handshake with another server, and its messages within limits.

Relies on wsproto for the protocol and on a transport for deadlines. Negotiates no extension. Everything comes from a
peer that may be hostile: the size of a message, the number of frames without data and the time without data are
limited, and every fault of the protocol is one OutboundError.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from ..net.transport import Transport

RECV_BYTES = 32 * 1024
HEAD_SECONDS = 10.0
WRITE_SECONDS = 10.0
# Pings, pongs and empty fragments between two messages: a server sends a ping every 54 s.
MAX_EMPTY_FRAMES = 64


class OutboundError(Exception):
    """The peer does not follow the WebSocket protocol, or sends too much: one sentence with the reason."""


class RejectedError(Exception):
    """The server answers the handshake with an HTTP status other than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Outbound:
    """A WebSocket that this program has opened. One thread uses it; the owner of ``transport`` closes that."""

    def __init__(self, transport: Transport, *, max_message_characters: int) -> None:
        self.close_code: int | None = None  # of the peer's close frame
        self._transport = transport
        self._max_message_characters = max_message_characters
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._events: Iterator[Event] = iter(())

    def open(self, host: str, target: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Make the handshake. ``host`` is the header, ``target`` path and query.

        Raises RejectedError, OutboundError, or OSError (TimeoutError after 10 s).
        """
        deadline = time.monotonic() + HEAD_SECONDS
        try:
            request = Request(host=host, target=target, extra_headers=headers)
            self._transport.send(self._connection.send(request), deadline)
            while True:
                for event in self._connection.events():
                    if isinstance(event, AcceptConnection):
                        self._events = self._connection.events()  # frames may have arrived with it
                        return
                    if isinstance(event, RejectConnection):
                        raise RejectedError(event.status_code)
                self._receive(deadline)
        except ProtocolError as error:
            raise OutboundError("does not answer as a WebSocket server") from error

    def maybe_message(self, silence_seconds: float) -> str | None:
        """Return the next text message, or None if the peer closes the connection. Pings are answered.

        Raises TimeoutError after ``silence_seconds`` without data, OutboundError, or OSError.
        """
        parts: list[str] = []
        size = empty_frames = 0
        deadline = time.monotonic() + silence_seconds
        while True:
            for event in self._events:
                if isinstance(event, CloseConnection):
                    self.close_code = event.code
                    return None
                if isinstance(event, TextMessage) and event.data:
                    size += len(event.data)
                    parts.append(event.data)
                    deadline = time.monotonic() + silence_seconds
                elif isinstance(event, BytesMessage):
                    raise OutboundError("sends a message that is not text")
                else:
                    empty_frames += 1
                    self._answer(event)
                if size > self._max_message_characters or empty_frames > MAX_EMPTY_FRAMES:
                    raise OutboundError("sends too much")
                if isinstance(event, TextMessage) and event.message_finished:
                    return "".join(parts)
            self._receive(deadline)
            self._events = self._connection.events()

    def _receive(self, deadline: float) -> None:
        """Read once. Raises ConnectionResetError at the end of the stream."""
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "no data in time")
        data = self._transport.recv(RECV_BYTES, deadline)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the connection has ended")
        try:
            self._connection.receive_data(data)
        except ProtocolError as error:
            raise OutboundError("violates the WebSocket protocol") from error

    def _answer(self, event: Event) -> None:
        if isinstance(event, Ping):
            pong = self._connection.send(event.response())
            self._transport.send(pong, time.monotonic() + WRITE_SECONDS)
