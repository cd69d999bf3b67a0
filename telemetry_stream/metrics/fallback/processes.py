"""What psutil answers for processes (metrics.md 13), as fallback.py, which lists it with the others.

psutil computes when a process started from the boot time and calls that the identity; it is the best it has. Reading
all of them costs ten times what the files do.
"""

from __future__ import annotations

from ..source import Now
from ..sources import process
from ..sources.process_table import Row
from ..units import CLK_TCK, PAGE_BYTES
from .lazy_psutil import load_psutil

PROCESS_ROWS = 15
# psutil's words for the kernel's letters.
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

    def __init__(self) -> None:
        self._before: dict[tuple[int, float], int] = {}
        self.listed = 0
        self.hidden = 0

    def read(self, before_ticks: float) -> dict[int, Row]:
        """Every process there is now. Identity is pid and start, as psutil computes it."""
        psutil = load_psutil()
        boot = psutil.boot_time()
        rows, used = {}, {}
        self.listed = self.hidden = 0
        wanted = ["name", "status", "cpu_times", "memory_info", "num_threads", "create_time"]
        for found in psutil.process_iter(wanted):
            self.listed += 1
            info = found.info
            if info["cpu_times"] is None or info["create_time"] is None:
                self.hidden += 1
                continue
            row = Row()
            row.comm = (info["name"] or "").encode("utf-8", "surrogateescape")
            row.state = LETTERS.get(info["status"], "?")
            row.ticks = round((info["cpu_times"].user + info["cpu_times"].system) * CLK_TCK)
            row.threads = info["num_threads"] or 0
            row.rss = 0 if info["memory_info"] is None else info["memory_info"].rss // PAGE_BYTES
            row.starttime = max(0, round((info["create_time"] - boot) * CLK_TCK))
            key = found.pid, info["create_time"]
            before = self._before.get(key)
            if before is not None:
                row.used = max(0, row.ticks - before)
            elif row.starttime > before_ticks:
                row.used = row.ticks
            used[key] = row.ticks
            rows[found.pid] = row
        self._before = used
        return rows

    def close(self) -> None:
        """Forget everybody."""
        self._before = {}


class PsutilProcesses(process.ProcessesSource):
    """The section processes with psutil's rows and facts."""

    def _facts(self, _now: Now) -> process.Facts:
        psutil = load_psutil()
        return process.Facts(psutil.cpu_count(), psutil.virtual_memory().total, psutil.boot_time())

    def _maybe_user(self, pid: int, now: Now) -> str | None:
        psutil = load_psutil()
        try:
            return self._users.name(psutil.Process(pid).uids().effective, now)
        except psutil.Error:  # it has just ended
            return None

    def _is_mounted_partially(self, _now: Now) -> bool:
        return False  # psutil does not tell; what it may not read is counted as hidden
