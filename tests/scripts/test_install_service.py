"""scripts/install-service in another root directory, with a Python that only records its calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("bash", "cat", "chmod", "cp", "dirname", "install", "mkdir", "rm", "rmdir", "sed")

# `-m venv DIR` makes DIR with a copy of this script as its python. Every call is a line in the file CALLS.
PYTHON = """#!/bin/sh
echo "$@" >>CALLS
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
"""


class Machine:
    """The root directory of a host, a clone of the repository, and a PATH with few tools."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "clone"
        self.host = folder / "host"
        self.tools = folder / "tools"
        self.calls = folder / "calls"
        for made in (self.clone, self.host, self.tools):
            made.mkdir()
        for part in ("scripts", "deploy"):
            shutil.copytree(ROOT / part, self.clone / part)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.tools / tool).symlink_to(found)
        self.put("python3", PYTHON.replace("CALLS", str(self.calls)))
        self.put("id", "#!/bin/sh\necho 0\n")

    def put(self, name: str, script: str) -> None:
        """Put a shell script on PATH."""
        (self.tools / name).write_text(script)
        (self.tools / name).chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            [self.clone / "scripts/install-service", *arguments],
            env={"PATH": str(self.tools)},
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *arguments: str) -> list[str]:
        """Install into the root directory; return the arguments of the last call of Python."""
        done = self.run("--root", str(self.host), *arguments)
        assert done.returncode == 0, done.stderr
        assert "To remove it:" in done.stderr
        return self.calls.read_text().splitlines()[-1].split()

    def files(self) -> list[str]:
        """Return the files in the root directory."""
        return sorted(str(p.relative_to(self.host)) for p in self.host.rglob("*") if p.is_file())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with everything that is needed, and the systemd of Debian 12."""
    made = Machine(tmp_path)
    made.put("systemctl", "#!/bin/sh\necho 'systemd 252 (252.39-1~deb12u2)'\n")
    return made


UNITS = [
    "etc/systemd/system/telemetry-stream.service",
    "etc/systemd/system/telemetry-stream.socket",
]
BACKOFF = "etc/systemd/system/telemetry-stream.service.d/backoff.conf"
PROGRAM = "opt/telemetry-stream/bin/python"


def test_install_and_uninstall(machine: Machine) -> None:
    """The clone is installed into a virtual environment, the units into systemd; uninstalling removes all."""
    call = machine.install()
    assert call[:3] == ["-m", "pip", "install"]
    assert call[-2:] == ["--upgrade", f"{machine.clone}[prometheus]"]
    assert machine.files() == [*UNITS, PROGRAM]
    for name in UNITS:
        assert (machine.host / name).read_text() == (ROOT / "deploy" / Path(name).name).read_text()
    done = machine.run("--root", str(machine.host), "--uninstall")
    assert done.returncode == 0
    assert "/var/lib/private/telemetry-stream" in done.stderr
    assert machine.files() == []
    assert not (machine.host / PROGRAM).parent.parent.exists()


def test_offline_installation_uses_wheels_of_a_folder(machine: Machine, tmp_path: Path) -> None:
    """pip uses no index."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    call = machine.install("--wheels", str(wheels))
    assert "--no-index" in call
    assert call[call.index("--find-links") + 1] == str(wheels)


def test_back_off_of_restarts_is_installed_if_systemd_supports_it(machine: Machine) -> None:
    """RestartSteps exists since systemd 254; an older one would log a warning at each start."""
    machine.put("systemctl", "#!/bin/sh\necho 'systemd 257 (257.9-1~deb13u1)'\n")
    machine.install()
    assert machine.files() == [UNITS[0], BACKOFF, UNITS[1], PROGRAM]
    (machine.host / BACKOFF).with_name("mine.conf").touch()
    machine.run("--root", str(machine.host), "--uninstall")
    assert machine.files() == [BACKOFF.replace("backoff", "mine")]


def test_second_installation_keeps_the_environment(machine: Machine) -> None:
    """No new virtual environment is made."""
    machine.install()
    machine.install()
    made = [line for line in machine.calls.read_text().splitlines() if line.startswith("-m venv")]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("user", "arguments", "sentence"),
    [
        ("1000", [], "Installing a service requires root: sudo "),
        ("0", [], "systemd is not running on this machine."),
        ("0", ["--root"], "--root requires a folder."),
        (
            "0",
            ["--wheels", "/dev/null/nonexistent"],
            "Folder /dev/null/nonexistent does not exist.",
        ),
        ("0", ["--prefix", "/usr"], "Unknown option --prefix;"),
    ],
)
def test_impossible_installation_is_refused(
    user: str, arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    """With one sentence, and without any change."""
    machine = Machine(tmp_path)  # without systemctl, so that nothing can be installed on this host
    machine.put("id", f"#!/bin/sh\necho {user}\n")
    done = machine.run(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert not machine.calls.exists()
