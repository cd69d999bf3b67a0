"""Reading /proc/PID/stat: odd names, reused pids, processes that end, a limit of descriptors."""

from __future__ import annotations

import errno
import math
import os
import resource
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.process_table import (
    MOST_SKIPPED,
    NOT_COUNTED,
    ProcessTable,
    parse,
    used_ticks,
)
from telemetry_stream.metrics.units import CLK_TCK
from tests.metrics.trees import Tree, assert_sane, odd


def stat(
    pid: int,
    *,
    comm: str = "cat",
    state: str = "S",
    ticks: int = 0,
    threads: int = 1,
    start: int = 50,
    rss: int = 0,
) -> str:
    """Return one /proc/PID/stat."""
    front = f"{pid} ({comm}) {state} 1 1 1 0 -1 4194304 900 0 0 0 {ticks} 0 7 7 20 0 {threads} 0 {start} 33000000 {rss}"
    return front + " 18446744073709551615" + " 0" * 27 + "\n"


def put(tree: Tree, pid: int, **changes: object) -> None:
    """Write one process."""
    tree.put(f"proc/{pid}/stat", stat(pid, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "comm", ["cat", "a b", ") R 1 (x", "tmux: server", "((sd-pam))", "line\nbreak", "", ")", "("]
)
def test_a_name_may_contain_any_character(comm: str) -> None:
    """It ends at the last parenthesis of the whole content, so the fields behind it do not shift."""
    fields = parse(stat(4300, comm=comm, state="D", ticks=12, threads=3, start=99, rss=7).encode())
    assert fields == (comm.encode(), "D", 12, 3, 99, 7)


def test_a_name_that_is_not_utf_8() -> None:
    """The bytes stay as they are."""
    assert parse(stat(1, comm="X").encode().replace(b"X", b"\xff\xfe"))[0] == b"\xff\xfe"


def test_cpu_time_is_utime_plus_stime_without_children() -> None:
    """Fields 14 and 15. Fields 16 and 17 are those of children."""
    assert parse(b"1 (x) S 1 1 1 0 -1 0 0 0 0 0 30 12 1000 2000 20 0 1 0 5 0 0 0")[2] == 42


@pytest.mark.parametrize("rss", [-3, (1 << 64) - 3])
def test_negative_resident_pages_are_unknown(rss: int) -> None:
    """The kernel sums them over CPUs without a lock. The other fields are known."""
    assert parse(stat(1, rss=rss).encode()) == (*parse(stat(1).encode())[:5], None)


def test_a_process_that_used_less_than_before_is_unknown() -> None:
    """The kernel rounds, so that a tick less is none. A larger fall was not measured."""
    assert used_ticks(99, 100) == 0
    assert used_ticks(5, 100 + 10 * CLK_TCK) is None
    assert used_ticks(None, 100) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"1 cat S 1", b"1 (cat", b"1 (cat) S 1 2 3", b"1 )cat( S", stat(1, start=-5).encode()],
)
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """No name, too few fields, or no start time, by which a process is identified."""
    with pytest.raises(ParseError):
        parse(content)


@given(odd(stat(4300, comm=") R 1 (x").encode()))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """Counts are not negative."""
    try:
        fields = parse(content)
    except ParseError:
        return
    assert_sane(fields)


@pytest.fixture
def table(tree: Tree) -> ProcessTable:
    """The table of a tree."""
    return ProcessTable(tree.proc)


def test_only_numbers_are_processes(tree: Tree, table: ProcessTable) -> None:
    """Other entries of /proc are skipped."""
    put(tree, 7)
    tree.put("proc/12a/stat", stat(12))
    tree.put("proc/stat", "cpu0 1 1 1 1")
    assert list(table.read(math.inf)) == [7]
    assert table.listed == 1
    table.close()


def test_used_ticks_are_the_rise_since_the_reading_before(tree: Tree, table: ProcessTable) -> None:
    """Unknown at the first reading, 0 if nothing changed, and 0 after a fall of the same process."""
    used: list[int | None] = []
    for ticks in (100, 130, 130, 120, 125):
        put(tree, 7, ticks=ticks)
        used.append(table.read(0.0 if used else math.inf)[7].used)
    table.close()
    assert used == [None, 30, 0, 0, 5]


def test_a_reused_pid_is_another_process(tree: Tree, table: ProcessTable) -> None:
    """By its starttime. All its ticks count if it began after the reading before; else they are unknown."""
    put(tree, 7, ticks=5000, start=50)
    table.read(math.inf)
    put(tree, 7, ticks=3, start=1000)
    assert table.read(999.0)[7].used == 3
    put(tree, 7, ticks=9, start=1010)
    assert table.read(2000.0)[7].used is None
    table.close()


