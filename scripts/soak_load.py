"""The viewers of scripts/soak, on one thread: healthy ones that count gaps, and others that connect and leave.

Each of the others is of one kind: it reads, stalls (never reads), resets, vanishes (closes without a close frame),
leaves (with a close frame), or reads JSON lines over HTTP.
"""

from __future__ import annotations

import argparse
import json
import random
import selectors
import socket
import struct
import time
from collections import Counter
from typing import Any

from wire import CLOSE, PING, PONG, TEXT, masked, maybe_frame, request

TURN_SECONDS = 0.1
CONNECTS_PER_TURN = 4
KINDS = ("reads", "stalls", "resets", "vanishes", "leaves", "lines")


class Viewer:
    """One connection; ``kind`` is how it behaves, and how it ends at ``ends_at`` (monotonic seconds)."""

    def __init__(self, address: tuple[str, int], kind: str, ends_at: float) -> None:
        self.kind = kind
        self.ends_at = ends_at
        self.sock = socket.socket()
        if kind == "stalls":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(10)
        self.sock.connect(address)
        lines = kind == "lines"
        self.sock.sendall(
            request("/api/v1/stream" if lines else "/ws?history=5", upgrade=not lines)
        )
        self.sock.setblocking(False)

    def read(self) -> bytes:
        """Return what has arrived; empty at the end of the stream."""
        try:
            return self.sock.recv(1 << 18)
        except BlockingIOError:
            return b"nothing yet"
        except OSError:
            return b""

    def end(self) -> None:
        """End as its kind does."""
        if self.kind == "resets":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif self.kind in {"leaves", "healthy"}:
            try:
                self.sock.send(masked(CLOSE, b"\x03\xe8"))
            except OSError:  # the server has disconnected it before
                pass
        self.sock.close()


class Gaps:
    """Counts the numbers of a sequence that are missing or that arrive twice."""

    def __init__(self) -> None:
        self.count = 0
        self._newest: int | None = None

    def add(self, seq: int) -> None:
        """Add the next number."""
        if self._newest is not None:
            self.count += abs(seq - self._newest - 1)
        self._newest = seq


class Healthy(Viewer):
    """Reads everything, answers pings, and counts gaps."""

    def __init__(self, address: tuple[str, int], interval: float) -> None:
        super().__init__(address, "healthy", float("inf"))
        self.frames = self.samples = 0
        self.gaps = Gaps()
        self.late_seconds = 0.0
        self.newest: dict[str, Any] = {}
        self.first_seq = 0  # of the first live sample
        self._interval = interval
        # Monotonic seconds of the upgrade, and later of the newest sample.
        self._last_at: float | None = None
        self._buffer = b""
        self._message = b""

    def read(self) -> bytes:
        """Read, and handle every whole frame."""
        data = super().read()
        if data == b"nothing yet":
            return data
        self._buffer += data
        if self._last_at is None and b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(f"a healthy viewer was refused: {head!r}")
            self._last_at = time.monotonic()
        while self._last_at is not None and self._frame():
            pass
        return data

    def _frame(self) -> bool:
        """Handle one frame from the buffer; return False if there is no whole one."""
        if (frame := maybe_frame(self._buffer)) is None:
            return False
        first, payload, self._buffer = frame
        opcode, final = first & 0x0F, first & 0x80
        if opcode == PING:
            self.sock.send(masked(PONG, payload))
        elif opcode in {0, TEXT}:
            self._message += payload
            if final:
                self._take(self._message)
                self._message = b""
        return True

    def _take(self, text: bytes) -> None:
        self.frames += 1
        message = json.loads(text)
        if message["type"] == "history":
            for sample in message["samples"]:
                self.gaps.add(sample["seq"])
        elif message["type"] == "sample":
            self.gaps.add(message["seq"])
            now = time.monotonic()
            if self._last_at is not None and self.samples > 1:
                self.late_seconds = max(self.late_seconds, now - self._last_at - self._interval)
            self._last_at, self.newest = now, message
            self.first_seq = self.first_seq or message["seq"]
            self.samples += 1


class Load:
    """All viewers, served by one thread."""

    def __init__(self, address: tuple[str, int], arguments: argparse.Namespace) -> None:
        self.address = address
        self.max_others = arguments.viewers
        self.connected: Counter[str] = Counter()  # by kind
        self.healthy = [Healthy(address, arguments.interval) for _ in range(arguments.healthy)]
        self._random = random.Random(1)  # noqa: S311 (the same viewers in each run)
        self._selector = selectors.DefaultSelector()
        self._others: set[Viewer] = set()
        for viewer in self.healthy:
            self._selector.register(viewer.sock, selectors.EVENT_READ, viewer)

    def turn(self, *, connect: bool) -> None:
        """Serve all viewers for a tenth of a second; end those whose time has come, and connect new ones."""
        until = time.monotonic() + TURN_SECONDS
        if connect:
            for _ in range(min(CONNECTS_PER_TURN, self.max_others - len(self._others))):
                self._connect()
        for viewer in [viewer for viewer in self._others if viewer.ends_at <= time.monotonic()]:
            self._leave(viewer)
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if not key.data.read():
                    self._ended(key.data)

    def _connect(self) -> None:
        kind = self._random.choice(KINDS)
        seconds = self._random.uniform(20, 40) if kind == "stalls" else self._random.uniform(0.1, 8)
        viewer = Viewer(self.address, kind, time.monotonic() + seconds)
        self.connected[kind] += 1
        self._others.add(viewer)
        if kind != "stalls":
            self._selector.register(viewer.sock, selectors.EVENT_READ, viewer)

    def _ended(self, viewer: Viewer) -> None:
        """Remove a viewer that the server has disconnected."""
        if viewer in self.healthy:
            raise RuntimeError("a healthy viewer was disconnected")
        self._leave(viewer)

    def _leave(self, viewer: Viewer) -> None:
        if viewer.kind != "stalls":
            self._selector.unregister(viewer.sock)
        self._others.discard(viewer)
        viewer.end()

    def close(self) -> None:
        """End all viewers."""
        for viewer in (*self._others, *self.healthy):
            viewer.end()
        self._selector.close()
