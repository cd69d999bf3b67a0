"""A viewer at the level of bytes: it can stall, break rules and frames, and disconnect in any way."""

from __future__ import annotations

import base64
import json
import socket
import struct
from types import TracebackType
from typing import Any, NamedTuple, Self

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0

KEY = base64.b64encode(bytes(16)).decode()


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool

    @property
    def code(self) -> int:
        """The code of a close frame."""
        return int.from_bytes(self.payload[:2], "big")


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a client's frame. Its mask is zero, so the payload stays readable."""
    assert len(payload) < 1 << 16
    first = opcode | 0x80 * fin
    if len(payload) < 126:
        return bytes((first, 0x80 | len(payload))) + bytes(4) + payload
    return bytes((first, 0x80 | 126)) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    """Return a client's close frame."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def handshake(path: str = "/ws", headers: str = "") -> bytes:
    """Return the request that opens a WebSocket. ``headers`` are lines that end in CRLF."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    ).encode()


class Peer:
    """A connected viewer. ``trailing`` is sent in one segment with the handshake."""

    def __init__(
        self,
        address: tuple[str, int] | socket.socket,
        path: str = "/ws",
        *,
        headers: str = "",
        trailing: bytes = b"",
        buffer_bytes: int | None = None,
    ) -> None:
        self.sock = address if isinstance(address, socket.socket) else socket.socket()
        self.sock.settimeout(10)
        if buffer_bytes is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        if not isinstance(address, socket.socket):
            self.sock.connect(address)
        self._reader = self.sock.makefile("rb")
        self.send(handshake(path, headers) + trailing)
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            line = self._reader.readline()
            assert line, f"the server disconnected after {self.head!r}"
            self.head += line
        assert self.head.startswith(b"HTTP/1.1 101 "), self.head

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def maybe_frame(self) -> Frame | None:
        """Return the next frame, or None at the end of the stream."""
        start = self._reader.read(2)
        if not start:
            return None
        assert not start[0] & 0x70, "the frame has the bits of an extension"
        size = start[1]
        assert size < 128, "the server's frame is masked"
        if size >= 126:
            size = int.from_bytes(self._reader.read(2 if size == 126 else 8), "big")
        return Frame(start[0] & 0x0F, self._reader.read(size), bool(start[0] & 0x80))

    def frame(self) -> Frame:
        """Return the next frame; fail at the end of the stream."""
        got = self.maybe_frame()
        assert got is not None, "the server disconnected"
        return got

    def message(self) -> dict[str, Any]:
        """Return the next message, which must be in one frame. Alerts are skipped: a busy host has some at any time."""
        while True:
            got = self.frame()
            assert (got.opcode, got.fin) == (TEXT, True), got
            message: dict[str, Any] = json.loads(got.payload)
            if message.get("type") != "alerts":
                return message

    def frames_to_end(self) -> list[Frame]:
        """Return all frames until the server disconnects."""
        frames = []
        while (got := self.maybe_frame()) is not None:
            frames.append(got)
        return frames

    def skip_to(self, opcode: int) -> Frame:
        """Return the next frame with this opcode, and skip those before it."""
        while True:
            got = self.frame()
            if got.opcode == opcode:
                return got

    def reset(self) -> None:
        """Disconnect with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Disconnect without a close frame."""
        self._reader.close()
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
