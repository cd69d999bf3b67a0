"""A source of an embedding program."""

from __future__ import annotations

from collections.abc import Callable

from telemetry_stream.metrics.source import Now


class ExtraSource:
    """It returns what the given function returns."""

    def __init__(self, name: str, collect: Callable[[Now], object]) -> None:
        self.name = name
        self._collect = collect

    def collect(self, now: Now) -> object:
        return self._collect(now)


class OnDemandSource(ExtraSource):
    """The same for an on-demand section. It counts how often it was closed."""

    on_demand = True

    def __init__(self, name: str, collect: Callable[[Now], object]) -> None:
        super().__init__(name, collect)
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
