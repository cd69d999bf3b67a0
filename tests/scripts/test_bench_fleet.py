"""The parts of scripts/bench-fleet, also when what it measures fails.

Each case runs, some of them in test_benches.py. Here, they are shorter, and have fewer programs.
"""

from __future__ import annotations

import json
import subprocess
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from fleetbench import agent, faults, herd, load, programs, single, states
from fleetbench.figures import Figure, show
from fleetbench.fleet import running_fleet
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


def test_an_overview_without_all_hosts_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its figures would be those of fewer hosts."""
    monkeypatch.setattr(load, "hosts_of", lambda _: [{"id": "a", "state": "live"}])
    with pytest.raises(RuntimeError, match="1 of 2 hosts are shown"):
        load.watched_overview([], 0, Namespace(hosts=2))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Namespace:
    """The arguments of a run that waits as little as possible, with one agent where there are three."""
    for module, name, value in [
        (agent, "SETTLE_SECONDS", 0.5),
        (herd, "PROCESSES", 1),
        (herd, "STABLE_SECONDS", 0.0),
        (
            faults,
            "running_fleet",
            lambda agents=("agent-0",), **more: running_fleet(agents, **more),
        ),
        (faults, "AFTER_SECONDS", 0.5),
        (faults, "STUCK_SECONDS", 1.0),
        (faults, "STUCK_VIEWERS", 2),
        (single, "WATCHED_SECONDS", 3.0),
        (single, "LEASE_SECONDS", 0.5),
    ]:
        monkeypatch.setattr(module, name, value)
    return Namespace(
        seconds=0.5,
        rounds=1,
        freeze=0.5,
        clients=3,
        restarts=[0.0],
        outages=[0.5],
        clone_seconds=1.0,
    )


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    """Return the figures by their names."""
    return {figure.what: figure for figure in figures}


def test_an_agent_is_compared_with_one_without_a_broker(short: Namespace) -> None:
    """Targets have what is more with a broker."""
    found = by_name(agent.agent(short))
    assert found["without MQTT, resident MiB"].measured > 10
    assert found["transfer on the tick, microseconds"].measured > 0
    assert found["modules of paho imported without MQTT"].is_reached
    assert [figure.target is not None for figure in found.values()] == [
        *(False, False, True),
        *(False, True, True, True),
    ]


def test_all_clients_return_to_a_restarted_broker(short: Namespace) -> None:
    """Their connects are counted."""
    began, accepted, returned = herd.herd(short)
    assert 100 / 3 - 1 < began.measured <= 100
    assert 100 / 3 - 1 < accepted.measured <= 100
    assert returned.measured > 0


def test_an_outage_of_the_broker_leaves_no_gap(short: Namespace) -> None:
    """And the host is live again, and was not lost."""
    returned, lost, samples, gaps = faults.outage(short)
    assert returned.measured > 0
    assert (lost.measured, gaps.measured) == (0, 0)
    assert samples.measured > 0


def test_hosts_are_not_lost_while_the_broker_is_frozen(short: Namespace) -> None:
    """A frozen agent may be."""
    found = by_name(faults.frozen(short))
    broker = found["broker frozen for 0.5 s: hosts reported lost"]
    assert (broker.measured, broker.target) == (0, 0)
    assert found["agent-0 frozen for 0.5 s: hosts reported lost"].target is None


def test_stuck_viewers_cost_another_one_nothing(short: Namespace) -> None:
    """The one of the agent, and the one of the front end."""
    found = by_name(faults.stuck(short))
    assert found["samples of another viewer of the agent"].measured > 0
    assert found["samples of another viewer of that front end"].measured > 0
    assert found["gaps of both"].is_reached


def test_clones_are_shown_and_connect_once(short: Namespace) -> None:
    """Each of the two."""
    shown, most, is_still = single.clones(short)
    assert shown.measured > 0
    assert most.measured >= 1
    assert is_still.measured == 1


def test_samples_are_counted_until_the_viewer_has_left(short: Namespace) -> None:
    """Only the rest has a target."""
    watched, last, rest = single.quiet(short)
    assert watched.measured > 0
    assert last.target is None
    assert rest.target == 0
