"""The judge of all attacks is awake, and lets a busy machine be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.attacks.target import (
    HELD_UP_SECONDS,
    HELD_UP_TICKS,
    RESIDENT_SLACK_BYTES,
    Footprint,
    Report,
)

HELD = Footprint(Counter({"ts-accept": 1}), Counter({"socket:[N]": 3}), 30_000_000)
SOUND = Report(
    samples=40,
    missed=0,
    ticks_missed=0,
    lateness_p50_seconds=0.001,
    lateness_p99_seconds=0.004,
    recovery_seconds=0.1,
    before=HELD,
    after=HELD,
)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (replace(SOUND, missed=1), "the viewer missed 1 samples"),
        (replace(SOUND, lateness_p99_seconds=HELD_UP_SECONDS), "the viewer was held up for 1.0 s"),
        (
            replace(SOUND, ticks_missed=HELD_UP_TICKS),
            "the collector was held up for 10 ticks",
        ),
        (
            replace(SOUND, after=HELD._replace(threads=Counter({"ts-accept": 1, "ts-connN": 2}))),
            "threads differ by {'ts-connN': 2}",
        ),
        (
            replace(SOUND, after=HELD._replace(descriptors=Counter({"socket:[N]": 2}))),
            "descriptors differ by {'socket:[N]': -1}",
        ),
        (
            replace(SOUND, after=HELD._replace(resident_bytes=30_000_001 + RESIDENT_SLACK_BYTES)),
            "memory grew by 5242881 bytes",
        ),
    ],
)
def test_each_harm_would_be_seen(bad: Report, words: str) -> None:
    """One figure that is bad is enough, and is named."""
    assert bad.shortcomings() == [words]


def test_a_busy_machine_is_no_harm() -> None:
    """Late by less than a second, a few ticks missed, a little memory taken: no attack need have done that."""
    busy = replace(
        SOUND,
        ticks_missed=HELD_UP_TICKS - 1,
        lateness_p99_seconds=0.99,
        after=HELD._replace(resident_bytes=30_000_000 + RESIDENT_SLACK_BYTES),
    )
    assert busy.shortcomings() == []
