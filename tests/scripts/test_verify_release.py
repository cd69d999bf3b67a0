"""The checks of a release before it is published. scripts/release itself runs the rest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from verify_release import ReleaseError, check_sums


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
