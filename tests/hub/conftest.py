"""A running hub, and a grace period that does not expire during a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry_stream.hub import Hub, grace
from tests.hub.batches import FakeBatch
from tests.hub.clients import WAIT_SECONDS


@pytest.fixture
def endless_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make grace periods longer than the test, so that its result does not depend on its speed."""
    monkeypatch.setattr(grace, "GRACE_SECONDS", 600.0)


@pytest.fixture
def hub(fan_out: str) -> Iterator[Hub]:
    """A hub with its two threads, which is closed after the test."""
    hub = Hub(batch=FakeBatch())
    hub.start()
    yield hub
    hub.close(timeout=WAIT_SECONDS)
