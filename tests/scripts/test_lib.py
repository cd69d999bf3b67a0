"""What the shell scripts say on a machine that lacks something; nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("bash", "cat", "cksum", "cut", "dirname", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of scripts/run, and a PATH with the few tools that every machine has, and no Python."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def refusal(machine: Path) -> str:
    """What scripts/run says when it leaves with 1."""
    done = subprocess.run(
        [machine / "scripts" / "run"],
        env={"PATH": str(machine / "bin"), "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert not (machine / ".venv" / "installed").exists()
    return done.stderr.strip().splitlines()[-1]


def put_python(machine: Path, script: str) -> None:
    """Put a python3 on PATH that is a shell script."""
    path = machine / "bin" / "python3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_no_python_says_what_to_install(machine: Path) -> None:
    """The sentence names the packages."""
    assert refusal(machine) == (
        "Python 3.11 or newer is needed and there is no python3 on PATH "
        "(Debian, Ubuntu: apt install python3 python3-venv)."
    )


def test_an_old_python_is_named_with_its_version(machine: Path) -> None:
    """Who has a Python learns that it is too old, and how old."""
    put_python(machine, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    assert refusal(machine) == (
        "Python 3.11 or newer is needed; the python3 here is 3.9.2. Install a newer one beside it."
    )


def test_a_python_without_venv_names_the_package(machine: Path) -> None:
    """Debian ships venv apart."""
    put_python(machine, 'case "$2" in *ensurepip*) exit 1;; esac')
    assert refusal(machine) == (
        "Python's venv module is missing. Install it (Debian, Ubuntu: apt install python3-venv) and try again."
    )


def test_a_failing_pip_says_that_it_needs_the_network(machine: Path) -> None:
    """pip's own words stand above, the sentence below them."""
    put_python(
        machine,
        f"""case "$*" in
"-m pip "*) echo no route to host >&2; exit 2;;
"-m venv "*) {shutil.which("mkdir")} -p "$4/bin" && {shutil.which("cp")} "$0" "$4/bin/python";;
esac""",
    )
    assert refusal(machine) == (
        "pip could not install that; why is above. "
        "The first time it needs the network, to reach the package index."
    )
