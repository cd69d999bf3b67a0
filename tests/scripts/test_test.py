"""scripts/test beside checks that are still running. The checks, npm and the tools are invented."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = [
    "openssl",
    "chromium",
    "chromium-headless-shell",
    "systemd-analyze",
    "dbus-daemon",
    "free",
    "top",
    "ss",
    "ip",
    "mpstat",
    "iostat",
    "promtool",
    "prometheus",
    "prometheus-node-exporter",
    "nginx",
    "caddy",
    "nats-server",
]


def put_script(path: Path, script: str = "") -> None:
    """Put a program that is a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of scripts/test."""
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/lib.sh", "scripts/test", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    put_script(tmp_path / "scripts" / "build_web.py")
    for name in ("python", "mosquitto"):
        put_script(tmp_path / ".venv" / "bin" / name)
    for name in TOOLS:
        put_script(tmp_path / "bin" / name)
    return tmp_path


def run_test(checkout: Path, checks: str, npm: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/test in a process group of its own, with these shell scripts."""
    put_script(checkout / "scripts" / "check", checks)
    put_script(checkout / "bin" / "npm", npm)
    return subprocess.run(
        [checkout / "scripts" / "test"],
        env={"PATH": f"{checkout / 'bin'}:{os.environ['PATH']}", "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        start_new_session=True,
    )


def test_result_of_the_checks_is_shown_after_another_failure(checkout: Path) -> None:
    """They are finished first."""
    done = run_test(
        checkout,
        f"until [ -e {checkout}/failed ]; do sleep 0.02; done; echo all is well",
        f": >{checkout}/failed; exit 1",
    )
    assert (done.returncode, done.stdout) == (1, "all is well\n"), done.stderr
    assert done.stderr.endswith("Waiting for the checks ...\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_the_checks(checkout: Path, number: signal.Signals) -> None:
    """What they have found so far is shown."""
    done = run_test(
        checkout,
        f"echo half; : >{checkout}/begun; sleep 60",
        f"until [ -e {checkout}/begun ]; do sleep 0.02; done; kill -{number.name[3:]} $PPID; exit 1",
    )
    assert (done.returncode, done.stdout) == (128 + number, "half\n"), done.stderr
