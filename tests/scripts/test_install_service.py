"""scripts/install-service in another root directory, with a Python that only records its calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "dirname",
    "env",
    "install",
    "mkdir",
    "mktemp",
    "rm",
    "rmdir",
    "sed",
    "touch",
)

# `-m venv [--clear] DIR` makes DIR with a copy of this script as its python; `-m pip wheel ... FOLDER CLONE` makes a
# wheel. Every call is a line in the file CALLS, after the name of the user if sudo has started it.
PYTHON = """#!/bin/sh
echo "$AS$@" >>CALLS
if [ "$2" = venv ]; then for DIR; do :; done; mkdir -p "$DIR/bin" && cp "$0" "$DIR/bin/python"; fi
if [ "$3" = wheel ]; then touch "$8/telemetry_stream-1-py3-none-any.whl"; fi
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

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            [self.clone / "scripts/install-service", *arguments],
            env={"PATH": str(self.tools), "TMPDIR": str(self.clone), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *arguments: str, **environment: str) -> list[str]:
        """Install into the root directory; return the arguments of the last call of Python."""
        done = self.run("--root", str(self.host), *arguments, **environment)
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


USERS = "etc/sysusers.d/telemetry-stream.conf"
UNITS = [
    "etc/systemd/system/telemetry-stream.service",
    "etc/systemd/system/telemetry-stream.socket",
]
BACKOFF = "etc/systemd/system/telemetry-stream.service.d/backoff.conf"
PREFIX = "opt/telemetry-stream"
PROGRAM = f"{PREFIX}/bin/python"


def test_install_and_uninstall(machine: Machine) -> None:
    """A wheel of the clone goes into a virtual environment, the units go into systemd; uninstalling removes all."""
    call = machine.install()
    assert call[:3] == ["-m", "pip", "install"]
    assert call[-1].startswith(str(machine.clone))
    assert call[-1].endswith(".whl")
    calls = machine.calls.read_text()
    for lock in ("build.lock", "requirements.lock"):
        assert f"--require-hashes --requirement {machine.clone / 'deploy' / lock}\n" in calls
    assert f" --no-build-isolation {machine.clone}\n" in calls
    assert machine.files() == [*UNITS, USERS, PROGRAM]
    for name in UNITS:
        assert (machine.host / name).read_text() == (ROOT / "deploy" / Path(name).name).read_text()
    done = machine.run("--root", str(machine.host), "--uninstall")
    assert done.returncode == 0
    assert "/var/lib/telemetry-stream" in done.stderr
    assert machine.files() == []
    assert not (machine.host / PROGRAM).parent.parent.exists()
    assert not list(machine.clone.glob("tmp*"))  # the workspace of the build


def test_wheel_is_built_by_the_user_who_called_sudo(machine: Machine) -> None:
    """Root runs neither npm nor any other code of a build. The files of the clone keep their owner."""
    machine.put(
        "sudo", '#!/bin/sh\n[ "$1 $2" = "-H -u" ] && export AS="$3: " && shift 3 && exec "$@"\n'
    )
    machine.put("chown", "#!/bin/sh\n")
    machine.install(SUDO_USER="ada")
    built = [line for line in machine.calls.read_text().splitlines() if line.startswith("ada: ")]
    environment = built[0].split()[-1]
    assert [line.split()[1:4] for line in built] == [
        ["-m", "venv", environment],
        ["-c", "import", "build_web"],
        ["-m", "pip", "install"],
        ["-m", "pip", "wheel"],
    ]
    assert str(machine.clone) in environment


def test_node_is_locked_if_the_machine_has_none(machine: Machine) -> None:
    """Like everything that builds the wheel."""
    without_node = 'case "$2" in *has_node*) exit 1 ;; esac\n'
    machine.put("python3", PYTHON.replace("CALLS", str(machine.calls)) + without_node)
    machine.install()
    (call,) = (line for line in machine.calls.read_text().splitlines() if "build.lock" in line)
    assert call.endswith(f" --requirement {machine.clone / 'deploy/node.lock'}")


