"""Standard streams that are closed or full, with the whole program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import eventually

COMMAND = [sys.executable, "-m", "telemetry_stream", "--port", "0"]


def full_device() -> int:
    """Return a file whose disk is full."""
    return os.open("/dev/full", os.O_WRONLY)


def closed_pipe() -> int:
    """Return a pipe that has no reader any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("make", [full_device, closed_pipe])
def test_program_runs_without_a_usable_standard_output(
    make: Callable[[], int], tmp_path: Path
) -> None:
    """It logs the reason once, although there are two lines, and SIGTERM ends it with status 0."""
    output, log = make(), tmp_path / "log"
    token = {**os.environ, "TELEMETRY_STREAM_TOKEN": "0123456789abcdef"}
    with log.open("w") as errors:
        process = subprocess.Popen(COMMAND, stdout=output, stderr=errors, env=token)
    os.close(output)
    try:
        assert eventually(lambda: "Cannot write to standard output: " in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert len(log.read_text().splitlines()) == 1


def test_full_pipe_that_nobody_reads_does_not_block_the_start(tmp_path: Path) -> None:
    """The program waits for one second, then it discards its output."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    log = tmp_path / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(COMMAND, stdout=writer, stderr=errors)
    try:
        assert eventually(lambda: "standard output: the pipe is full" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)


# Closes the standard streams before Python starts.
CLOSED = f"exec {sys.executable} -m telemetry_stream --port 0 <&- >&- 2>&-"


def test_closed_standard_streams_are_replaced() -> None:
    """No socket gets their numbers."""
    process = subprocess.Popen(["sh", "-c", CLOSED])
    try:
        folder = Path(f"/proc/{process.pid}/fd")
        names = Path(f"/proc/{process.pid}/task")
        assert eventually(
            lambda: any((task / "comm").read_text() == "ts-accept\n" for task in names.iterdir())
        )
        assert [str((folder / number).readlink()) for number in "012"] == [os.devnull] * 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-"])
def test_status_of_a_failed_start_needs_no_standard_error(redirected: str) -> None:
    """systemd does not restart after status 2."""
    command = f"exec {sys.executable} -m telemetry_stream --port x {redirected}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
