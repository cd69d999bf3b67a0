"""The whole program on each captured host serves the golden sample of that host."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import eventually
from tests.metrics.replay import HOSTS, golden_path, host_names
from tests.system.program import Program

# They depend on the moment: this program, results of workers, sizes of filesystems that are not mounted here.
MOMENTARY = {"self", "temperatures", "power", "gpus", "filesystems", "processes"}


def served(url: str) -> dict[str, Any] | None:
    """Return the newest sample, or None while there is none."""
    try:
        with urllib.request.urlopen(f"{url}api/v1/sample", timeout=10) as answer:
            sample: dict[str, Any] = json.load(answer)
            return sample
    except urllib.error.HTTPError as error:
        error.close()
        return None


@pytest.mark.parametrize("name", host_names())
def test_the_program_serves_the_golden_sample(name: str, tmp_path: Path) -> None:
    """From the files of t0 through collector, stream and HTTP: every value that the files determine.

    The program may have ticked several times on files that do not change, so rates are not compared.
    """
    tree = HOSTS / name / "t0"
    roots = ["--proc-root", str(tree / "proc"), "--sys-root", str(tree / "sys")]
    program = Program(["--port", "0", *roots], None, tmp_path)
    try:
        url = program.url
        assert eventually(lambda: served(url) is not None)
        sample = served(url)
        assert sample is not None
    finally:
        program.stop()
        program.end()
    golden = json.loads(golden_path(name).read_text())["t0"]
    assert sample["host"] == golden["host"]
    sections = (
        (sample.keys() & golden.keys())
        - MOMENTARY
        - {"time_unix", "interval_seconds", "sources", "host"}
    )
    assert {"cpu", "load", "memory", "system", "uptime_seconds"} <= sections
    for section in sections:
        assert steady(sample[section]) == steady(golden[section]), section
    assert [row["mountpoint"] for row in sample["filesystems"]] == [
        row["mountpoint"] for row in golden["filesystems"]
    ]


def steady(value: Any) -> Any:
    """Return a value without rates and shares, which a second tick has, parts on demand, and results of workers."""
    if isinstance(value, dict):
        left_out = (
            "_per_second",
            "_percent",
            "_await_ms",
            "queue_depth",
            "states",
            "clocks",
            "states_age_seconds",
            "speed_mbps",
            "reboot_required",
            "signal_dbm",
            "boot_time_unix",  # does not agree with the clock of this system
            "started_at",
        )
        return {name: steady(item) for name, item in value.items() if not name.endswith(left_out)}
    if isinstance(value, list):
        return [steady(item) for item in value]
    return value
