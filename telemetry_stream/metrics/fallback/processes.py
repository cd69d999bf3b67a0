"""psutil's figures of processes.

psutil computes the start of a process from the boot time and uses it with the pid as the identity; so do we here.
Reading all processes costs ten times as much as through the files.
"""

from __future__ import annotations

from typing import Any

from ..files import Files
from ..source import Now
from ..sources import process
from ..sources.process_list import ProcessList
from ..sources.process_record import Facts
from ..sources.process_table import Row, used_ticks
from ..units import CLK_TCK, PAGE_BYTES

# The kernel's letter for each of psutil's states.
LETTERS = {
    "running": "R",
    "sleeping": "S",
    "disk-sleep": "D",
    "stopped": "T",
    "tracing-stop": "t",
    "zombie": "Z",
    "idle": "I",
}


class PsutilTable:
    """The rows of the process table."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._before: dict[tuple[int, float], int] = {}
        self.listed = 0
        self.hidden = 0

    def read(self, before_ticks: float, _forks: int | None = None) -> dict[int, Row]:
        """Return the row of every process by pid. ``before_ticks`` is the reading before, in ticks since boot."""
        boot = self._psutil.boot_time()
        rows, used = {}, {}
        self.listed = self.hidden = 0
        attributes = ["name", "status", "cpu_times", "memory_info", "num_threads", "create_time"]
        for found in self._psutil.process_iter(attributes):
            self.listed += 1
            info = found.info
            if info["cpu_times"] is None or info["create_time"] is None:
                self.hidden += 1
                continue
            row = Row()
            row.comm = (info["name"] or "").encode("utf-8", "surrogateescape")
            row.state = LETTERS.get(info["status"], "?")
            row.ticks = round((info["cpu_times"].user + info["cpu_times"].system) * CLK_TCK)
            # None: this user may not read it.
            row.threads = info["num_threads"]
            row.rss = None if info["memory_info"] is None else info["memory_info"].rss // PAGE_BYTES
            row.starttime = max(0, round((info["create_time"] - boot) * CLK_TCK))
            key = found.pid, info["create_time"]
            before = self._before.get(key)
            if before is not None:
                row.used = used_ticks(row.ticks, before)
            elif row.starttime > before_ticks:
                row.used = row.ticks
            used[key] = row.ticks
            rows[found.pid] = row
        self._before = used
        return rows

    def close(self) -> None:
        """Forget all processes."""
        self._before = {}


class PsutilProcesses(process.ProcessesSource):
    """Section ``processes`` with the figures of psutil."""

    def __init__(
        self,
        psutil: Any,
        files: Files,
        *,
        rows: int | None,
        table: process.Table,
        all_processes: ProcessList | None = None,
        timeout_seconds: float = 0.0,
    ) -> None:
        super().__init__(
            files,
            rows=rows,
            table=table,
            all_processes=all_processes,
            timeout_seconds=timeout_seconds,
        )
        self._psutil = psutil

    def _maybe_forks(self, _now: Now) -> None:
        return None  # psutil always lists

    def _facts(self, _now: Now) -> Facts:
        psutil = self._psutil
        return Facts(psutil.cpu_count(), psutil.virtual_memory().total or None, psutil.boot_time())

    def _maybe_user(self, pid: int, _row: Row) -> str | None:
        try:
            return self._users.name(self._psutil.Process(pid).uids().effective)
        except self._psutil.Error:  # It has just ended.
            return None

    def _is_mounted_partially(self, _now: Now) -> bool:
        return False  # psutil does not know. Processes that it may not read are counted as hidden.
