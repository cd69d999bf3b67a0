"""scripts/lock, with a Python and a uv that only do what a test needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "build.lock", "node.lock", "release.lock")
UV = 'echo "locked: $(for last; do :; done; [ "$last" != - ] || cat)"'  # the standard input for `-`


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The script, and lock files of a run before."""
    (tmp_path / "scripts").mkdir()
    for name in ("lock", "lib.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    (tmp_path / "deploy").mkdir()
    for name in LOCKS:
        (tmp_path / "deploy" / name).write_text("good\n")
    return tmp_path


def locked(clone: Path, python: str, uv: str = UV) -> tuple[int, list[str]]:
    """Run the script with these shell scripts; return its status and the last line of each lock file."""
    for name, script in (("python", python), ("uv", uv)):
        program = clone / ".venv/bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    done = subprocess.run([clone / "scripts/lock"], capture_output=True, text=True, check=False)
    return done.returncode, [
        (clone / "deploy" / name).read_text().splitlines()[-1] for name in LOCKS
    ]


def test_each_lock_file_is_made_of_its_requirements(clone: Path) -> None:
    """Those of setup.cfg, of the build system, of the page, and of a release."""
    python = 'case "$2" in *tomllib*) echo setuptools ;; *NODE_WHEEL*) echo node ;; esac'
    made = ["locked: ", "locked: setuptools", "locked: node", "cyclonedx-bom >= 7"]
    assert locked(clone, python) == (0, made)


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ("tomllib", ["locked: ", "good", "good", "good"]),
        ("NODE_WHEEL", ["locked: ", "locked: setuptools", "good", "good"]),
    ],
)
def test_a_lock_file_stays_if_its_requirements_cannot_be_read(
    clone: Path, failing: str, expected: list[str]
) -> None:
    """It is not replaced by an empty one."""
    python = f'case "$2" in *{failing}*) exit 1 ;; *tomllib*) echo setuptools ;; esac'
    assert locked(clone, python) == (1, expected)


def test_a_lock_file_stays_if_uv_fails(clone: Path) -> None:
    """The reason is above."""
    assert locked(clone, "exit 0", "exit 1") == (1, ["good"] * 4)
