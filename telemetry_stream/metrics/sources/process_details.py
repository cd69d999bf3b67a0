"""What a process shows beside its stat: its command line, its unit or container, and its I/O (man pages
proc_pid_cmdline(5), proc_pid_cgroup(5), proc_pid_io(5)).

Strategy: they are read only of the processes that are shown, and on a worker. The kernel takes the lock of the
process's memory for its command line (get_mm_cmdline in fs/proc/base.c), and a lock that exec holds for its I/O
(do_io_accounting): a process that hangs in the kernel would hang the reader, as it hangs ps. So they are in the sample
after the one that first shows the process. Command line and unit are read when a process is first shown, and again
after LABELS_SECONDS: a program may change its command line, and systemd moves a process after its start. I/O is read
in each turn of TURN_SECONDS while the process runs, else every IO_TURNS if it may have run since. The turns of all
processes begin together, because each wake-up of the worker costs more than what it reads.

A process is identified by pid and start time. The start time is compared when the labels are read, since the kernel
reuses pids, and labels are kept. A wrong rate of I/O would last for one sample. Only one thread at a time may call the
methods of ProcessDetails.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Mapping

from .. import counters, rates
from ..blocking import Blocking, Result
from ..files import ParseError
from ..source import Clock
from . import container_path, process_table
from .process_table import Row

LABELS_SECONDS = 60.0
TURN_SECONDS = 2.0
IO_TURNS = 4
# Whether this program may read the I/O of a process changes when either of them changes its user.
DENIED_SECONDS = 60.0
READ_BYTES = 2048
MAX_COMMAND_CHARACTERS = 1024

ARGUMENTS = ("none", "name", "full")

# The name of a file of the process, its pid, and its start time in ticks.
Call = tuple[str, int, int]
# A pid, and the start time in ticks.
Key = tuple[int, int]

UNIT_ENDINGS = (".service", ".scope", ".socket", ".mount", ".swap")


def parse_command(content: bytes, arguments: str) -> str | None:
    """Return the command line, or of ``name`` only the program, as ``process_arguments`` allows. None if it is empty.

    Arguments end with NUL. A program that changes its title may put all of its arguments into the first one, so that
    the program ends at the first white space as well.
    """
    is_cut = len(content) >= READ_BYTES
    if arguments == "name":
        first = content.partition(b"\0")[0].split(None, 1)
        return first[0].decode("utf-8", "replace").removesuffix(":") or None if first else None
    text = content.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    if is_cut or len(text) > MAX_COMMAND_CHARACTERS:
        text = text[:MAX_COMMAND_CHARACTERS] + "…"
    return text or None


def parse_unit(content: bytes) -> str | None:
    """Return the systemd unit or the container of /proc/PID/cgroup, or None if it is in neither.

    Version 2 has the line ``0::PATH``. Version 1 has a line for each hierarchy, of which ``name=systemd`` is systemd's.
    """
    paths: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").split("\n"):
        _, colon, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if colon:
            paths.setdefault(controllers, path)
    names = sorted(paths, key=lambda name: (name != "", name != "name=systemd", name))
    return next(filter(None, (unit_of_path(paths[name]) for name in names)), None)


def unit_of_path(path: str) -> str | None:
    """Return the outermost container in the path of a control group, else the innermost unit, else None."""
    parts = path.strip("/").split("/")
    for depth in range(1, min(len(parts), container_path.MAX_DEPTH) + 1):
        identity = container_path.maybe_identify("/".join(parts[:depth]))
        if identity is not None:
            return f"{identity.runtime} {identity.short_id}"
    units = [name for name in parts if name.endswith(UNIT_ENDINGS)]
    return units[-1] if units else None


def parse_io(content: bytes) -> tuple[int | None, int | None]:
    """Return ``read_bytes`` and ``write_bytes`` of /proc/PID/io: what was fetched from storage, and sent to it."""
    lines = b"\n" + content
    return _maybe_io(lines, b"\nread_bytes: "), _maybe_io(lines, b"\nwrite_bytes: ")


def _maybe_io(lines: bytes, name: bytes) -> int | None:
    _, _, rest = lines.partition(name)
    return counters.maybe_count(rest.partition(b"\n")[0].strip())


class Detail:
    """What is known of one process. None: unknown."""

    __slots__ = (
        "command",
        "io",
        "io_due",
        "io_rates",
        "io_runs",
        "io_turn",
        "labels_due",
        "labels_read",
        "shown_at",
        "unit",
        "waiting",
    )

    def __init__(self) -> None:
        self.command: str | None = None
        self.unit: str | None = None
        self.io_rates: tuple[float | None, float | None] = (None, None)
        self.labels_read = False
        self.labels_due = self.io_due = self.shown_at = -math.inf  # monotonic seconds
        self.io_turn = -math.inf  # the last one in which it was due
        self.io: tuple[tuple[int | None, int | None], float] | None = None
        self.io_runs: bytes | None = None  # of its row, before it was read
        self.waiting: dict[str, Result[bytes] | None] = {}  # by file: the result before the call

    def are_labels_due(self, now: float) -> bool:
        """Return whether command line and unit are to be read now; then they are due again later."""
        if now < self.labels_due:
            return False
        self.labels_due = now + LABELS_SECONDS
        return True

    def is_io_due(self, now: float, *, uses_cpu: bool) -> bool:
        """Return whether the I/O of a process that is shown is to be read now; then it is due again later."""
        turn = now // TURN_SECONDS
        if now > self.shown_at + IO_TURNS * TURN_SECONDS:
            self.io_rates = (None, None)  # They are of the time before a pause.
        self.shown_at = now
        is_busy = self.io is not None and (uses_cpu or any(self.io_rates))
        if turn == self.io_turn or not (is_busy or now >= self.io_due):
            return False
        self.io_turn, self.io_due = turn, (turn + IO_TURNS) * TURN_SECONDS
        return True


class ProcessDetails:
    """Reads the details of processes on workers that are called ``name``."""

    def __init__(
        self,
        proc_root: str,
        clock: Clock,
        name: str,
        *,
        arguments: str = "none",
        most_kept: int = 0,
        timeout_seconds: float = 0.0,
    ) -> None:
        """``arguments`` is one of ARGUMENTS. ``update`` waits up to ``timeout_seconds`` for what it requests.

        So many processes are kept that are not needed any more. Many are shown again and again.
        """
        self._root = proc_root
        self._clock = clock
        self._arguments = arguments
        self._labels = ("cgroup",) if arguments == "none" else ("cgroup", "cmdline")
        self._details: dict[Key, Detail] = {}
        self._kept: dict[Key, Detail] = {}  # those that were needed last come last
        self._most_kept = most_kept
        self._blocking: Blocking[Call, bytes] = Blocking(
            name, self._read, clock, timeout_seconds=timeout_seconds
        )

    def update(self, keys: Iterable[Key], running: Mapping[Key, Row]) -> Mapping[Key, Detail]:
        """Return what is known of these processes, and forget most others.

        I/O is read of those in ``running``, which has their rows.
        """
        now = self._clock.monotonic()
        before, self._details = self._details, {}
        for key in keys:
            detail = before.pop(key, None)
            if detail is None:
                detail = self._kept.pop(key, None)
            self._details[key] = detail or Detail()
        self._kept |= before
        self._forget(len(self._kept) - self._most_kept)
        due: list[Call] = []
        for key, detail in self._details.items():
            for name in self._due(detail, running.get(key), now):
                if name not in detail.waiting:  # else its call hangs
                    detail.waiting[name] = self._blocking.maybe_result((name, *key))
                    due.append((name, *key))
        if due:
            self._blocking.request(due)
        self._blocking.check_workers()
        for key, detail in self._details.items():
            if detail.waiting:
                self._take(key, detail)
        return self._details

    def _due(self, detail: Detail, row: Row | None, now: float) -> tuple[str, ...]:
        """Return the files of a process that are to be read now."""
        names = self._labels if detail.are_labels_due(now) else ()
        if row is None or not detail.is_io_due(now, uses_cpu=bool(row.used)):
            return names
        if "io" in detail.waiting:  # its count is older than the row
            return names
        runs = row.maybe_runs()
        if detail.io is not None and runs is not None and runs == detail.io_runs:
            self._note_io(detail, detail.io[0], now)  # The process has not run.
            return names
        detail.io_runs = runs
        return (*names, "io")

    def _forget(self, count: int) -> None:
        """Forget so many processes: those that have not been needed for longest."""
        gone = list(itertools.islice(self._kept, max(0, count)))
        for key in gone:
            del self._kept[key]
        if gone:
            self._blocking.forget((name, *key) for key in gone for name in (*self._labels, "io"))

    def close(self) -> None:
        """End the idle workers, and forget all processes."""
        self._blocking.close()
        self._blocking.forget_all_except(())
        self._details, self._kept = {}, {}

    def _take(self, key: Key, detail: Detail) -> None:
        """Take the results that have come since they were requested."""
        for name, before in list(detail.waiting.items()):
            result = self._blocking.maybe_result((name, *key))
            if result is None or result is before:
                continue
            del detail.waiting[name]
            content = result.value
            if name == "io":
                self._take_io(detail, content, result.at)
            elif name == "cgroup":
                detail.unit = None if content is None else parse_unit(content)
                detail.labels_read = True
            else:
                detail.command = (
                    None if content is None else parse_command(content, self._arguments)
                )

    def _take_io(self, detail: Detail, content: bytes | None, at: float) -> None:
        if content is None:
            detail.io, detail.io_rates, detail.io_due = None, (None, None), at + DENIED_SECONDS
        else:
            self._note_io(detail, parse_io(content), at)

    @staticmethod
    def _note_io(detail: Detail, counts: tuple[int | None, int | None], at: float) -> None:
        if detail.io is not None:
            before, seconds = detail.io[0], at - detail.io[1]
            read, written = (
                rates.per_second(now, then, seconds, counters.BYTES)
                for now, then in zip(counts, before, strict=True)
            )
            detail.io_rates = (read, written)
        detail.io = counts, at

    def _read(self, call: Call) -> bytes:
        """Return the first READ_BYTES of a file of a process. Raises OSError. Runs on a worker."""
        name, pid, start = call
        content = _read_start(f"{self._root}/{pid}/{name}", READ_BYTES)
        if name == "io":
            return content
        stat = _read_start(f"{self._root}/{pid}/stat", process_table.STAT_BYTES)
        try:
            is_same = process_table.parse(stat)[4] == start
        except ParseError:
            is_same = False
        if not is_same:
            raise ProcessLookupError(f"process {pid} has ended")
        return content


def _read_start(path: str, size: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, size, 0)
    finally:
        os.close(fd)
