"""A stream of its own hub and viewers in memory, each with its write pump: no socket, no WebSocket."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub, write_pump
from telemetry_stream.metrics.sample import encode_section
from telemetry_stream.stream import Choice, Framing, Resume, Stream
from telemetry_stream.stream import encoded as encoded_module
from telemetry_stream.stream import stream as stream_module
from tests.server.service import HOST, sample

END = b"\n"


def _message(text: bytes) -> bytes:
    return text + END


def _pieces(texts: Iterable[bytes]) -> Iterator[bytes]:
    yield from texts
    yield END


LINES = Framing(_message, _pieces)


class Viewer:
    """Joins the stream, and has a queue that loses nothing. ``frames`` are as they went out."""

    def __init__(
        self,
        stream: Stream,
        resume: Resume | None = None,
        *,
        sections: tuple[str, ...] | None = None,
        every: int = 1,
        user: str | None = None,
    ) -> None:
        self._came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._hub = stream._hub
        self.frames: list[bytes] = []
        self.client = Client(
            self._take, topic=Choice(LINES, sections, every), name="viewer", queue_frames=10_000
        )
        self._pump = threads.start(
            "ts-viewer", write_pump, self.client, lambda data, _: self._take(data)
        )
        self.let_in = stream.join(self.client, resume, user)

    def _take(self, data: bytes) -> int:
        if data:
            self._came.put(data)
        return len(data)

    def message(self) -> dict[str, Any]:
        """The next message, which must come; joined from its pieces."""
        text = b""
        while not text.endswith(END):
            self.frames.append(self._came.get(timeout=10))
            text += self.frames[-1]
        message: dict[str, Any] = json.loads(text)
        return message

    def seqs_to(self, last: int) -> list[int]:
        """The numbers of all samples, history's or live, up to the ``last``."""
        seqs: list[int] = []
        while not seqs or seqs[-1] < last:
            message = self.message()
            if message["type"] == "history":
                seqs += [sample["seq"] for sample in message["samples"]]
            elif message["type"] == "sample":
                seqs.append(message["seq"])
        return seqs

    def is_quiet(self) -> bool:
        """Whether nothing waits to be seen."""
        return self._came.empty()

    def leave(self) -> None:
        self.client.close(End.GONE)
        self._hub.unregister(self.client)
        self._pump.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


@contextmanager
def streaming(history_seconds: float = 600.0, *, hub_class: type[Hub] = Hub) -> Iterator[Stream]:
    """A stream of its own hub, which fans out all that waits before it closes."""
    hub = hub_class()
    try:
        yield Stream(
            hub,
            host=HOST,
            version="1.2.3",
            interval_seconds=0.5,
            history_seconds=history_seconds,
        )
    finally:
        hub.close()


def publish(stream: Stream, count: int = 1) -> None:
    """Publish so many samples."""
    for _ in range(count):
        stream.publish(sample(stream.seq + 1))


def remembered(stream: Stream, resume: Resume = Resume()) -> list[int]:  # noqa: B008  # immutable
    """The numbers of the samples that ``history`` tells."""
    message = json.loads(b"".join(stream.history(resume)))
    assert message["type"] == "history"
    return [sample["seq"] for sample in message["samples"]]


def count_calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often a section is encoded, and a message joined from sections."""
    calls = {"section": 0, "text": 0}
    text = stream_module._Entry.text

    def counted_section(record: object) -> str:
        calls["section"] += 1
        return encode_section(record)

    def counted_text(entry: Any, chosen: tuple[str, ...] | None) -> bytes:
        calls["text"] += 1
        return text(entry, chosen)

    monkeypatch.setattr(encoded_module, "encode_section", counted_section)
    monkeypatch.setattr(stream_module._Entry, "text", counted_text)
    return calls
