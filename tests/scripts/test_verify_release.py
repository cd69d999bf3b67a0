"""The checks of a release before it is published. scripts/release itself runs the rest."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import verify_release
from verify_release import ReleaseError, check_sums, use

from telemetry_stream import __version__


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A release of two files with right checksums."""
    sums = []
    for name in ("a.whl", "notes.md"):
        (tmp_path / name).write_text(name)
        sums.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    (tmp_path / "SHA256SUMS").write_text("".join(sums))
    return tmp_path


def test_right_checksums_pass(dist: Path) -> None:
    """Every file is listed, and every listed file exists."""
    check_sums(dist)


@pytest.mark.parametrize("change", ["differs", "unlisted", "missing"])
def test_wrong_checksums_are_named(dist: Path, change: str) -> None:
    """A changed file, a file that is not listed, and a listed file that is missing."""
    if change == "differs":
        (dist / "a.whl").write_text("other")
    elif change == "unlisted":
        (dist / "extra").touch()
    else:
        (dist / "notes.md").unlink()
    name = {"differs": "a.whl", "unlisted": "extra", "missing": "notes.md"}[change]
    with pytest.raises(ReleaseError, match=name):
        check_sums(dist)


def program(path: Path, line: str) -> Path:
    """Make a command of this line."""
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def test_a_program_that_works_passes(tmp_path: Path) -> None:
    """It is started, asked and ended."""
    installed = (
        f'PYTHONPATH={Path(__file__).parents[2]} exec {sys.executable} -m telemetry_stream "$@"'
    )
    use(program(tmp_path / "program", installed), __version__)


def test_a_program_without_an_address_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of being waited for."""
    monkeypatch.setattr(verify_release, "START_SECONDS", 0.2)
    with pytest.raises(ReleaseError, match=r"no address within 0\.2 s"):
        use(program(tmp_path / "program", "exec sleep 60"), __version__)
