"""A short run of scripts/soak: what an hour of it is judged by holds for a minute, too."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from soak_load import Holes

ROOT = Path(__file__).parent.parent.parent
shortcomings = runpy.run_path(str(ROOT / "scripts/soak"))["shortcomings"]


@pytest.mark.timeout(150)
def test_a_minute_under_strain(tmp_path: Path) -> None:
    """Viewers come, stall, reset and leave by the hundred, sources fail, clocks jump: nobody healthy notices."""
    log = tmp_path / "log"
    done = subprocess.run(
        [
            sys.executable, ROOT / "scripts/soak",
            "--minutes", "1", "--interval", "0.5", "--viewers", "100", "--healthy", "10", "--log", log,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    figures = json.loads(done.stdout)
    assert figures["shortcomings"] == [], (figures, log.read_text()[-4000:])
    assert done.returncode == 0
    assert figures["ticks_made"] >= 110
    assert figures["gaps"] == figures["ticks_missed"] == 0
    assert figures["frames_delivered"] >= 10 * 2 * 110  # a sample and the filler, to each
    assert sum(figures["others_came"].values()) >= 500
    assert figures["others_ended"]["too slow"] > 0  # the stalling ones were shown out meanwhile


def test_a_hole_would_be_seen() -> None:
    """The judge is awake: a missing sample counts, and so does one that comes twice."""
    holes = Holes()
    for seq in (7, 8, 10, 10):
        holes.take(seq)
    assert holes.count == 2


def sound(minutes: float, slope: float | None) -> dict[str, Any]:
    """The figures of a run in which only memory may be amiss."""
    return {
        "minutes": minutes,
        "gaps": 0,
        "ticks_missed": 0,
        "exit_status": 0,
        "threads": {"left_of_connections": 0},
        "descriptors": {"left_of_connections": 0},
        "answers": {"/healthz 200": 1800},
        "resident_mib": {"slope_per_hour": slope},
    }


def test_growing_memory_would_be_seen_where_it_can_be_told() -> None:
    """Half an hour shows a leak; a shorter run shows caches that fill, or has no slope at all."""
    assert shortcomings(sound(30.0, 1.01), "") == ["resident_mib grows by 1.01 an hour"]
    for minutes, slope in ((60.0, 1.0), (60.0, -3.0), (29.9, 7.2), (0.0, None)):
        assert shortcomings(sound(minutes, slope), "") == []


@pytest.mark.parametrize(
    ("amiss", "found"),
    [
        ({"gaps": 1}, "gaps"),
        ({"ticks_missed": 1}, "ticks_missed"),
        ({"exit_status": -9}, "exit_status"),
        ({"threads": {"left_of_connections": 1}}, "threads"),
        ({"descriptors": {"left_of_connections": -1}}, "descriptors"),
        ({"answers": {"/metrics 503": 1}}, "/metrics 503"),
    ],
)
def test_whatever_is_amiss_would_be_seen(amiss: dict[str, Any], found: str) -> None:
    """Each of the other figures alone makes a run a bad one, and so does a traceback."""
    assert shortcomings(sound(1.0, None) | amiss, "") == [found]
    assert shortcomings(sound(1.0, None), "Traceback (most…") == ["a traceback in the log"]
