"""A small run of scripts/bench-restart, and its reports of failures."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/bench-restart"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("bench_restart", str(SCRIPT))
    spec = importlib.util.spec_from_loader("bench_restart", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_all_viewers_are_back_without_a_gap_and_no_process_is_left() -> None:
    """With a held socket and SIGTERM, and with neither: 20 of 20 reconnect, and get every sample of both runs."""
    numbers = ["--viewers", 20, "--restarts", 1, "--interval", 0.1]
    with subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, numbers), "--only", "held-term", "bound-kill"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        output, _ = running.communicate()
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    held, bound = map(json.loads, output.splitlines())
    assert running.returncode == 0, output
    assert (held["way"], bound["way"]) == ("held-term", "bound-kill")
    for figures in (held, bound):
        assert (figures["gaps"], figures["failures"]) == (0, [])
        assert figures["samples"] >= 2
        for row in figures["restarts"]:
            assert 0 < row["stop"] < row["listens"]
            assert row["first_sample"]["max"] >= row["first_sample"]["p50"] >= row["back"]["p50"]
            assert row["tries"]["101"] == 20
    assert [row["closed_1001"] for row in held["restarts"]] == [20]
    assert [row["exit_status"] for row in bound["restarts"]] == [-signal.SIGKILL]
    assert not any("ECONNREFUSED" in row["tries"] for row in held["restarts"])


def figures_with(**changes: Any) -> dict[str, Any]:
    """Return good figures with these changes."""
    row = {"exit_status": 0, "first_sample": {"max": 9.9}}
    row |= {name: value for name, value in changes.items() if name in row}
    return {"way": "held-term", "gaps": changes.get("gaps", 0), "restarts": [row]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"gaps": 1}, ["gaps"]),
        ({"first_sample": {"max": 10.1}}, ["above 10 s"]),
        ({"exit_status": 1}, ["exit status 1"]),
    ],
)
def test_each_bad_figure_is_reported(
    bench: ModuleType, changes: dict[str, Any], expected: list[str]
) -> None:
    """A gap, a viewer that is late, and a wrong exit status."""
    assert bench.failures(figures_with(**changes)) == expected


def test_spread_has_median_percentile_and_maximum(bench: ModuleType) -> None:
    """The order of the values does not matter."""
    seconds = [float(number) for number in range(1001)]
    assert bench.spread(seconds[::-1]) == {"p50": 500.0, "p99": 990.0, "max": 1000.0}
    assert bench.spread([0.5]) == {"p50": 0.5, "p99": 0.5, "max": 0.5}


def test_program_that_does_not_start_is_reported(tmp_path: Path) -> None:
    """The benchmark ends at once, and the log has the error of the program."""
    log = tmp_path / "log"
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--viewers", "1", "--interval", "1000", "--log", log],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 1
    assert "the program did not start" in ran.stderr
    assert "interval" in log.read_text()
