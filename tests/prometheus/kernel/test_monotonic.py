"""Counters of a core do not fall between two scrapes."""

from __future__ import annotations

import os

from telemetry_stream.prometheus.kernel.monotonic import RESET_SECONDS, Monotonic

MOST = RESET_SECONDS * os.sysconf("SC_CLK_TCK")


def test_a_small_fall_is_not_served() -> None:
    """Other columns of the core go on, and None stays None."""
    ticks = Monotonic()
    assert ticks.rising({0: (10, 500, None)}) == {0: (10, 500, None)}
    assert ticks.rising({0: (11, 499, None)}) == {0: (11, 500, None)}
    assert ticks.rising({0: (12, 501, 3)}) == {0: (12, 501, 3)}


def test_a_large_fall_is_a_reset_of_the_core() -> None:
    """Then all its counters are as the kernel shows them."""
    ticks = Monotonic()
    ticks.rising({0: (10, MOST + 9), 1: (5, 5)})
    assert ticks.rising({0: (9, 8), 1: (4, 5)}) == {0: (9, 8), 1: (5, 5)}


def test_a_core_that_is_gone_is_forgotten() -> None:
    """It may come back with other counters."""
    ticks = Monotonic()
    ticks.rising({0: (10,), 1: (10,)})
    ticks.rising({0: (11,)})
    assert ticks.rising({0: (12,), 1: (9,)}) == {0: (12,), 1: (9,)}
