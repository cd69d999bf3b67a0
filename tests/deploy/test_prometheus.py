"""The configuration and the rules in deploy/prometheus are valid, and the rules fire when they should."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.prometheus.programs import program

DIRECTORY = Path(__file__).parent.parent.parent / "deploy/prometheus"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    """Its own checks, and the cases of rules_test.yml."""
    done = subprocess.run(
        [program("promtool", "prometheus"), *arguments],
        cwd=DIRECTORY,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout + done.stderr
