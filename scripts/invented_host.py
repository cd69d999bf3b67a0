"""Serves an invented host with the real server: samples come as JSON lines on standard input.

The first line is the host, as in ``hello``. The samples of the past follow, up to an empty line; each was taken as long
ago as its uptime states. Each later line is published when it arrives. It prints its address, and ends with its input.

    node web/tests/support/mock-samples.js | python scripts/invented_host.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from telemetry_stream import App, Settings
from telemetry_stream.metrics.sample import RESERVED, Sample, SourceState
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.stream import Demand, Feed, Stream, to_json
from telemetry_stream.stream.received import cut

ON_DEMAND = frozenset({"processes", "containers"})
HISTORY_BYTES = 64 * 1024 * 1024  # ten minutes of 256 cores


def sample_of(message: dict[str, Any]) -> Sample:
    """Return the sample of a ``sample`` message."""
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

    def __init__(self, host: HostInfo, past: list[dict[str, Any]]) -> None:
        self._host = host
        self._past = past
        self.feed: Feed

    def start(self, stream: Stream, _on_crash: Callable[[BaseException], None]) -> None:
        """Add the feed, and fill its ring with the past."""
        *past, newest = self._past
        names = tuple(sample_of(newest).sections)
        demand = Demand(
            default_sections=names,
            interval_seconds=1.0,
            idle_interval_seconds=0.0,
            on_interval=lambda _: None,
        )
        self.feed = stream.add(self._host, section_names=(*names, *ON_DEMAND), demand=demand)
        self.feed.publish_received(
            (
                cut(to_json({**message, "stream": self.feed.id, "seq": seq}).decode(), ON_DEMAND)[
                    0
                ],
                newest["uptime_seconds"] - message["uptime_seconds"],
            )
            for seq, message in enumerate(past, 1)
        )
        self.feed.publish(sample_of(newest))

    def maybe_problem(self) -> str | None:
        """Return None: nothing can fail."""
        return None

    def close(self) -> None:
        """Do nothing: there is no thread."""


def main() -> None:
    """Serve until the end of the input."""
    host = HostInfo(**json.loads(sys.stdin.readline()))
    past = [json.loads(line) for line in iter(sys.stdin.readline, "\n")]
    origin = InventedHost(host, past)
    settings = Settings(port=0, max_history_bytes=HISTORY_BYTES)
    with App(settings, origins=[origin]) as app:
        print(app.url, flush=True)
        for line in sys.stdin:
            origin.feed.publish(sample_of(json.loads(line)))


if __name__ == "__main__":
    main()