def test_a_reused_pid_is_opened_again(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A descriptor of the ended process always gives ESRCH."""
    put(tree, 7, ticks=5, start=50)
    row = table.read(math.inf)[7]
    old, real = row.fd, os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        if fd == old and dead:
            dead.pop()
            raise OSError(errno.ESRCH, "No such process")
        return real(fd, size, offset)

    dead = [True]
    monkeypatch.setattr(os, "pread", pread)
    put(tree, 7, ticks=2, start=900)
    assert table.read(100.0)[7].used == 2
    table.close()


def test_a_process_that_ends_while_it_is_read_is_skipped(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between listing and reading: ENOENT, ESRCH, or an empty read."""
    put(tree, 7)
    tree.put("proc/8/stat", "")
    os.mkdir(os.path.join(tree.proc, "9"))
    assert list(table.read(math.inf)) == [7]
    assert (table.listed, table.hidden) == (3, 0)
    table.close()


def test_the_descriptor_of_an_ended_process_is_closed(tree: Tree, table: ProcessTable) -> None:
    """When it is no longer listed."""
    put(tree, 7)
    put(tree, 8)
    gone = table.read(math.inf)[8].fd
    os.unlink(f"{tree.proc}/8/stat")
    os.rmdir(f"{tree.proc}/8")
    assert list(table.read(0.0)) == [7]
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(gone)
    table.close()


def test_the_number_of_open_descriptors_is_limited(tree: Tree) -> None:
    """To a quarter of what this process may open. All processes have rows nevertheless."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        table = ProcessTable(tree.proc)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for pid in range(1, 81):
        put(tree, pid, ticks=pid)
    for _ in range(2):
        rows = table.read(math.inf)
        assert len(rows) == 80
        assert sum(row.fd >= 0 for row in rows.values()) == 64
    table.close()


def test_processes_that_may_not_be_read_are_counted_as_hidden(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """hidepid=1 lists them, but reading them fails."""
    put(tree, 7)
    put(tree, 8)
    real = os.open

    def refuse(path: str, flags: int) -> int:
        if "/8/" in path:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    assert list(table.read(math.inf)) == [7]
    assert (table.listed, table.hidden) == (2, 1)
    table.close()


def test_close_forgets_all_processes(tree: Tree, table: ProcessTable) -> None:
    """For the next reading, each of them is new."""
    put(tree, 7, ticks=5)
    table.read(math.inf)
    table.close()
    put(tree, 7, ticks=500)
    assert table.read(math.inf)[7].used is None
    table.close()


def counting(tree: Tree, runs: str = "900 20 3\n", **changes: object) -> ProcessTable:
    """Return the table of a tree whose kernel counts how often processes run, after the schedstat of 7 was read."""
    tree.put("proc/self/schedstat", "1 1 1\n")
    tree.put("proc/7/schedstat", runs)
    put(tree, 7, **changes)
    table = ProcessTable(tree.proc)
    for _ in range(3):
        table.read(math.inf)
    return table


def test_the_stat_of_a_process_that_has_not_run_is_read_in_every_tenth_reading(tree: Tree) -> None:
    """Its memory may have changed, because others can take it."""
    table = counting(tree, ticks=5, rss=4)
    put(tree, 7, ticks=5, rss=3)
    rss = [table.read(0.0)[7].rss for _ in range(2 * MOST_SKIPPED + 2)]
    assert rss == [4] * MOST_SKIPPED + [3] * (MOST_SKIPPED + 2)
    assert table.read(0.0)[7].used == 0
    table.close()


@pytest.mark.parametrize("runs", ["901 20 3\n", "900 21 3\n", "900 20 4\n"])
def test_the_stat_of_a_process_that_has_run_is_read(tree: Tree, runs: str) -> None:
    """Any of the three numbers shows that."""
    table = counting(tree, ticks=5)
    assert table.read(0.0)[7].used == 0
    tree.put("proc/7/schedstat", runs)
    put(tree, 7, ticks=6, state="D")
    row = table.read(0.0)[7]
    assert (row.used, row.state) == (1, "D")
    table.close()


def test_the_runs_of_an_ended_process_are_not_those_of_the_next_with_its_pid(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are unknown while the next one is busy."""
    table = counting(tree, ticks=5)
    row, real = table.read(0.0)[7], os.pread
    assert row.maybe_runs() == b"900 20 3\n"
    ended = {row.fd, row.runs_fd}

    def pread(fd: int, size: int, offset: int) -> bytes:
        if fd in ended:
            ended.clear()
            raise OSError(errno.ESRCH, "No such process")
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    for ticks in (6, 7):
        put(tree, 7, ticks=ticks, start=900)
        assert table.read(100.0)[7].maybe_runs() is None
    table.close()


def test_a_process_with_threads_is_always_read(tree: Tree) -> None:
    """Its schedstat is that of its first thread only."""
    table = counting(tree, ticks=5, threads=2)
    put(tree, 7, ticks=6, threads=2)
    assert table.read(0.0)[7].used == 1
    table.close()


def test_a_process_that_has_started_a_thread_is_always_read(tree: Tree) -> None:
    """Also if its first thread does not run any more."""
    table = counting(tree, ticks=5)
    tree.put("proc/7/schedstat", "950 20 4\n")
    for ticks in (6, 7, 8):
        put(tree, 7, ticks=ticks, threads=2)
        assert table.read(0.0)[7].used == 1
    table.close()


def test_a_kernel_that_does_not_count_runs_is_not_trusted(tree: Tree) -> None:
    """All three numbers are 0 for all processes."""
    table = counting(tree, NOT_COUNTED.decode(), ticks=5)
    put(tree, 7, ticks=6)
    assert table.read(0.0)[7].used == 1
    table.close()


def test_both_descriptors_of_a_process_are_closed(tree: Tree) -> None:
    """And counted in the limit."""
    table = counting(tree)
    row = table.read(0.0)[7]
    descriptors = (row.fd, row.runs_fd)
    assert min(descriptors) >= 0
    assert table._kept == 2
    table.close()
    assert table._kept == 0
    for fd in descriptors:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(fd)


def test_a_run_of_a_real_process_is_noticed(tree: Tree) -> None:
    """The kernel counts each, however short, if it counts at all (SCHED_INFO)."""
    deadline = time.monotonic() + 10.0
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        assert cat.stdin
        assert cat.stdout
        # Of this process only: the descriptors of all of them may exceed the limit.
        for name in ("self", str(cat.pid)):
            os.symlink(f"/proc/{name}", f"{tree.proc}/{name}")
        table, path = ProcessTable(tree.proc), Path(f"/proc/{cat.pid}/schedstat")
        row = table.read(math.inf)[cat.pid]
        counts = path.exists() and path.read_bytes() != NOT_COUNTED
        while counts and not row.runs and time.monotonic() < deadline:
            table.read(0.0)
        before = row.maybe_runs()
        cat.stdin.write(b"x")
        cat.stdin.flush()
        assert cat.stdout.read(1) == b"x"
        table.read(0.0)
        assert (row.maybe_runs() != before) is counts
    table.close()


@pytest.mark.parametrize(("forks", "seen"), [(40, [7]), (41, [7, 8]), (None, [7, 8])])
def test_processes_are_listed_if_one_may_have_begun(
    tree: Tree, table: ProcessTable, forks: int | None, seen: list[int]
) -> None:
    """The kernel counts those that have begun. None: the count is unknown."""
    put(tree, 7)
    table.read(math.inf, 40)
    put(tree, 8)
    assert sorted(table.read(0.0, forks)) == seen
    assert table.listed == len(seen)
    table.close()


def test_a_kernel_that_does_not_count_processes_is_not_trusted(
    tree: Tree, table: ProcessTable
) -> None:
    """gVisor has 0."""
    put(tree, 7)
    table.read(math.inf, 0)
    put(tree, 8)
    assert len(table.read(0.0, 0)) == 2
    table.close()


def test_processes_are_listed_in_every_tenth_reading(tree: Tree, table: ProcessTable) -> None:
    """Whatever the kernel counts."""
    put(tree, 7)
    table.read(math.inf, 40)
    put(tree, 8)
    counts = [len(table.read(0.0, 40)) for _ in range(MOST_SKIPPED + 1)]
    assert counts == [1] * MOST_SKIPPED + [2]
    table.close()


def test_a_listing_that_failed_is_made_again(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although no other process has begun since."""
    put(tree, 7)
    table.read(math.inf, 40)
    put(tree, 8)

    def fail(_: str) -> list[str]:
        raise OSError(errno.ENOMEM, "Out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", fail)
        with pytest.raises(OSError, match="Out of memory"):
            table.read(0.0, 41)
    assert sorted(table.read(0.0, 41)) == [7, 8]
    table.close()


def test_a_process_that_ends_is_not_counted_without_a_listing(
    tree: Tree, table: ProcessTable
) -> None:
    """The next reading lists again, in case that it could only not be read."""
    put(tree, 7)
    put(tree, 8)
    table.read(math.inf, 40)
    os.truncate(f"{tree.proc}/8/stat", 0)
    assert list(table.read(0.0, 40)) == [7]
    assert table.listed == 1
    put(tree, 8)
    assert len(table.read(0.0, 40)) == 2
    table.close()
