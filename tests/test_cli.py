"""The command line: exit status, output, signals. tests/system tests more of what a running program does."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import __version__, cli
from telemetry_stream.cli import main
from tests.conftest import eventually
from tests.system.program import Program
from tests.viewers import get

# Makes the given descriptor number 3 and starts the program, as systemd does for a .socket unit.
WITH_SOCKET = """
import os, sys
from telemetry_stream import cli
os.dup2(int(sys.argv.pop(1)), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
sys.exit(cli.main())
"""

# Makes a file the standard output and starts the program with the name of this file in JOURNAL_STREAM, as systemd does.
WITH_JOURNAL = """
import os, sys
from telemetry_stream import cli
os.dup2(os.open(sys.argv.pop(1), os.O_WRONLY), 1)
output = os.fstat(1)
os.environ["JOURNAL_STREAM"] = f"{output.st_dev}:{output.st_ino}"
sys.exit(cli.main())
"""


@contextmanager
def running(
    folder: Path, *arguments: str, script: str | None = None, **more: Any
) -> Iterator[Program]:
    """A process of the program, which is killed at the end if it still runs."""
    program = Program(arguments, script, folder, **more)
    try:
        yield program
    finally:
        program.end()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TELEMETRY_STREAM_"):
            monkeypatch.delenv(name)


def start_error(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    """Run the program, which must not start; return the one line that it prints."""
    assert main(list(arguments)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("telemetry-stream: ")
    assert len(err.splitlines()) == 1
    return err


# A run.


def test_the_threads_of_a_run_have_small_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand viewers would otherwise reserve 16 GiB of address space."""
    sizes: list[int] = []
    monkeypatch.setattr(cli, "_serve", lambda *_: sizes.append(threading.stack_size()))
    main(["--port", "0"])
    assert sizes == [256 * 1024]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_a_run_with_0(number: signal.Signals, tmp_path: Path) -> None:
    """On standard output the program prints its address, and nothing else."""
    with running(tmp_path, "--port", "0") as program:
        line = program.read_line()
        assert line.startswith(f"telemetry_stream {__version__}: live at http://127.0.0.1:")
        assert program.stop(number) == 0
        assert program.read_line() == ""


def test_a_signal_during_the_start_is_not_lost(tmp_path: Path) -> None:
    """The program ends as soon as it has started. Here the start waits for the token file, which is a pipe."""
    tokens = tmp_path / "tokens"
    os.mkfifo(tokens)
    with running(tmp_path, "--port", "0", "--token-file", str(tokens)) as program:
        with open(tokens, "w") as writer:  # returns when the program reads the file
            program.process.send_signal(signal.SIGTERM)
            writer.write("0123456789abcdef\n")
        assert program.status() == 0, program.log
        assert "live at" in program.read_line()


def test_a_reload_that_hangs_does_not_delay_the_end(tmp_path: Path) -> None:
    """Here it waits for the token file, which is a pipe now. A mount that hangs has the same effect."""
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef\n")
    with running(tmp_path, "--port", "0", "--token-file", str(tokens)) as program:
        assert program.url
        tokens.unlink()
        os.mkfifo(tokens)
        program.process.send_signal(signal.SIGHUP)
        with open(tokens, "w"):  # returns when the program reads the file
            assert program.stop() == 0


def test_a_thread_that_dies_ends_a_run_with_1(tmp_path: Path) -> None:
    """The last line is the reason. Here the accept thread dies, because its socket is shut down from outside."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        with running(
            tmp_path, str(descriptor), script=WITH_SOCKET, descriptors=[descriptor]
        ) as program:
            assert get(program.url, "/healthz") == (200, {"status": "ok"})
            listening.shutdown(socket.SHUT_RDWR)
            assert program.status() == 1
            assert program.log.splitlines()[-1] == (
                "telemetry-stream: ended by an error: OSError(22, 'Invalid argument')"
            )


def test_the_created_token_is_printed_once(tmp_path: Path) -> None:
    """The first start prints an address that logs in. Later starts print only the file."""
    arguments = ("--host", "0.0.0.0", "--port", "0", "--state-dir", str(tmp_path / "state"))
    path = tmp_path / "state" / "token"
    with running(tmp_path, *arguments) as program:
        port = program.url.rstrip("/").rpartition(":")[2]
        login_url = f"http://{socket.gethostname()}:{port}/#token={path.read_text().strip()}"
        line = program.read_line()
        assert line == f"Access token saved in {path}. Open {login_url} (shown once)"
        assert program.stop() == 0
    with running(tmp_path, *arguments) as program:
        assert program.url
        assert program.read_line() == f"Access token is in {path}"
        assert program.stop() == 0
        assert program.read_line() == ""


def test_every_start_with_a_token_prints_where_it_is(tmp_path: Path) -> None:
    """Also if the program did not create it. A misspelled variable is reported, because it may be about the token."""
    tokens = tmp_path / "tokens"
    tokens.write_text("kitchen 0123456789abcdef\n")
    tokens.chmod(0o600)
    environment = {
        "TELEMETRY_STREAM_TOKEN": "fedcba9876543210",
        "TELEMETRY_STREAM_TOKEN_FIEL": "/x",
    }
    arguments = ("--port", "0", "--token-file", str(tokens))
    with running(tmp_path, *arguments, environment=environment) as program:
        assert program.url
        expected = f"Access tokens are in {tokens} and in TELEMETRY_STREAM_TOKEN"
        assert program.read_line() == expected
        assert program.stop() == 0
        assert "TELEMETRY_STREAM_TOKEN_FIEL is ignored" in program.log
    config = tmp_path / "settings.toml"
    config.write_text('token = "0123456789abcdef"\n')
    with running(tmp_path, "--port", "0", "--config", str(config)) as program:
        assert program.url
        assert program.read_line() == "Access token is in the settings file"
        assert program.stop() == 0


def test_the_journal_gets_no_token(tmp_path: Path) -> None:
    """The token is not printed, because the journal keeps its lines for months."""
    output = tmp_path / "output"
    output.touch()
    path = tmp_path / "state" / "token"
    arguments = ("--host", "0.0.0.0", "--port", "0", "--state-dir", str(path.parent))
    with running(tmp_path, str(output), *arguments, script=WITH_JOURNAL) as program:
        assert eventually(lambda: len(output.read_text().splitlines()) == 2), program.log
        assert program.stop() == 0
        assert output.read_text().splitlines()[1] == f"Access token saved in {path}"
        assert path.read_text().strip() not in program.log


# A start that fails.


def test_a_port_in_use_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the address. The port may be free at the next attempt, so systemd tries again."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1 port {port}" in start_error(capsys, "--port", str(port), status=1)


@pytest.mark.parametrize(
    "name", ["ts-signal", "ts-reload", "ts-hub", "ts-collect", "ts-accept", "ts-systemd"]
)
def test_a_thread_that_the_system_refuses_is_one_line_and_1(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another attempt may succeed. pthread_create(3) is made to fail for this thread only."""
    start = threading.Thread.start

    def start_unless_refused(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_unless_refused)
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody listens here")
    assert "the system is out of threads" in start_error(capsys, "--port", "0", status=1)


def test_a_missing_permission_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another attempt would fail too. Root may bind a port below 1024, so bind(2) is replaced."""

    def bind(_: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", bind)
    assert "127.0.0.1 port 80: Permission denied" in start_error(capsys, "--port", "80")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "65536"], "port = 65536 from --port"),
        (["--interval", "0.01"], "interval = 0.01 from --interval"),
        (["--log-level", "loud"], "log_level = 'loud'"),
        (["--proc-root", "/dev/null/nonexistent"], "proc_root = '/dev/null/nonexistent'"),
        (["--sys-root", "/dev/null/nonexistent"], "sys_root = '/dev/null/nonexistent'"),
        (["--host", "0.0.0.0", "--state-dir", "/proc/none"], "--no-auth"),
        (["--host", "0.0.0.0", "--token-file", "/dev/null/nonexistent"], "/dev/null/nonexistent"),
        (
            ["--tls-cert", "/dev/null/nonexistent", "--tls-key", "/dev/null/nonexistent"],
            "/dev/null/nonexistent",
        ),
        (
            ["--token", "0123456789abcdef"],
            "token = '(secret)' from the command line: not available",
        ),
        (["token", "two", "names"], "at most one name"),
        (["token", "--help"], "at most one name"),
        (["--host", "a..b", "--no-auth"], "a..b port 8750: not a host name"),
        (["--config", "/dev/null/nonexistent.toml"], "/dev/null/nonexistent.toml"),
        (["--nonsense"], "--nonsense"),
        (["stray"], "stray"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_invalid_arguments_are_one_line_and_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line contains the setting, its value and where it comes from."""
    assert reason in start_error(capsys, *arguments)


def test_an_invalid_settings_file_is_one_line_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the file."""
    path = tmp_path / "telemetry.toml"
    path.write_text("port = = 1\n")
    assert str(path) in start_error(capsys, "--config", str(path))


def test_an_invalid_variable_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the variable."""
    monkeypatch.setenv("TELEMETRY_STREAM_PORT", "many")
    assert "TELEMETRY_STREAM_PORT" in start_error(capsys)


def test_an_invalid_variable_of_systemd_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the variable."""
    monkeypatch.setenv("NOTIFY_SOCKET", "nonsense")
    assert "NOTIFY_SOCKET" in start_error(capsys)


# Without a run.


def test_the_command_token_prints_a_line_for_a_token_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the name if there is one, and a new token each time."""
    assert main(["token", "kitchen"]) == 0
    assert main(["token"]) == 0
    named, unnamed = capsys.readouterr().out.splitlines()
    name, token = named.split()
    assert name == "kitchen"
    assert len(token) >= 16
    assert len(unnamed.split()) == 1
    assert unnamed != token


def test_the_module_runs_the_command_line() -> None:
    """``python -m telemetry_stream`` passes the arguments on and returns the status."""
    command = [sys.executable, "-m", "telemetry_stream"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"telemetry-stream {__version__}\n"
    text = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(flag in text for flag in ("--host", "--port", "--config", "--version"))
    wrong = subprocess.run([*command, "--port", "x"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_an_error_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """It may contain a path, which may have any characters."""
    for arguments in (
        ["--config", "/\x1b[2J\u202e"],
        ["--token-file", "/\x1b[2J\u202e", "--port", "0"],
    ):
        assert main(arguments) == 2
        shown = capsys.readouterr().err
        assert r"\x1b[2J\u202e" in shown
        assert shown.rstrip("\n").isprintable()


def test_rules_are_checked_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 for a valid file; 2 and one line with file and line for another one, and for wrong arguments."""
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nname = "a"\ninfo = "load.avg1 > 1"\n')
    assert main(["rules", "check", str(path)]) == 0
    assert main(["rules", "list"]) == 0
    assert "filesystem_full, for each of filesystems" in capsys.readouterr().out
    path.write_text('[[rule]]\nname = "a"\ninfo = "load.avg1"\n')
    for arguments in (["rules", "check", str(path)], ["--rules", str(path), "--port", "0"]):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"telemetry-stream: {path}:3: rule 'a': info: 'load.avg1' is a num")
        assert error.count("\n") == 1
    assert main(["rules"]) == 2
    assert "use 'rules check FILE'" in capsys.readouterr().err
