"""The systemd units, judged by systemd's own tools, and against what the program needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from telemetry_stream import Settings

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
SERVICE = DEPLOY / "telemetry-stream.service"

KIB, MIB = 1024, 1024 * 1024
PROGRAM_BYTES = 64 * MIB  # with 10 minutes of history
VIEWER_BYTES = 50 * KIB
SOCKET_BYTES = (
    128 * KIB
)  # SO_SNDBUF as the kernel doubles it: the service's memory, too, while a viewer reads nothing
CORE_THREADS = 24  # main, ticks, hub, grace, accept, systemd, and workers for what can block


def directives() -> dict[str, list[str]]:
    """Every setting of the unit with its values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", SERVICE.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root in which the program and a shell are where the units say."""
    for program in ("opt/telemetry-stream/bin/telemetry-stream", "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in DEPLOY.glob("telemetry-stream.*"):
        shutil.copy(unit, units)
    for target in ("sysinit", "basic", "multi-user", "network", "shutdown", "sockets"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=as on every host\n")
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("unit", ["telemetry-stream.service", "telemetry-stream.socket"])
def test_systemd_has_nothing_to_say_against_the_units(unit: str, installed: Path) -> None:
    """No unknown setting, no value out of range, every program is there."""
    done = analyze("verify", "--man=no", f"--root={installed}", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mistake_would_be_heard(installed: Path) -> None:
    """The judge is awake."""
    unit = installed / "etc/systemd/system/telemetry-stream.service"
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=sometimes"))
    assert "sometimes" in analyze("verify", "--man=no", f"--root={installed}", unit.name).stderr


def test_the_sandbox_is_tight() -> None:
    """An exposure of 1.5 of 10 at most; a web server as it comes has 9."""
    done = analyze("security", "--offline=true", "--threshold=15", "--no-pager", SERVICE)
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level .*: (\d+\.\d+)", done.stdout)
    assert found is not None
    assert float(found[1]) <= 1.5


def test_the_limits_have_room_for_the_viewers_allowed() -> None:
    """As many as the settings let in by default, all of them reading nothing."""
    defaults, unit = Settings(), directives()
    (tasks,), (files,), (memory,) = unit["TasksMax"], unit["LimitNOFILE"], unit["MemoryMax"]
    viewers, spare = defaults.max_viewers, defaults.spare_connections
    assert int(tasks) >= 2 * viewers + spare + CORE_THREADS
    assert int(files) >= viewers + spare + 500  # files kept open below /proc and /sys
    assert int(memory.removesuffix("M")) * MIB >= PROGRAM_BYTES + viewers * (
        VIEWER_BYTES + SOCKET_BYTES
    )


def test_nothing_that_is_shown_is_hidden() -> None:
    """Other processes and their owners, sock_diag, and all of /proc: what the sections are made of."""
    unit = directives()
    assert not {"PrivateUsers", "ProtectProc", "ProcSubset", "PrivateNetwork"} & unit.keys()
    assert {"AF_NETLINK", "AF_UNIX", "AF_INET", "AF_INET6"} == set(
        unit["RestrictAddressFamilies"][0].split()
    )
    assert unit["ProtectHome"] == ["read-only"]


def test_the_watchdog_outlasts_the_slowest_tick() -> None:
    """A probe of the hub may take 2 s and is made twice in the time."""
    unit = directives()
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSec"] == ["30s"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["2"]
