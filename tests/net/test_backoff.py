"""When a client connects again."""

from __future__ import annotations

import random

import pytest

from telemetry_stream.mqtt.connector import SPREAD_SECONDS
from telemetry_stream.net.backoff import STABLE_SECONDS, Backoff


def test_delays_double_up_to_four_seconds() -> None:
    """And begin anew after a connection that was stable."""
    backoff = Backoff(lambda low, high: (low + high) / 2)
    assert [backoff.delay_seconds(0.0) for _ in range(6)] == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]
    assert backoff.delay_seconds(STABLE_SECONDS - 0.1) == 4.0
    assert backoff.delay_seconds(STABLE_SECONDS) == 0.25


def test_a_delay_is_random() -> None:
    """From half to one and a half of it."""
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return 1.0

    Backoff(draw).delay_seconds(0.0)
    assert drawn == [(0.5, 1.5)]


def test_the_first_delay_after_a_stable_connection_is_spread() -> None:
    """And the next ones begin there. At the start of the program, no server has failed: the first delays are short."""
    backoff = Backoff(lambda low, high: (low + high) / 2, spread_seconds=2.5)
    assert backoff.delay_seconds(0.0) == 0.25
    delays = [backoff.delay_seconds(connected) for connected in (STABLE_SECONDS, 0.0, 0.0)]
    assert delays == [(0.125 + 2.5) / 2, 2.5, 4.0]


@pytest.mark.parametrize("outage_seconds", [0, 0.2, 0.5, 1, 1.3, 2, 5, 10, 36])
def test_a_thousand_clients_do_not_return_together(outage_seconds: float) -> None:
    """After a broker was down, the busiest 100 ms has at most a tenth of its clients, and all are back within 6 s."""
    draw = random.Random(7)
    times = []
    for _ in range(1000):
        backoff = Backoff(draw.uniform, spread_seconds=SPREAD_SECONDS)
        now = backoff.delay_seconds(STABLE_SECONDS)
        while now < outage_seconds:
            now += backoff.delay_seconds(0.0)
        times.append(now - outage_seconds)
    times.sort()
    assert times[-1] <= 6
    assert all(later - first > 0.1 for first, later in zip(times, times[100:], strict=False))
