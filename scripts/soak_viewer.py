"""A viewer of one host of a fleet, which notes the samples that it did not get."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from typing import Any

from soak_disturbed import FAILED, Program


class Viewer(threading.Thread):
    """Reads one host as JSON lines from any front end, on its own thread, and notes what is missing."""

    def __init__(self, host: str, fronts: Sequence[Program], first: int) -> None:
        super().__init__(name=f"viewer-{host}", daemon=True)
        self.host = host
        self.stream, self.seq = "", 0
        self.samples = self.connections = 0
        self.gaps: list[str] = []
        self._fronts, self._next = fronts, first
        self._stopping = threading.Event()

    def run(self) -> None:
        """Read until ``stop``."""
        while not self._stopping.is_set():
            front = self._fronts[self._next % len(self._fronts)]
            self._next += 1
            try:
                self._read(front)
            except FAILED:
                self._stopping.wait(0.2)

    def _read(self, front: Program) -> None:
        resume = f"&since={self.seq}&stream={self.stream}" if self.stream else ""
        connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=5)
        try:
            connection.request("GET", f"/api/v1/stream?host={self.host}&history=3600{resume}")
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"status {response.status}")
            self.connections += 1
            while not self._stopping.is_set() and (line := response.readline()):
                self._note(json.loads(line))
        finally:
            connection.close()

    def _note(self, message: dict[str, Any]) -> None:
        if message["type"] == "history":
            for sample in message["samples"]:
                self._note_sample(sample)
        elif message["type"] == "sample":
            self._note_sample(message)

    def _note_sample(self, sample: dict[str, Any]) -> None:
        stream, seq = sample["stream"], sample["seq"]
        if stream != self.stream:  # of a program that was started again: from its first sample on
            self.stream, self.seq = stream, 0
        if seq <= self.seq:
            return
        if seq > self.seq + 1:
            self.gaps.append(f"{self.host} {stream[:6]} {self.seq + 1}-{seq - 1}")
        self.seq = seq
        self.samples += 1

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