def test_wheel_can_be_given(machine: Machine, tmp_path: Path) -> None:
    """Nothing is built. It replaces an installed one of the same version."""
    wheel = tmp_path / "telemetry_stream-1-py3-none-any.whl"
    wheel.touch()
    assert machine.install("--wheel", str(wheel))[-1] == str(wheel)
    calls = machine.calls.read_text()
    assert "pip wheel" not in calls
    assert f"--force-reinstall --no-deps {wheel}\n" in calls


def test_help_lists_the_options(machine: Machine) -> None:
    """It needs no root, and changes nothing."""
    done = machine.run("--help")
    assert done.returncode == 0
    assert all(
        option in done.stdout for option in ("--wheel ", "--wheels ", "--root ", "--uninstall")
    )
    assert not machine.calls.exists()


def test_offline_installation_uses_wheels_of_a_folder(machine: Machine, tmp_path: Path) -> None:
    """pip uses no index."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    machine.install("--wheels", str(wheels))
    calls = machine.calls.read_text().splitlines()[-2:]  # the dependencies, and the program
    assert [f"--no-index --find-links {wheels} " in call for call in calls] == [True, True]


def test_back_off_of_restarts_is_installed_if_systemd_supports_it(machine: Machine) -> None:
    """RestartSteps exists since systemd 254; an older one would log a warning at each start."""
    machine.put("systemctl", "#!/bin/sh\necho 'systemd 257 (257.9-1~deb13u1)'\n")
    machine.install()
    assert machine.files() == [UNITS[0], BACKOFF, UNITS[1], USERS, PROGRAM]
    (machine.host / BACKOFF).with_name("mine.conf").touch()
    machine.run("--root", str(machine.host), "--uninstall")
    assert machine.files() == [BACKOFF.replace("backoff", "mine")]


def test_second_installation_keeps_the_environment(machine: Machine) -> None:
    """No new virtual environment is made."""
    machine.install()
    machine.install()
    made = [line for line in machine.calls.read_text().splitlines() if line.endswith(PREFIX)]
    assert made == [f"-m venv --clear {machine.host / PREFIX}"]


def test_environment_that_cannot_be_used_is_made_again(machine: Machine) -> None:
    """One without pip, as an interrupted installation leaves it, or an upgrade to another version of Python."""
    program = machine.host / PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\ncase "$2" in *pip*) exit 1 ;; esac\n')
    program.chmod(0o755)
    machine.install()
    assert f"-m venv --clear {machine.host / PREFIX}\n" in machine.calls.read_text()


@pytest.mark.parametrize(
    ("journal", "lines"),
    [
        (
            "starting\ntelemetry-stream: cannot listen\ntelemetry-stream.service: Failed",
            ["The service is installed, but does not start: cannot listen", "Change "],
        ),
        (
            "telemetry-stream.service: Main process exited, code=killed",
            ["The service is installed, but does not start: journalctl -u telemetry-stream may"],
        ),
    ],
)
def test_service_that_does_not_start_is_reported(
    machine: Machine, journal: str, lines: list[str]
) -> None:
    """With the last line of the program, or with the command that shows the log."""
    for tool in ("grep", "tail"):
        (machine.tools / tool).symlink_to(shutil.which(tool) or "")
    machine.put("journalctl", f"#!/bin/sh\necho '{journal}'\n")
    text = (machine.clone / "scripts/install-service").read_text()
    _, _, body = text.partition("start_failed() {\n")
    function = "start_failed() {\n" + body.partition("\n}\n")[0] + "\n}"
    done = subprocess.run(
        ["bash", "-c", f". {machine.clone}/scripts/lib.sh; service=x settings=y\n{function}\nstart_failed"],
        env={"PATH": str(machine.tools)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert [
        line[: len(start)] for line, start in zip(done.stderr.splitlines(), lines, strict=True)
    ] == lines


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
        ("0", ["--wheel"], "--wheel requires a file."),
        ("0", ["--wheel", "/dev/null/x.whl"], "File /dev/null/x.whl does not exist."),
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
