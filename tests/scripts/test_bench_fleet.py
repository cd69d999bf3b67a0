"""The parts of scripts/bench-fleet, also when what it measures fails. test_benches.py has a run of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from fleetbench import programs, states
from fleetbench.figures import Figure, show
from fleetbench.herd import busiest
from fleetbench.load import freeze
from fleetbench.states import States

from tests.conftest import eventually

STUBBORN = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("http://localhost:1/", flush=True)
signal.pause()
"""


@pytest.fixture
def broker() -> Iterator[int]:
    """The pid of a process that stands for the broker."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def runs(pid: int) -> bool:
    """Return whether a process is not stopped: its state in proc_pid_stat(5), which is T then."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T"


def test_broker_goes_on_if_the_front_end_does_not_answer(broker: int) -> None:
    """The failure is reported. No server has port 0."""
    with pytest.raises(URLError):
        freeze(broker, 0, 5.0)
    assert eventually(lambda: runs(broker))


def test_a_program_that_does_not_stop_is_reported_and_killed(
    broker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the broker goes on."""
    monkeypatch.setattr(programs, "STOP_SECONDS", 0.05)
    with (
        pytest.raises(RuntimeError, match="did not stop within"),
        programs.running(["-c", STUBBORN]) as (pid, _),
        programs.stopped(broker),
    ):
        programs.stop_seconds(pid)
    assert eventually(lambda: runs(broker))
    assert not Path(f"/proc/{pid}").exists()


def test_a_figure_above_its_target_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """One without a target has no verdict."""
    figures = [Figure("a", 1.0, 1.0), Figure("b", 1.1, 1.0), Figure("c", 9.0)]
    assert not show("case", figures)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("verdict") for line in lines] == ["reached", "MISSED", None]
    assert show("case", [figures[0], figures[2]])


@pytest.mark.parametrize(
    ("times", "percent"),
    [([1.0], 100), ([1.0, 1.05, 1.2, 1.26], 50), ([0.0, 1.0, 1.02, 1.099, 1.11], 60)],
)
def test_the_busiest_window_may_begin_at_any_time(times: list[float], percent: float) -> None:
    """It is 100 ms long."""
    assert busiest(times) == percent


def test_changes_are_those_to_another_state_than_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """So late and live again is one change, and late, lost, live two."""
    monkeypatch.setattr(states, "POLL_SECONDS", 0.0)
    noted = States(0)
    most = []
    for first, second in [("live", "live"), ("late", "late"), ("late", "lost"), ("live", "live")]:
        shown = [{"id": "a", "state": first}, {"id": "b", "state": second}]
        monkeypatch.setattr(states, "hosts_of", lambda _, shown=shown: shown)
        assert noted.note() == (second == "live")
        most.append(noted.most_changes)
    assert most == [0, 1, 2, 2]
    assert noted.lost == 1
