"""A host that samples itself ten times per second, without a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from telemetry_stream.hub import Hub
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.stream import Feed, HistoryLimits, LocalHost, Stream
from tests.conftest import eventually

HOST_ID = LocalHost(
    proc_root="/proc", sys_root="/sys", interval_seconds=1.0, idle_interval_seconds=1.0
)._collector.host.id


class Ticking:
    """The stream of this host."""

    def __init__(self, hub: Hub, stream: Stream) -> None:
        self.hub = hub
        self.stream = stream

    @property
    def feed(self) -> Feed:
        return self.stream.feed()

    def remember(self, count: int) -> None:
        """Add samples to the ring at once."""
        assert eventually(self.feed.maybe_newest)
        newest = self.feed.maybe_newest()
        assert newest is not None
        filler = {"cpu": {"usage_percent": 1.0}}
        for number in range(count):
            pad = {"text": os.urandom(1000).hex(), "number": number}
            self.feed.publish(
                Sample(newest.host, 1.0, 1.0, 1.0, {**filler, "pad": pad}, {}, newest.on_demand)
            )


@contextmanager
def ticking(interval_seconds: float = 0.1) -> Iterator[Ticking]:
    """Sample this host until the end of the block."""
    hub = Hub()
    stream = Stream(hub, version="1.0", history=HistoryLimits(600.0))
    origin = LocalHost(
        proc_root="/proc",
        sys_root="/sys",
        interval_seconds=interval_seconds,
        idle_interval_seconds=interval_seconds,
    )
    hub.start()
    origin.start(stream, lambda error: None)
    try:
        yield Ticking(hub, stream)
    finally:
        origin.close()
        hub.close()
