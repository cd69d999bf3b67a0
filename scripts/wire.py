"""WebSocket frames and requests as bytes, for loads of a thousand viewers: a library would need a thread for each."""

from __future__ import annotations

import base64
import os

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def request(path: str, *, upgrade: bool) -> bytes:
    """Return the head of a GET request, or of a WebSocket handshake."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
    if upgrade:
        key = base64.b64encode(os.urandom(16)).decode()
        head += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        head += f"Sec-WebSocket-Key: {key}\r\n"
    return (head + "\r\n").encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a frame of a client with less than 126 bytes, masked with zeros."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def maybe_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Split off the first frame of a server: its first byte, its payload, and the bytes after it.

    Return None if the frame is not complete. The first byte has FIN and the opcode (RFC 6455 section 5.2).
    """
    if len(data) < 2:
        return None
    size, start = data[1] & 0x7F, 2
    if size >= 126:
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        return None
    return data[0], data[start : start + size], data[start + size :]
