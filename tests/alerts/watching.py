"""A monitor with a feed, for the tests of both its parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telemetry_stream.alerts.monitor import Monitor
from telemetry_stream.alerts.rules import load
from telemetry_stream.alerts.saved import Saved
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.stream import Feed
from tests.alerts.samples import load_of, sample
from tests.alerts.test_engine import LOAD
from tests.stream.streaming import streaming


class Watching:
    """A monitor with a feed. ``feed_with`` publishes a sample for each load, a second apart."""

    def __init__(self, feed: Feed, folder: Path, rules: str = LOAD) -> None:
        self.path = folder / "rules.toml"
        self.write(rules)
        self.feed = feed
        self.saved = Saved(str(folder / "state"), on_crash=print)
        self.monitor = Monitor(
            lambda: load(str(self.path)), longest_interval_seconds=1.0, saved=self.saved
        )
        self.second = 0

    def write(self, rules: str) -> None:
        self.path.write_text("defaults = false\n" + rules)

    def feed_with(self, *loads: float | None) -> None:
        for value in loads:
            self.second += 1
            self.publish(sample(self.second, load=load_of(value)))

    def publish(self, one: Sample) -> None:
        self.feed.publish(one)
        self.monitor.note(self.feed, one)


@contextmanager
def watching(folder: Path) -> Iterator[Watching]:
    """A monitor of the load, whose alerts are saved."""
    with streaming() as (_, _, feed):
        found = Watching(feed, folder)
        found.monitor.start()
        try:
            yield found
        finally:
            found.monitor.close()
