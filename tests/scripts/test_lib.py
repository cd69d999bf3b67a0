"""The messages of the shell scripts on a machine where something is missing. Nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.notify.test_child import has_ended

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("bash", "cat", "cksum", "cut", "dirname", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of scripts/run, and a PATH with a few usual tools, but without Python."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def error_of_run(machine: Path) -> str:
    """Run scripts/run, which must end with status 1; return the last line of its output."""
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


def test_missing_python_is_reported(machine: Path) -> None:
    """The message has the packages to install."""
    assert error_of_run(machine) == (
        "Python 3.11 or newer is required, but there is no python3 on PATH "
        "(Debian, Ubuntu: apt install python3 python3-venv)."
    )


def test_old_python_is_reported(machine: Path) -> None:
    """The message has its version."""
    put_python(machine, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    assert error_of_run(machine) == (
        "Python 3.11 or newer is required, but python3 on PATH is 3.9.2. Install a newer one beside it."
    )


def test_python_without_venv_is_reported(machine: Path) -> None:
    """Debian has venv in a package of its own."""
    put_python(machine, 'case "$2" in *ensurepip*) exit 1;; esac')
    assert error_of_run(machine) == (
        "The venv module of Python is missing. Install it (Debian, Ubuntu: apt install python3-venv) and try again."
    )


def test_failure_of_pip_is_reported(machine: Path) -> None:
    """The message comes after the output of pip."""
    put_python(
        machine,
        f"""case "$*" in
"-m pip "*) echo no route to host >&2; exit 2;;
"-m venv "*) {shutil.which("mkdir")} -p "$4/bin" && {shutil.which("cp")} "$0" "$4/bin/python";;
esac""",
    )
    assert error_of_run(machine) == (
        "pip failed; the reason is above. "
        "The first installation needs a network connection to the package index."
    )


def test_environment_without_pip_is_made_again(machine: Path) -> None:
    """As an interrupted creation leaves it, or an upgrade of the distribution to another version of Python."""
    venv = machine / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    put_python(machine, f'[ "$2" != venv ] || echo "$*" >>{machine}/calls')
    source = f". {machine}/scripts/lib.sh; make_venv"
    subprocess.run(["bash", "-c", source], env={"PATH": str(machine / "bin")}, check=True)
    assert (machine / "calls").read_text() == f"-m venv --clear {venv}\n"


@pytest.mark.parametrize("is_needed", [True, False])
def test_node_is_installed_from_the_lock_when_it_is_needed(machine: Path, is_needed: bool) -> None:
    """Also if .venv has one of another version already."""
    python = machine / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f"""#!/bin/sh
case "$*" in
*needs_node*) exit {int(not is_needed)};;
"-m pip "*) echo "$*" >>{machine}/calls;;
esac"""
    )
    python.chmod(0o755)
    subprocess.run(
        ["bash", "-c", f". {machine}/scripts/lib.sh; need_npm"],
        env={"PATH": str(machine / "bin"), "HOME": os.devnull},
        check=True,
    )
    calls = (machine / "calls").read_text() if (machine / "calls").exists() else ""
    assert (f"--require-hashes --requirement {machine}/deploy/node.lock" in calls) is is_needed


def run_install(machine: Path, pip: str) -> subprocess.CompletedProcess[str]:
    """Run install "" with this shell script as pip. Meanwhile, the page is built by a child of a process."""
    python = machine / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (machine / "bin" / "sleep").symlink_to(shutil.which("sleep") or "")
    python.write_text(
        f"""#!/bin/sh
case "$*" in
*build_web.is_built*) exit 1;;
*build_web.py) (until [ -e {machine}/go ]; do sleep 0.02; done; : >{machine}/built) & echo $! >{machine}/child; wait;;
"-m pip "*) until [ -s {machine}/child ]; do sleep 0.02; done; {pip};;
esac"""
    )
    python.chmod(0o755)
    return subprocess.run(
        ["bash", "-c", f'. {machine}/scripts/lib.sh; install ""'],
        env={"PATH": str(machine / "bin"), "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_page_is_built_beside_pip(machine: Path) -> None:
    """The installation is complete when both are finished."""
    done = run_install(machine, f": >{machine}/go")
    assert (done.returncode, (machine / "built").exists()) == (0, True), done.stderr
    assert (machine / ".venv" / "installed").exists()


def test_page_is_not_built_after_pip_has_failed(machine: Path) -> None:
    """Else npm would write after the prompt. The processes that build it are ended too."""
    done = run_install(machine, "exit 2")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("pip failed;")
    child = (machine / "child").read_text().strip()
    try:
        assert eventually(lambda: has_ended(child))
    finally:
        (machine / "go").touch()
