"""The command line in this process: status, streams and signals. tests/system runs it as a process."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from telemetry_stream import App, __version__
from telemetry_stream.cli import main

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def _usual_signals_and_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("TELEMETRY_STREAM_CONFIG", raising=False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    """The one line that the program ends with instead of starting."""
    assert main(list(arguments)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("telemetry-stream: ")
    assert len(err.splitlines()) == 1
    return err


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_a_run_with_0(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says where it is live; the signal is all that it waits for."""
    wait = App.wait

    def signalled_wait(app: App) -> None:
        signal.raise_signal(number)
        wait(app)

    monkeypatch.setattr(App, "wait", signalled_wait)
    assert main(["--port", "0"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"telemetry_stream {__version__}: live at http://127.0.0.1:")
    assert (len(out.splitlines()), err) == (1, "")


def test_a_signal_that_comes_too_early_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may come while the program starts; then it ends as soon as it has."""
    start = App.start

    def signalled_start(app: App) -> None:
        signal.raise_signal(signal.SIGTERM)
        start(app)

    monkeypatch.setattr(App, "start", signalled_start)
    assert main(["--port", "0"]) == 0
    assert "live at" in capsys.readouterr().out


def test_a_dead_thread_ends_a_run_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a line that says of what it died."""

    def failed_wait(app: App) -> None:
        app.failure = RuntimeError("injected")

    monkeypatch.setattr(App, "wait", failed_wait)
    assert main(["--port", "0"]) == 1
    assert (
        capsys.readouterr().err == "telemetry-stream: ended by an error: RuntimeError('injected')\n"
    )


def test_a_port_in_use_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    """It names the address, and may be free another time."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1 port {port}" in refusal(capsys, "--port", str(port), status=1)


def test_a_right_that_nobody_gives_is_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port below 1024, without the capability: no later try has it."""
    forbidden = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    monkeypatch.setattr(socket.socket, "bind", Mock(side_effect=forbidden))
    assert "127.0.0.1 port 80: Permission denied" in refusal(capsys, "--port", "80")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--port", "65536"], "port = 65536 from --port"),
        (["--interval", "0.01"], "interval = 0.01 from --interval"),
        (["--log-level", "loud"], "log_level = 'loud'"),
        (["--proc-root", "/nonexistent"], "proc_root = '/nonexistent'"),
        (["--sys-root", "/nonexistent"], "sys_root = '/nonexistent'"),
        (["--host", "0.0.0.0", "--state-dir", "/proc/none"], "--no-auth"),
        (["--host", "0.0.0.0", "--token-file", "/nonexistent"], "/nonexistent: cannot be read"),
        (["--tls-cert", "/nonexistent", "--tls-key", "/nonexistent"], "/nonexistent cannot be"),
        (["--token", "0123456789abcdef"], "token = '(secret)' from the command line: is no flag"),
        (["token", "two", "names"], "one name or none"),
        (["token", "--help"], "one name or none"),
        (["--host", "a..b", "--no-auth"], "a..b port 8750: not a host name"),
        (["--config", "/nonexistent.toml"], "/nonexistent.toml"),
        (["--nonsense"], "--nonsense"),
        (["stray"], "stray"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_one_line_and_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the setting, the value and where it came from."""
    assert named in refusal(capsys, *arguments)


def test_bad_toml_is_one_line_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the file."""
    path = tmp_path / "telemetry.toml"
    path.write_text("port = = 1\n")
    assert str(path) in refusal(capsys, "--config", str(path))


def test_a_bad_variable_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the variable."""
    monkeypatch.setenv("TELEMETRY_STREAM_PORT", "many")
    assert "TELEMETRY_STREAM_PORT" in refusal(capsys)


def test_the_module_runs_the_command_line() -> None:
    """``python -m telemetry_stream`` hands on arguments and status."""
    command = [sys.executable, "-m", "telemetry_stream"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"telemetry-stream {__version__}\n"
    text = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(flag in text for flag in ("--host", "--port", "--config", "--version"))
    wrong = subprocess.run([*command, "--port", "x"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
