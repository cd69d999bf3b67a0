"""The rows of the process table: every /proc/PID/stat, read again and again (fs/proc/array.c; man page
proc_pid_stat(5)).

    4300 (a b) (c)) S 1 4300 ...

comm may hold spaces, parentheses, newlines and bytes that are not UTF-8, so it ends at the last parenthesis of the
whole content. The state is field 3, utime 14, stime 15, threads 20, starttime 22, rss 24. A process is identified by
its pid *and* starttime: the kernel reuses pids, and wall clocks jump. utime includes guest time and all threads,
running and ended. A process may end between listing and reading; that is not an error.

Strategy: descriptors stay open, as many as the limit allows, since a read through an open one costs half of opening it.
The others are opened, read and closed. Content that has not changed is not parsed: nine of ten processes sleep.

Of a sleeping process with one thread, /proc/PID/schedstat is read instead, which takes a third of the time
(proc_pid_schedstat in fs/proc/base.c): its time on a core, its time of waiting for one, and how often it got one. While
these are the same, it has not run, so that nothing of its stat has changed but what others can change, its memory.
Therefore its stat is read in every tenth reading nevertheless. One that has been woken, and has not got a core yet,
still counts as sleeping.

Listing /proc takes a quarter of the time. It is left out while the kernel has started no process or thread since the
last listing (``processes`` in /proc/stat).
"""

from __future__ import annotations

import contextlib
import os
import resource

from .. import counters
from ..files import ParseError
from ..units import CLK_TCK, PAGE_BYTES

STAT_BYTES = 1024  # fifty numbers and a comm of 16 bytes stay below 600
RUNS_BYTES = 64  # three numbers
NOT_COUNTED = b"0 0 0\n"  # the schedstat of a kernel that does not count
MOST_SKIPPED = 9  # readings of a process that has not run, and listings
MAX_KEPT_OPEN = 1024  # an open descriptor holds about 4 KiB of kernel memory

# comm, state, utime + stime, threads, starttime, rss
Fields = tuple[bytes, str, int | None, int | None, int, int | None]
# A read and a tick may be a little apart, so that a process may seem to use more time than passed.
MARGIN_TICKS = CLK_TCK
MOST_PAGES = counters.MOST_MEMORY_BYTES // PAGE_BYTES


def parse(content: bytes) -> Fields:
    """Parse one /proc/PID/stat. A field that is not a count is None. Raises ParseError without an identity."""
    start, end = content.find(b"("), content.rfind(b")")
    if start < 0 or end < start:
        raise ParseError("no name in parentheses")
    fields = content[end + 1 :].split(None, 22)
    try:
        utime, stime, threads, starttime, rss = counters.counts(
            (fields[11], fields[12], fields[17], fields[19], fields[21])
        )
        state = chr(fields[0][0])
    except IndexError as error:
        raise ParseError(f"{type(error).__name__}: {error}") from error
    if starttime is None:
        raise ParseError("no start time")
    ticks = None if utime is None or stime is None else utime + stime
    # The kernel sums rss over CPUs without a lock, so it may be slightly negative.
    return (
        content[start + 1 : end],
        state,
        ticks,
        counters.at_most(threads, counters.MOST_TASKS),
        starttime,
        counters.at_most(rss, MOST_PAGES),
    )


def used_ticks(ticks: int | None, before: int | None) -> int | None:
    """Return the ticks that a process used. A fall by a tick or two is rounding; after another fall it is unknown."""
    if ticks is None or before is None or ticks < before - MARGIN_TICKS:
        return None
    return max(0, ticks - before)


class Row:
    """One process as it was last read: its descriptors (-1: not open), the contents, and the parsed fields."""

    __slots__ = (
        "comm",
        "content",
        "fd",
        "rss",
        "runs",
        "runs_fd",
        "skipped",
        "starttime",
        "state",
        "threads",
        "ticks",
        "uid",
        "used",
    )

    def __init__(self) -> None:
        self.fd = self.runs_fd = -1
        self.content = b"-"  # differs from any content
        # Its schedstat just before the content was read, if it has one thread; else empty.
        self.runs = b""
        self.skipped = 0  # readings since then
        self.comm = b""
        self.state = "?"
        self.ticks: int | None = 0
        self.threads: int | None = 0
        self.starttime = -1
        self.rss: int | None = 0
        self.used: int | None = None  # ticks since the reading before; None at the first reading
        # The id of its user, if it was looked up since the content was read.
        self.uid: int | None = None

    def has_not_run(self) -> bool:
        """Return whether the process has not run since its content was read, as far as is known. Raises OSError."""
        runs = os.pread(self.runs_fd, RUNS_BYTES, 0)
        if runs == self.runs and self.skipped < MOST_SKIPPED and runs != NOT_COUNTED:
            self.skipped += 1
            self.used = 0 if self.ticks is not None else None
            return True
        self.runs, self.skipped = runs, 0
        return False

    def maybe_runs(self) -> bytes | None:
        """Return what changes whenever the process runs, as it was before the last reading. None: unknown."""
        return None if self.runs in (b"", NOT_COUNTED) else self.runs

    def update(self, content: bytes, before_ticks: float) -> None:
        """Parse a reading. ``before_ticks`` is the time of the reading before, in ticks since boot."""
        self.uid = None
        if content == self.content:
            self.used = 0 if self.ticks is not None else None
            return
        comm, state, ticks, threads, starttime, rss = parse(content)
        if starttime == self.starttime:
            self.used = used_ticks(ticks, self.ticks)
        else:
            # The first reading of this process. Its ticks are of this interval if it began after the reading before.
            self.used = ticks if starttime > before_ticks else None
        self.content = content
        self.comm, self.state, self.ticks = comm, state, ticks
        self.threads, self.starttime, self.rss = threads, starttime, rss
        if threads != 1:
            self.runs = b""  # it is that of the first thread only


