"""Reading /proc/PID/stat: odd names, used-again pids, vanishing processes, a budget of descriptors."""

from __future__ import annotations

import errno
import math
import os

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.process_table import ProcessTable, parse
from tests.metrics.trees import Tree, odd


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
    """One /proc/PID/stat."""
    front = f"{pid} ({comm}) {state} 1 1 1 0 -1 4194304 900 0 0 0 {ticks} 0 7 7 20 0 {threads} 0 {start} 33000000 {rss}"
    return front + " 18446744073709551615" + " 0" * 27 + "\n"


def put(tree: Tree, pid: int, **changes: object) -> None:
    """Write one process."""
    tree.put(f"proc/{pid}/stat", stat(pid, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "comm", ["cat", "a b", ") R 1 (x", "tmux: server", "((sd-pam))", "line\nbreak", "", ")", "("]
)
def test_a_name_may_be_anything(comm: str) -> None:
    """It ends at the last parenthesis of the whole content: the fields after it never shift."""
    fields = parse(stat(4300, comm=comm, state="D", ticks=12, threads=3, start=99, rss=7).encode())
    assert fields == (comm.encode(), "D", 12, 3, 99, 7)


def test_a_name_that_is_no_utf8() -> None:
    """Bytes stay bytes."""
    assert parse(stat(1, comm="X").encode().replace(b"X", b"\xff\xfe"))[0] == b"\xff\xfe"


def test_utime_and_stime_are_added_and_children_left_out() -> None:
    """Fields 14 and 15; 16 and 17 are those of waited-for children."""
    assert parse(b"1 (x) S 1 1 1 0 -1 0 0 0 0 0 30 12 1000 2000 20 0 1 0 5 0 0 0")[2] == 42


def test_resident_pages_below_zero_are_none() -> None:
    """The kernel sums them over cpus without a lock."""
    assert parse(stat(1, rss=-3).encode())[5] == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"1 cat S 1", b"1 (cat", b"1 (cat) S 1 2 3", b"1 )cat( S", stat(1, ticks=-5).encode()],
)
def test_what_makes_no_sense(content: bytes) -> None:
    """No name, too few fields, or no counts."""
    with pytest.raises(ParseError):
        parse(content)


@given(odd(stat(4300, comm=") R 1 (x").encode()))
def test_any_bytes(content: bytes) -> None:
    """Any bytes give counts or the one parse error."""
    try:
        fields = parse(content)
    except ParseError:
        return
    assert min(fields[2:]) >= 0


@pytest.fixture
def table(tree: Tree) -> ProcessTable:
    """The table of a tree."""
    return ProcessTable(tree.proc)


def test_only_numbers_are_processes(tree: Tree, table: ProcessTable) -> None:
    """Everything else in /proc is something else."""
    put(tree, 7)
    tree.put("proc/12a/stat", stat(12))
    tree.put("proc/stat", "cpu0 1 1 1 1")
    assert list(table.read(math.inf)) == [7]
    assert table.listed == 1
    table.close()


def test_what_was_used_since(tree: Tree, table: ProcessTable) -> None:
    """Unknown at first sight, then the rise; nothing when it slept; a fall of the same process is 0."""
    used: list[int | None] = []
    for ticks in (100, 130, 130, 120, 125):
        put(tree, 7, ticks=ticks)
        used.append(table.read(0.0 if used else math.inf)[7].used)
    table.close()
    assert used == [None, 30, 0, 0, 5]


def test_a_pid_that_is_used_again(tree: Tree, table: ProcessTable) -> None:
    """Another starttime is another process: all it used is new if it began after the reading before, else unknown."""
    put(tree, 7, ticks=5000, start=50)
    table.read(math.inf)
    put(tree, 7, ticks=3, start=1000)
    assert table.read(999.0)[7].used == 3
    put(tree, 7, ticks=9, start=1010)
    assert table.read(2000.0)[7].used is None
    table.close()


def test_a_descriptor_of_a_dead_process(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives ESRCH for ever, even when the pid lives again: then the path is opened anew."""
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


def test_a_process_that_vanishes_is_no_error(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone between listing and reading (ENOENT, ESRCH, an empty read): skipped."""
    put(tree, 7)
    tree.put("proc/8/stat", "")
    os.mkdir(os.path.join(tree.proc, "9"))
    assert list(table.read(math.inf)) == [7]
    assert (table.listed, table.hidden) == (3, 0)
    table.close()


def test_a_process_that_ended_gives_its_descriptor_back(tree: Tree, table: ProcessTable) -> None:
    """Nothing is kept of whom is not listed any more."""
    put(tree, 7)
    put(tree, 8)
    gone = table.read(math.inf)[8].fd
    os.unlink(f"{tree.proc}/8/stat")
    os.rmdir(f"{tree.proc}/8")
    assert list(table.read(0.0)) == [7]
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(gone)
    table.close()


def test_descriptors_have_a_budget(tree: Tree, table: ProcessTable) -> None:
    """Beyond it a file is opened, read and closed: all processes are there all the same."""
    table._most_kept = 3
    for pid in range(1, 11):
        put(tree, pid, ticks=pid)
    for _ in range(2):
        rows = table.read(math.inf)
        assert len(rows) == 10
        assert sum(row.fd >= 0 for row in rows.values()) == 3
    table.close()


def test_those_of_others_may_be_hidden(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """hidepid=1 lists them and refuses to read them: they are counted as hidden."""
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


def test_closing_forgets_everybody(tree: Tree, table: ProcessTable) -> None:
    """Who asks again later gets a first sight."""
    put(tree, 7, ticks=5)
    table.read(math.inf)
    table.close()
    put(tree, 7, ticks=500)
    assert table.read(math.inf)[7].used is None
    table.close()
