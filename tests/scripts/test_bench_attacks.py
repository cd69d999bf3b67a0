"""scripts/bench-attacks fails if a figure is above its aim, or if a test fails. The attacks are not run here."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.target import RECOVERY_SECONDS, RESIDENT_SLACK_BYTES

main = runpy.run_path(str(Path(__file__).parents[2] / "scripts/bench-attacks"))["main"]

WITHIN_THE_AIMS: dict[str, float] = {
    "samples": 40,
    "missed": 0,
    "ticks_missed": 0,
    "lateness_p50_seconds": 0.001,
    "lateness_p99_seconds": 0.050,
    "lateness_max_seconds": 0.150,
    "recovery_seconds": RECOVERY_SECONDS,
    "threads_before": 10,
    "threads_after": 10,
    "descriptors_before": 20,
    "descriptors_after": 20,
    "resident_bytes_before": 30_000_000,
    "resident_bytes_after": 30_000_000 + RESIDENT_SLACK_BYTES,
}


@pytest.mark.parametrize(
    ("above", "tests_status", "status"),
    [
        ({}, 0, 0),
        ({"missed": 1}, 0, 1),
        ({"ticks_missed": 1}, 0, 1),
        ({"lateness_p99_seconds": 0.051}, 0, 1),
        ({"lateness_max_seconds": 0.151}, 0, 1),
        ({"recovery_seconds": RECOVERY_SECONDS + 0.1}, 0, 1),
        ({"resident_bytes_after": 30_000_001 + RESIDENT_SLACK_BYTES}, 0, 1),
        ({}, 2, 2),
    ],
)
def test_star_is_a_failure(
    above: dict[str, float],
    tests_status: int,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A figure above its aim has a star. The status is that of the tests, or 1 if there is a star."""

    def run(_: Sequence[str], plugins: Sequence[Any]) -> int:
        plugins[0].pytest_runtest_logreport(
            pytest.TestReport(
                "tests/attacks/test_x.py::test_of_2**3",
                ("", None, ""),
                {},
                "passed",
                None,
                "teardown",
                user_properties=[("figures", WITHIN_THE_AIMS | above)],
            )
        )
        return tests_status

    monkeypatch.setattr(pytest, "main", run)
    assert main() == status
    figures = capsys.readouterr().out.splitlines()[-1].removeprefix("of_2**3")
    assert figures.count("*") == len(above)
