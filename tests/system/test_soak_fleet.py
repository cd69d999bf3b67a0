"""Half a minute of scripts/soak-fleet, with the same limits as for a longer run."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from soak_alerts import Alerts
from soak_disturbed import Program

ROOT = Path(__file__).parent.parent.parent
script = runpy.run_path(str(ROOT / "scripts/soak-fleet"))
failures, Viewer = script["failures"], script["Viewer"]


@pytest.mark.timeout(240)
def test_half_a_minute_of_disturbances() -> None:
    """The broker, agents and front ends are stopped, killed and frozen: no sample, alert or host is lost."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/soak-fleet", "--minutes", "0.5", "--agents", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    figures = json.loads(done.stdout)
    # On a machine that is busy with other tests, programs may take longer to start.
    assert set(figures["failures"]) <= {"late_returns"}, (figures, done.stderr)
    assert figures["disturbances"] >= 1
    assert figures["samples"] >= 20
    assert figures["alerts"] >= 2


def sample(seq: int, stream: str = "a") -> dict[str, Any]:
    """Return a sample, as far as a viewer reads it."""
    return {"type": "sample", "stream": stream, "seq": seq}


def test_missing_samples_are_found() -> None:
    """Within a run, and at the beginning of the next one. Samples that arrive twice are not counted twice."""
    viewer = Viewer("host", [], 0)
    history = {"type": "history", "samples": [sample(1), sample(2)]}
    for message in (history, sample(2), sample(3), sample(6), sample(2, "b")):
        viewer._note(message)
    assert viewer.samples == 5
    assert viewer.gaps == ["host a 4-5", "host b 1-1"]


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        ([{"agent_0_1": 5.0}, None, {"agent_0_1": 5.0}, {}, {"agent_0_2": 9.0}], []),
        (
            [{"agent_0_1": 5.0}, {"agent_0_1": 7.0}],
            ["twice: agent_0_1 of agent-0 on front-0: [5.0, 7.0]"],
        ),
        (
            [{"agent_0_1": 5.0}, {}, {"agent_0_1": 5.0}],
            ["twice: agent_0_1 of agent-0 on front-0, after its end"],
        ),
        ([{"agent_0_2": 8.0}, {}, {"agent_0_2": 9.5}], []),  # it was killed at 8.5
        ([{"host_lost": 5.0}], ["false: host_lost of agent-0 on front-0"]),
    ],
)
def test_wrong_alerts_are_found(
    tmp_path: Path, seen: list[dict[str, float] | None], wrong: list[str]
) -> None:
    """An alert has one time, and does not return after its end."""
    agent, front = (Program(name, 1, [], tmp_path / name) for name in ("agent-0", "front-0"))
    agent.killed_at.append(8.5)
    alerts = Alerts(tmp_path, [agent], [front])
    for found in seen:
        shown = (
            None
            if found is None
            else [{"rule": rule, "since_unix": at} for rule, at in found.items()]
        )
        alerts.note("front-0", "agent-0", shown)
    assert alerts.wrong == wrong


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"gaps": ["agent-1 3-4"]}, ["gaps"]),
        ({"false_losses": ["agent-1"]}, ["false_losses"]),
        ({"wrong_alerts": ["missed: agent_0_1"]}, ["wrong_alerts"]),
        ({"late_returns": [{}]}, ["late_returns"]),
        ({"ended": ["front-0"]}, ["ended"]),
        ({"tracebacks": ["front-0"]}, ["tracebacks"]),
        ({"caught_up": False}, ["not caught up"]),
    ],
)
def test_each_violated_guarantee_is_a_failure(change: dict[str, Any], found: list[str]) -> None:
    """And nothing else is."""
    names = ("gaps", "false_losses", "wrong_alerts", "late_returns", "ended", "tracebacks")
    good: dict[str, Any] = {**dict.fromkeys(names), "caught_up": True}
    assert failures({**good, **change}) == found