class ProcessTable:
    """All processes of one /proc."""

    def __init__(self, proc_root: str) -> None:
        self._root = proc_root
        self._has_runs = os.path.exists(f"{proc_root}/self/schedstat")  # the kernel's SCHED_INFO
        self._rows: dict[int, Row] = {}
        self._kept = 0
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        unlimited = soft == resource.RLIM_INFINITY
        # A quarter of what the process may open: viewers need descriptors, too.
        self._max_kept_open = MAX_KEPT_OPEN if unlimited else min(MAX_KEPT_OPEN, soft // 4)
        self._forks: int | None = None  # at the last listing
        self._unlisted = 0  # readings since then
        self._is_complete = False  # whether the last reading had a row for each process
        self.listed = 0
        self.hidden = 0  # listed, but this program may not read them

    def read(self, before_ticks: float, forks: int | None = None) -> dict[int, Row]:
        """Return the row of every process by pid. Raises OSError if the directory cannot be listed.

        ``before_ticks`` is the time of the reading before, in ticks since boot. ``forks`` is the number of processes
        and threads that have begun since boot (``processes`` in /proc/stat), read before this call. It is None if it
        is unknown, or if processes that have begun earlier may appear.
        """
        old, rows = self._rows, {}
        pids = self._pids(forks)
        self.listed, self.hidden = len(pids), 0
        try:
            for pid in pids:
                row = old.pop(pid, None)
                if row is None:
                    row = Row()
                if self._update(pid, row, before_ticks):
                    rows[pid] = row
                else:
                    self._close(row)
        finally:
            for row in old.values():
                self._close(row)
            self._rows = rows
            self._is_complete = len(rows) == len(pids)
        if self._unlisted and not self.hidden:
            self.listed = len(rows)  # the others have ended
        return rows

    def _pids(self, forks: int | None) -> list[int]:
        """Return the pids to read: those of the reading before if there can be no others."""
        is_same = forks is not None and 0 < forks == self._forks
        if is_same and self._is_complete and self._unlisted < MOST_SKIPPED:
            self._unlisted += 1
            return list(self._rows)
        names = os.listdir(self._root)
        self._forks, self._unlisted = forks, 0
        return [int(name) for name in names if name.isdigit() and name.isascii()]

    def close(self) -> None:
        """Close the descriptors and forget all rows. For the next reading, every process is new."""
        for row in self._rows.values():
            self._close(row)
        self._rows = {}
        self._forks = None

    def _update(self, pid: int, row: Row, before_ticks: float) -> bool:
        """Read a process. Return False if it has ended or cannot be read."""
        if row.fd >= 0:
            try:
                if row.runs_fd >= 0 and row.threads == 1 and row.has_not_run():
                    return True
                content = os.pread(row.fd, STAT_BYTES, 0)
                is_same = content == row.content
                row.update(content, before_ticks)
                if is_same and row.runs_fd < 0 and row.threads == 1:
                    self._open_runs(pid, row)
                return True
            # It ended (ESRCH). Another process may have its pid by now.
            except (OSError, ParseError):
                self._close(row)
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
        if self._kept < self._max_kept_open:
            self._kept += 1
            row.fd = fd
        else:
            os.close(fd)
        return content

    def _open_runs(self, pid: int, row: Row) -> None:
        if self._has_runs and self._kept < self._max_kept_open:
            with contextlib.suppress(OSError):
                path = f"{self._root}/{pid}/schedstat"
                row.runs_fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                self._kept += 1

    def _close(self, row: Row) -> None:
        for fd in (row.fd, row.runs_fd):
            if fd >= 0:
                os.close(fd)
                self._kept -= 1
        row.fd = row.runs_fd = -1
        row.runs = b""  # another process may get the pid
