"""The program as a process: its address, its log, its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tests.viewers import TIMEOUT_SECONDS

ROOT = Path(__file__).parent.parent.parent
# Captured hosts: folders with a proc and a sys.
HOSTS = ROOT / "tests/fixtures/hosts"


class Program:
    """A started program. ``end`` must be called."""

    def __init__(
        self,
        arguments: Sequence[str],
        script: str | None,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:
        what = ["-m", "telemetry_stream"] if script is None else ["-c", script]
        self._log = tempfile.NamedTemporaryFile(dir=folder, suffix=".log")  # noqa: SIM115  # end closes it
        self.process = subprocess.Popen(
            [sys.executable, *what, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            text=True,
            env={**os.environ, **(environment or {})},
            pass_fds=descriptors,
        )

    @cached_property
    def url(self) -> str:
        """The URL of the program, from the first line that it prints."""
        line = self.read_line()
        found = re.search(r"live at (https?://\S+/)$", line)
        assert found, (line, self.log)
        return found[1]

    def read_line(self) -> str:
        """Return the next line of its standard output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def write_line(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)

    @property
    def log(self) -> str:
        """Everything that it has written to standard error."""
        return Path(self._log.name).read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit status."""
        self.process.send_signal(number)
        return self.status()

    def status(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(TIMEOUT_SECONDS)

    def held_for_clients(self) -> tuple[int, int]:
        """Return the numbers of threads for connections and viewers, and of sockets, as the kernel counts them."""
        process = Path(f"/proc/{self.process.pid}")
        threads = [read_or_empty(path / "comm") for path in (process / "task").iterdir()]
        links = [link_or_empty(path) for path in (process / "fd").iterdir()]
        return (
            sum(name.startswith(("ts-conn", "ts-ws", "ts-lines")) for name in threads),
            sum(link.startswith("socket:") for link in links),
        )

    def end(self) -> None:
        """Kill it if it still runs, and close its files."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self._log.close()


def read_or_empty(path: Path) -> str:
    """Read a file of a thread, which may have ended since it was listed."""
    try:
        return path.read_text()
    except OSError:
        return ""


def link_or_empty(path: Path) -> str:
    """Read the link of a descriptor, which may have been closed since it was listed."""
    try:
        return str(path.readlink())
    except OSError:
        return ""


def captured_roots() -> dict[str, tuple[str, str]]:
    """Return the proc_root and sys_root of every captured host, by its name."""
    found = {}
    for stat in sorted(HOSTS.glob("**/proc/stat")):
        host = stat.parent.parent
        found[str(host.relative_to(HOSTS))] = (str(stat.parent), str(host / "sys"))
    return found
