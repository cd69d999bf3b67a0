"""A short run of scripts/soak: what an hour of it is judged by holds for a minute, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from soak_load import Holes

ROOT = Path(__file__).parent.parent.parent


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
