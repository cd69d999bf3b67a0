"""Running, stopping and measuring the programs: the real one, and mosquitto."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ["-m", "telemetry_stream", "--port", "0", "--log-level", "error"]
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
MIB = 1024 * 1024
CLOSE_SECONDS = 0.5  # the target for the time from SIGTERM to the end while the broker hangs
STOP_SECONDS = 20.0  # then a program is killed


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of the running threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mib(pid: int) -> float:
    """Return the resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / MIB


def cpu_percent(pids: list[int], seconds: float) -> list[float]:
    """Return how much of a core each process uses during ``seconds``."""
    before, began = [cpu_seconds(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return [
        100 * (cpu_seconds(pid) - used) / passed for pid, used in zip(pids, before, strict=True)
    ]


@contextmanager
def running(command: list[str]) -> Iterator[tuple[int, int]]:
    """Run a Python program that prints its address; yield its pid and its port."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True
    ) as process:
        try:
            line = next(iter(process.stdout or ()), "")
            found = re.search(r":(\d+)/", line)
            if not found:
                raise RuntimeError("the program did not start")
            yield process.pid, int(found[1])
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def mosquitto_path() -> str:
    """Return the path of mosquitto. Ends this script if there is none."""
    path = os.pathsep.join([str(ROOT / ".venv/bin"), os.environ["PATH"], "/usr/sbin"])
    found = shutil.which("mosquitto", path=path)
    if found is None:
        sys.exit("mosquitto is missing: run scripts/test once (Debian: apt install mosquitto)")
    # The wrapper of scripts/test becomes mosquitto by exec, so signals reach it.
    return found


def accepts(port: int) -> bool:
    """Return whether a server listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def mosquitto() -> Iterator[tuple[int, int]]:
    """Run mosquitto on a free port; yield its pid and its port."""
    program, port = mosquitto_path(), free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        file.flush()
        Path(file.name).chmod(0o644)
        with subprocess.Popen([program, "-c", file.name], stderr=subprocess.DEVNULL) as process:
            try:
                while not accepts(port):
                    time.sleep(0.05)
                yield process.pid, port
            finally:
                process.terminate()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process meanwhile. It could not be ended while it is stopped."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stop_seconds(pid: int) -> float:
    """Stop a program; return how long it takes. Raises RuntimeError if it does not stop."""
    ended = os.pidfd_open(pid)
    try:
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        if not select.select([ended], [], [], STOP_SECONDS)[0]:
            raise RuntimeError(f"the program did not stop within {STOP_SECONDS} s")
        return time.monotonic() - began
    finally:
        os.close(ended)
