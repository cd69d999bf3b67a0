"""A source of an embedding program, for the tests of whoever asks it."""

from __future__ import annotations

from collections.abc import Callable

from telemetry_stream.metrics.source import Now


class Mine:
    """It calls what it was given."""

    def __init__(self, name: str, collect: Callable[[Now], object]) -> None:
        self.name = name
        self._collect = collect

    def collect(self, now: Now) -> object:
        return self._collect(now)
