"""Reading every /proc/PID/stat, again and again (metrics.md 9; kernel: fs/proc/array.c, man proc_pid_stat).

Specimen: ``4300 (a b) (c)) S 1 4300 ...``: comm may hold spaces, parentheses, newlines and bytes that are no UTF-8, so
it ends at the last parenthesis of the whole content; state is field 3, utime 14, stime 15, threads 20, starttime 22,
rss 24. A process is its pid *and* starttime: pids are used again, and wall clocks jump. utime already holds guest time
and all threads, living and dead. A process that vanishes between listing and reading is no error.

Strategy: descriptors stay open (a kept one costs half of opening anew), as many as the budget allows; the rest is
opened, read and closed. Content that is what it was is not parsed: nine of ten processes sleep.
"""

from __future__ import annotations

import os
import resource

from ..files import ParseError

STAT_BYTES = 1024  # fifty numbers and a comm of 16 bytes stay below 600
MOST_KEPT = 1024  # each kept descriptor holds about 4 KiB of kernel memory

# comm, state, utime + stime, threads, starttime, rss
Fields = tuple[bytes, str, int, int, int, int]


def parse(content: bytes) -> Fields:
    """One /proc/PID/stat. Raises ParseError."""
    start, end = content.find(b"("), content.rfind(b")")
    if start < 0 or end < start:
        raise ParseError("no name in parentheses")
    fields = content[end + 1 :].split(None, 22)
    try:
        ticks, threads = int(fields[11]) + int(fields[12]), int(fields[17])
        starttime, rss = int(fields[19]), int(fields[21])
        state = chr(fields[0][0])
    except (IndexError, ValueError) as error:
        raise ParseError(f"{type(error).__name__}: {error}") from error
    if ticks < 0 or threads < 0 or starttime < 0:
        raise ParseError("negative number")
    # The kernel sums rss over cpus without a lock: it may read a little below 0.
    return content[start + 1 : end], state, ticks, threads, starttime, max(0, rss)


class Row:
    """One process as last read: its descriptor (-1: not kept), its content, and what that says."""

    __slots__ = ("comm", "content", "fd", "rss", "starttime", "state", "threads", "ticks", "used")

    def __init__(self) -> None:
        self.fd = -1
        self.content = b"-"  # like no process's
        self.comm = b""
        self.state = "?"
        self.ticks = 0
        self.threads = 0
        self.starttime = -1
        self.rss = 0
        self.used: int | None = None  # ticks since the reading before; None at first sight

    def update(self, content: bytes, before_ticks: float) -> None:
        """Take in a reading. ``before_ticks`` is when the reading before was, in ticks since boot."""
        if content == self.content:
            self.used = 0
            return
        comm, state, ticks, threads, starttime, rss = parse(content)
        if starttime == self.starttime:
            self.used = max(0, ticks - self.ticks)
        else:  # first sight, or the pid was used again: all it used is new if it began after the reading before
            self.used = ticks if starttime > before_ticks else None
        self.content = content
        self.comm, self.state, self.ticks = comm, state, ticks
        self.threads, self.starttime, self.rss = threads, starttime, rss


class ProcessTable:
    """All processes of one /proc, read again and again."""

    def __init__(self, proc_root: str) -> None:
        self._root = proc_root
        self._rows: dict[int, Row] = {}
        self._kept = 0
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Viewers need descriptors, too.
        self._most_kept = MOST_KEPT if soft == resource.RLIM_INFINITY else min(MOST_KEPT, soft // 4)
        self.listed = 0
        self.hidden = 0  # listed, but not ours to read

    def read(self, before_ticks: float) -> dict[int, Row]:
        """Every process there is now, by pid. Raises OSError where the directory cannot be listed."""
        old, rows = self._rows, {}
        pids = [int(name) for name in os.listdir(self._root) if name.isdigit() and name.isascii()]
        self.listed, self.hidden = len(pids), 0
        try:
            for pid in pids:
                row = old.pop(pid, None)
                if row is None:
                    row = Row()
                if self._maybe_update(pid, row, before_ticks):
                    rows[pid] = row
                else:
                    self._forget(row)
        finally:
            for row in old.values():
                self._forget(row)
            self._rows = rows
        return rows

    def close(self) -> None:
        """Give the descriptors back and forget everybody: the next reading is a first sight."""
        for row in self._rows.values():
            self._forget(row)
        self._rows = {}

    def _maybe_update(self, pid: int, row: Row, before_ticks: float) -> bool:
        """False when the process has gone or cannot be read."""
        if row.fd >= 0:
            try:
                row.update(os.pread(row.fd, STAT_BYTES, 0), before_ticks)
                return True
            except (OSError, ParseError):  # it ended (ESRCH); its pid may be another's by now
                self._forget(row)
        try:
            row.update(self._open_and_read(pid, row), before_ticks)
        except PermissionError:
            self.hidden += 1
            return False
        except (OSError, ParseError):
            return False
        return True

    def _open_and_read(self, pid: int, row: Row) -> bytes:
        fd = os.open(f"{self._root}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = os.pread(fd, STAT_BYTES, 0)
        except OSError:
            os.close(fd)
            raise
        if self._kept < self._most_kept:
            self._kept += 1
            row.fd = fd
        else:
            os.close(fd)
        return content

    def _forget(self, row: Row) -> None:
        if row.fd >= 0:
            os.close(row.fd)
            row.fd = -1
            self._kept -= 1
