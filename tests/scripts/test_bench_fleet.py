"""scripts/bench-fleet, when what it measures fails: nothing stays stopped. test_benches.py has a run of it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import pytest

from tests.conftest import eventually

SCRIPT = Path(__file__).parents[2] / "scripts/bench-fleet"
STUBBORN = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("http://localhost:1/", flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("bench_fleet", str(SCRIPT))
    spec = importlib.util.spec_from_loader("bench_fleet", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def broker() -> Iterator[int]:
    """The pid of a process that stands for the broker."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def runs(pid: int) -> bool:
    """Return whether a process is not stopped: its state in proc_pid_stat(5), which is T then."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T"


def test_broker_goes_on_if_the_front_end_does_not_answer(bench: ModuleType, broker: int) -> None:
    """The failure is reported. No server has port 0."""
    with pytest.raises(URLError):
        bench.freeze(broker, 0, 5.0)
    assert eventually(lambda: runs(broker))


def test_a_program_that_does_not_stop_is_reported_and_killed(
    bench: ModuleType, broker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the broker goes on."""
    monkeypatch.setattr(bench, "STOP_SECONDS", 0.05)
    with (
        pytest.raises(RuntimeError, match="did not stop within"),
        bench.running(["-c", STUBBORN]) as (pid, _),
    ):
        bench.stop_seconds(pid, broker)
    assert eventually(lambda: runs(broker))
    assert not Path(f"/proc/{pid}").exists()
