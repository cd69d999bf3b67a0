"""A stream on its own hub, and viewers in memory, each with its write pump: no sockets and no WebSocket."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub, write_pump
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.stream import Choice, Demand, Feed, Framing, HistoryLimits, Resume, Stream
from tests.conftest import eventually
from tests.server.service import HOST, sample

END = b"\n"
OTHER_HOST = HostInfo("host-2", "shed", "Linux 6.12.0", None, 4, None)
WAIT_SECONDS = 30.0  # for an event that comes at once unless the code is broken


def _pieces(texts: Iterable[bytes]) -> Iterator[bytes]:
    yield from texts
    yield END


LINES = Framing(lambda text: text + END, _pieces)


class Clock:
    """A monotonic clock that moves only when the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Viewer:
    """A viewer of one feed that takes every frame at once. ``frames`` are as they went out."""

    def __init__(
        self,
        feed: Feed,
        resume: Resume | None = None,
        *,
        sections: tuple[str, ...] | None = None,
        every: int = 1,
        user: str | None = None,
    ) -> None:
        self._taken: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._hub = feed._hub
        self.frames: list[bytes] = []
        choice = Choice(LINES, feed.host.id, sections, every)
        self._may_take = threading.Event()
        self._may_take.set()
        self.client = Client(self._try_take, topic=choice, name="viewer")
        self._pump = threads.start("ts-viewer", write_pump, self.client, self._wait_and_take)
        self.is_registered = feed.join(self.client, resume, user)

    def _take(self, data: bytes) -> int:
        if data:
            self._taken.put(data)
        return len(data)

    def _try_take(self, data: bytes) -> int:
        return self._take(data) if self._may_take.is_set() else 0

    def _wait_and_take(self, data: bytes, _deadline: float) -> None:
        assert self._may_take.wait(WAIT_SECONDS)
        self._take(data)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Take nothing until the end of the block."""
        self._may_take.clear()
        try:
            yield
        finally:
            self._may_take.set()

    def message(self) -> dict[str, Any]:
        """Return the next message, joined from its pieces."""
        text = b""
        while not text.endswith(END):
            self.frames.append(self._taken.get(timeout=WAIT_SECONDS))
            text += self.frames[-1]
        message: dict[str, Any] = json.loads(text)
        return message

    def seqs_to(self, last: int) -> list[int]:
        """Return the numbers of all samples, from the history and live, up to ``last``."""
        seqs: list[int] = []
        while not seqs or seqs[-1] < last:
            message = self.message()
            if message["type"] == "history":
                seqs += [entry["seq"] for entry in message["samples"]]
            elif message["type"] == "sample":
                seqs.append(message["seq"])
        return seqs

    def is_idle(self) -> bool:
        """Whether no frame waits to be read."""
        return self._taken.empty()

    def leave(self) -> None:
        self.client.close(End.GONE)
        self._hub.unregister(self.client)
        self._pump.join(WAIT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class Streaming(NamedTuple):
    """A started hub, its stream, and the feed of one host."""

    hub: Hub
    stream: Stream
    feed: Feed


@contextmanager
def streaming(
    history_seconds: float = 600.0,
    history_bytes: int = 32 * 1024 * 1024,
    *,
    hub_class: type[Hub] = Hub,
    monotonic: Any = time.monotonic,
) -> Iterator[Streaming]:
    """A stream with one feed on its own hub, which fans out all waiting frames before it closes."""
    hub = hub_class()
    limits = HistoryLimits(history_seconds, history_bytes)
    stream = Stream(hub, version="1.2.3", history=limits, monotonic=monotonic)
    hub.start()
    try:
        yield Streaming(hub, stream, add_feed(stream, HOST))
    finally:
        hub.close()


def add_feed(stream: Stream, host: HostInfo, run: str | None = None) -> Feed:
    """Add a feed with the sections ``cpu`` and ``pad``, and ``processes`` on demand."""
    demand = Demand(
        default_sections=("cpu", "pad"),
        interval_seconds=0.5,
        idle_interval_seconds=0,
        on_interval=lambda _: None,
    )
    return stream.add(host, section_names=("cpu", "pad", "processes"), demand=demand, run=run)


def publish(feed: Feed, count: int = 1) -> None:
    """Publish so many samples, slowly enough for viewers that take every frame."""
    hub = feed._hub
    for number in range(count):
        feed.publish(sample(feed.seq + 1))
        if number % 8 == 7:
            assert hub.is_responsive(WAIT_SECONDS)
            assert eventually(
                lambda: not any(client.queue.unfinished_tasks for client in hub.clients())
            )


def remembered(feed: Feed, resume: Resume = Resume()) -> list[int]:  # noqa: B008  # immutable
    """Return the numbers of the samples in the ``history`` message."""
    message = json.loads(b"".join(feed.history(resume)))
    assert message["type"] == "history"
    return [entry["seq"] for entry in message["samples"]]
