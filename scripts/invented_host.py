"""Serves an invented host with the real server: samples come as JSON lines on standard input.

The first line is the host, as in ``hello``. The samples of the past follow, up to an empty line; each was taken as long
ago as its uptime states. Each later line is published when it arrives. It prints its address, and ends with its input.

    node web/tests/support/mock-samples.js | python scripts/invented_host.py
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from telemetry_stream import App, Settings
from telemetry_stream.metrics.sample import RESERVED, Sample, SourceState
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.stream import Demand, Feed, Stream

ON_DEMAND = frozenset({"processes", "containers"})
HISTORY_BYTES = 64 * 1024 * 1024  # ten minutes of 256 cores


def sample_of(line: str) -> Sample:
    """Return the sample of a ``sample`` message."""
    message = json.loads(line)
    states = {name: SourceState(**state) for name, state in message["sources"].items()}
    return Sample(
        host=message["host"],
        time_unix=message["time_unix"],
        uptime_seconds=message["uptime_seconds"],
        interval_seconds=message["interval_seconds"],
        sections={name: value for name, value in message.items() if name not in RESERVED},
        sources=states,
        on_demand=ON_DEMAND,
    )


class InventedHost:
    """An origin (see ``telemetry_stream.stream.Origin``) that publishes given samples."""

    def __init__(self, host: HostInfo, past: list[Sample]) -> None:
        self._host = host
        self._past = past
        self.feed: Feed

    def start(self, stream: Stream, _on_crash: Callable[[BaseException], None]) -> None:
        """Add the feed, and fill its ring with the past."""
        names = tuple(self._past[-1].sections)
        demand = Demand(
            default_sections=names,
            interval_seconds=1.0,
            idle_interval_seconds=0.0,
            on_interval=lambda _: None,
        )
        self.feed = stream.add(self._host, section_names=(*names, *ON_DEMAND), demand=demand)
        begun, newest = time.monotonic(), self._past[-1].uptime_seconds or 0.0
        for sample in self._past:
            taken_at = begun - newest + (sample.uptime_seconds or 0.0)
            self.feed._monotonic = lambda taken_at=taken_at: taken_at  # type: ignore[misc]
            self.feed.publish(sample)
        self.feed._monotonic = time.monotonic

    def maybe_problem(self) -> str | None:
        """Return None: nothing can fail."""
        return None

    def close(self) -> None:
        """Do nothing: there is no thread."""


def main() -> None:
    """Serve until the end of the input."""
    host = HostInfo(**json.loads(sys.stdin.readline()))
    past = [sample_of(line) for line in iter(sys.stdin.readline, "\n")]
    origin = InventedHost(host, past)
    settings = Settings(port=0, max_history_bytes=HISTORY_BYTES)
    with App(settings, origins=[origin]) as app:
        print(app.url, flush=True)
        for line in sys.stdin:
            origin.feed.publish(sample_of(line))


if __name__ == "__main__":
    main()
