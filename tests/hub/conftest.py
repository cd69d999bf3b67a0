"""Hubs with their two threads, closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from telemetry_stream.hub import Hub
from tests.hub.clients import WAIT_SECONDS

LONG_SECONDS = 600.0  # a grace that does not run out while the test runs


@pytest.fixture
def make_hub() -> Iterator[Callable[..., Hub]]:
    """Hubs with a grace of the test's choice, closed after it."""
    made: list[Hub] = []

    def make(grace_seconds: float = LONG_SECONDS) -> Hub:
        made.append(Hub(grace_seconds=grace_seconds))
        return made[-1]

    yield make
    for hub in made:
        hub.close(timeout=WAIT_SECONDS)


@pytest.fixture
def hub(make_hub: Callable[..., Hub]) -> Hub:
    """A hub whose stragglers stay in their grace for as long as the test takes."""
    return make_hub()
