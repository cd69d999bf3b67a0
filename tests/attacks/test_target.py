"""The limits for attacks: each passed limit is reported, and a busy machine alone passes none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.attacks.target import (
    MAX_LATENESS_SECONDS,
    MAX_MISSED_TICKS,
    RESIDENT_SLACK_BYTES,
    Footprint,
    Report,
    max_missed_ticks,
)

IN_USE = Footprint(Counter({"ts-accept": 1}), Counter({"socket:[N]": 3}), 30_000_000)
GOOD = Report(
    samples=40,
    missed=0,
    ticks_missed=0,
    max_ticks_missed=max_missed_ticks(0.0, 0.1),
    lateness_p50_seconds=0.001,
    lateness_p99_seconds=0.004,
    lateness_max_seconds=0.004,
    recovery_seconds=0.1,
    before=IN_USE,
    after=IN_USE,
)


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (replace(GOOD, missed=1), "the viewer missed 1 samples"),
        (replace(GOOD, lateness_p99_seconds=MAX_LATENESS_SECONDS), "samples were late by 1.0 s"),
        (
            replace(GOOD, ticks_missed=MAX_MISSED_TICKS),
            "the collector missed 10 ticks",
        ),
        (
            replace(GOOD, after=IN_USE._replace(threads=Counter({"ts-accept": 1, "ts-connN": 2}))),
            "threads differ by {'ts-connN': 2}",
        ),
        (
            replace(GOOD, after=IN_USE._replace(descriptors=Counter({"socket:[N]": 2}))),
            "descriptors differ by {'socket:[N]': -1}",
        ),
        (
            replace(GOOD, after=IN_USE._replace(resident_bytes=30_000_001 + RESIDENT_SLACK_BYTES)),
            "memory grew by 5242881 bytes",
        ),
    ],
)
def test_each_passed_limit_is_reported(report: Report, sentence: str) -> None:
    """One bad figure is enough."""
    assert report.failures() == [sentence]


def test_figures_below_the_limits_are_not_reported() -> None:
    """Samples late by less than a second, a few missed ticks, a little more memory: without an attack too."""
    busy = replace(
        GOOD,
        ticks_missed=MAX_MISSED_TICKS - 1,
        lateness_p99_seconds=0.99,
        lateness_max_seconds=0.004,
        after=IN_USE._replace(resident_bytes=30_000_000 + RESIDENT_SLACK_BYTES),
    )
    assert busy.failures() == []


def test_ticks_without_a_processor_are_not_the_attackers() -> None:
    """Those for which the collector's thread waited, and as many for the thread that it waited for."""
    limit = max_missed_ticks(0.5, 0.1)
    assert limit == MAX_MISSED_TICKS + 2 * 5
    busy = replace(GOOD, ticks_missed=int(limit) - 1, max_ticks_missed=limit)
    assert busy.failures() == []
    assert replace(busy, ticks_missed=int(limit)).failures() == ["the collector missed 20 ticks"]
