"""The programs of scripts/soak-fleet: each is stopped, killed and frozen, and restored."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
MIB = 1024 * 1024


class Program:
    """One program of the fleet, which is disturbed and restored. ``up_at``: since when it runs undisturbed."""

    def __init__(self, name: str, port: int, command: list[str], log: Path) -> None:
        self.name, self.port = name, port
        self._command, self._log = command, log
        self._process: subprocess.Popen[bytes] | None = None
        self._kind = ""
        self.up_at: float | None = None
        self.killed_at: list[float] = []  # by the wall clock
        self.most_mib = 0.0

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=ROOT)
        self.up_at = time.monotonic()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process

    def disturb(self, kind: str) -> None:
        """Stop, kill or freeze it."""
        process = self._started()
        self.up_at, self._kind = None, kind
        if kind == "freeze":
            process.send_signal(signal.SIGSTOP)
            return
        if kind == "kill":
            self.killed_at.append(time.time())
        process.send_signal(signal.SIGTERM if kind == "stop" else signal.SIGKILL)
        process.wait()

    def restore(self) -> None:
        """Let it run again."""
        if self._kind == "freeze":
            self._started().send_signal(signal.SIGCONT)
            self.up_at = time.monotonic()
        else:
            self.start()

    def reload(self) -> None:
        """Have it read its rules again, if it runs undisturbed. Before it answers, it may not handle the signal yet."""
        try:
            ask(self.port, "/healthz", 2.0)
        except FAILED:
            return
        if self.up_at is not None:
            self._started().send_signal(signal.SIGHUP)

    def note_memory(self) -> float:
        """Return the resident memory in MiB, and remember the most."""
        try:
            pages = Path(f"/proc/{self._process.pid if self._process else 0}/statm").read_text()
        except OSError:
            return 0.0
        resident = int(pages.split()[1]) * PAGE_BYTES / MIB
        self.most_mib = max(self.most_mib, resident)
        return resident

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return (
            self.up_at is not None
            and self._process is not None
            and self._process.poll() is not None
        )

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def ask(port: int, path: str, timeout: float) -> Any:
    """Send one request; return the JSON of the answer. Raises OSError, http.client.HTTPException or ValueError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"status {response.status}")
        return json.loads(response.read())
    finally:
        connection.close()


FAILED = (OSError, http.client.HTTPException, ValueError)
