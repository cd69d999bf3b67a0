"""What a host may take, by a clock that the test moves."""

from __future__ import annotations

import pytest

from telemetry_stream.fleet.budget import CostBudget
from tests.stream.streaming import Clock


def test_more_than_is_there_is_owed_until_it_has_grown() -> None:
    """It grows up to a limit, and is full at first."""
    clock = Clock()
    budget = CostBudget(10.0, 100.0, clock)
    assert budget.owed == 0
    budget.spend(100.0)
    assert budget.owed == 0
    budget.spend(30.0)
    assert budget.owed == pytest.approx(30.0)
    assert budget.paid_at == pytest.approx(clock.now + 3.0)
    assert budget.owed_seconds == pytest.approx(3.0)
    clock.now += 2.0
    assert budget.owed == pytest.approx(10.0)
    clock.now += 1000.0
    budget.spend(101.0)
    assert budget.owed == pytest.approx(1.0)
