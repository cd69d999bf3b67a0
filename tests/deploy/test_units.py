"""The systemd units, checked with systemd-analyze and against the needs of the program."""

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
VIEWER_BYTES = 64 * KIB  # docs/performance.md: 63.5 of a whole app
# SO_SNDBUF as the kernel doubles it. While a viewer reads nothing, it counts as memory of the service.
SOCKET_BYTES = 128 * KIB
# Main, collector, hub, grace, accept, signal, systemd, and workers for calls that can block.
CORE_THREADS = 24


def directives() -> dict[str, list[str]]:
    """Return every setting of the unit with its values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", SERVICE.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root directory with the units, and with the programs that they start."""
    for program in ("opt/telemetry-stream/bin/telemetry-stream", "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in DEPLOY.glob("telemetry-stream.*"):
        shutil.copy(unit, units)
    for target in ("sysinit", "basic", "multi-user", "network", "shutdown", "sockets"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=a target of systemd\n")
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("unit", ["telemetry-stream.service", "telemetry-stream.socket"])
def test_systemd_accepts_the_units(unit: str, installed: Path) -> None:
    """No unknown setting, no value out of range, and every program exists."""
    done = analyze("verify", "--man=no", f"--root={installed}", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_mistake_in_a_unit_is_found(installed: Path) -> None:
    """The previous test can fail."""
    unit = installed / "etc/systemd/system/telemetry-stream.service"
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=sometimes"))
    assert "sometimes" in analyze("verify", "--man=no", f"--root={installed}", unit.name).stderr


def test_sandbox_is_strict() -> None:
    """The exposure is at most 1.9 of 10; a web server's default unit has about 9."""
    done = analyze("security", "--offline=true", "--threshold=19", "--no-pager", SERVICE)
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level .*: (\d+\.\d+)", done.stdout)
    assert found is not None
    assert float(found[1]) <= 1.9


def test_limits_are_enough_for_the_default_number_of_viewers() -> None:
    """Even if none of them reads."""
    defaults, unit = Settings(), directives()
    (tasks,), (files,), (memory,) = unit["TasksMax"], unit["LimitNOFILE"], unit["MemoryMax"]
    viewers, spare = defaults.max_viewers, defaults.spare_connections
    assert int(tasks) >= 2 * viewers + spare + CORE_THREADS
    assert int(files) >= viewers + spare + 500  # files kept open below /proc and /sys
    assert int(memory.removesuffix("M")) * MIB >= PROGRAM_BYTES + viewers * (
        VIEWER_BYTES + SOCKET_BYTES
    )


def test_documented_size_of_a_viewer_is_the_one_of_the_limits() -> None:
    """In the unit and in docs/operations.md, whose formula adds the buffer in the kernel and rounds up."""
    text = (DEPLOY.parent / "docs/operations.md").read_text()
    each = VIEWER_BYTES // KIB
    assert f"one descriptor, {each} KiB, and" in SERVICE.read_text()
    assert (
        f"| {each} KiB, with TLS 40 KiB more, and up to {SOCKET_BYTES // KIB} KiB in the kernel"
        in text
    )
    assert VIEWER_BYTES + SOCKET_BYTES <= 200 * KIB
    assert "64 MiB + V × 200 KiB (with TLS 240 KiB)" in text


def test_documented_state_directory_is_the_one_that_the_sandbox_permits() -> None:
    """ProtectSystem=strict makes all others read-only."""
    unit = directives()
    (folder,) = unit["StateDirectory"]
    assert "ReadWritePaths" not in unit
    text = (DEPLOY.parent / "docs/operations.md").read_text()
    assert f"`TELEMETRY_STREAM_STATE_DIR=/var/lib/{folder}`" in text


def test_further_rights_are_documented_as_drop_ins() -> None:
    """The next run of install-service replaces the unit."""
    assert "systemctl edit" in SERVICE.read_text()
    assert "remove the `#`" not in (DEPLOY.parent / "docs/operations.md").read_text()


def test_sandbox_hides_nothing_that_sections_need() -> None:
    """Other processes and their owners, sock_diag, and all of /proc."""
    unit = directives()
    assert not {"PrivateUsers", "ProtectProc", "ProcSubset", "PrivateNetwork"} & unit.keys()
    assert {"AF_NETLINK", "AF_UNIX", "AF_INET", "AF_INET6"} == set(
        unit["RestrictAddressFamilies"][0].split()
    )
    assert unit["ProtectHome"] == ["read-only"]


def test_service_has_the_user_of_sysusers() -> None:
    """A fixed one, so that files of root can be readable for its group. systemd makes it before the service starts."""
    unit = directives()
    (user,) = re.findall(r"^u (\S+) ", (DEPLOY / "sysusers.conf").read_text(), re.MULTILINE)
    assert (unit["User"], unit["Group"]) == ([user], [user])
    assert "DynamicUser" not in unit
    assert "LoadCredential" not in unit


def test_sandbox_permits_io_uring() -> None:
    """It is part of @system-service, and of no group that is removed from it."""
    assert directives()["SystemCallFilter"][:2] == ["@system-service", "~@privileged @resources"]
    assert "@aio" in analyze("syscall-filter", "@system-service").stdout.split()
    allowed = analyze("syscall-filter", "@aio").stdout.split()
    assert {"io_uring_setup", "io_uring_enter"} <= set(allowed)
    removed = analyze("syscall-filter", "@privileged", "@resources").stdout
    assert removed
    assert "io_uring" not in removed
    assert "@aio" not in removed


def test_sandbox_permits_reading_the_state_of_the_clock_and_not_setting_it() -> None:
    """adjtimex does both. It is allowed after the group that contains it is denied, and the capability is missing."""
    unit = directives()
    assert unit["SystemCallFilter"][2:] == ["adjtimex clock_adjtime clock_adjtime64"]
    assert "ProtectClock" not in unit
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["PrivateDevices"] == ["yes"]
    denied = set(analyze("syscall-filter", "@clock").stdout.split())
    assert {
        "adjtimex",
        "clock_adjtime",
        "clock_adjtime64",
        "clock_settime",
        "settimeofday",
    } <= denied
    assert "@clock" in analyze("syscall-filter", "@privileged").stdout.split()


def test_watchdog_interval_is_longer_than_the_slowest_check() -> None:
    """A check of the hub may take 2 s, and there are two in each interval."""
    unit = directives()
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSec"] == ["30s"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["2"]
