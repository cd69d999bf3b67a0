"""The section processes, with expected values computed by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry_stream.metrics.sources import mounts, process
from telemetry_stream.metrics.sources.process import (
    Processes,
    ProcessesSource,
    ProcessStates,
    choose,
    is_partial,
)
from telemetry_stream.metrics.sources.process_record import Process
from telemetry_stream.metrics.sources.process_table import Row
from telemetry_stream.metrics.units import CLK_TCK, PAGE_BYTES
from tests.metrics.sources.test_process_table import put
from tests.metrics.trees import Tree


@pytest.fixture
def host(tree: Tree) -> Tree:
    """A host of two cores and 1000 pages, booted at 1_763_999_000."""
    tree.put("proc/stat", "cpu0 1 1 1 1\ncpu1 1 1 1 1\nbtime 1763999000\n")
    tree.put("proc/meminfo", f"MemTotal: {1000 * PAGE_BYTES // 1024} kB\n")
    return tree


@pytest.fixture
def source(host: Tree) -> Iterator[ProcessesSource]:
    """A source that shows all processes."""
    made = ProcessesSource(host.files, timeout_seconds=10.0)
    yield made
    made.close()


def collect(host: Tree, source: ProcessesSource, seconds: float = 1.0) -> Processes:
    """Return the section of the next tick."""
    section = source.collect(host.tick(seconds))
    assert section is not None
    return section


def test_every_field_of_a_process(host: Tree, source: ProcessesSource) -> None:
    """Three CPU seconds in two seconds are 150 % of a core and 75 % of the host. 250 of 1000 pages are 25 %."""
    put(host, 7, comm="tmux: server", state="R", ticks=100, threads=9, start=2 * CLK_TCK, rss=250)
    first = collect(host, source)
    put(
        host,
        7,
        comm="tmux: server",
        state="R",
        ticks=100 + 3 * CLK_TCK,
        threads=9,
        start=2 * CLK_TCK,
        rss=250,
    )
    second = collect(host, source, 2.0)
    (row,) = second.top
    assert row == Process(
        pid=7,
        name="tmux: server",
        user=row.user,
        state="R",
        cpu_percent=150.0,
        cpu_percent_of_host=75.0,
        memory_rss_bytes=250 * PAGE_BYTES,
        memory_percent=25.0,
        threads=9,
        started_at=1763999002.0,
    )
    assert row.user is not None
    assert (first.top[0].cpu_percent, first.top[0].cpu_percent_of_host) == (None, None)
    assert (second.total, second.visibility) == (1, "full")


def test_the_user_of_a_process_that_has_run_is_read_again(
    host: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the process itself changes it, so one that has not run has the same."""
    owners = {f"{host.proc}/7": 1000}
    monkeypatch.setattr(process, "maybe_owner", owners.get)
    host.put("proc/self/schedstat", "1 1 1\n")
    host.put("proc/7/schedstat", "900 20 3\n")
    put(host, 7)
    source = ProcessesSource(host.files, timeout_seconds=10.0)
    for _ in range(4):
        collect(host, source)
    owners[f"{host.proc}/7"] = 1001
    assert collect(host, source).top[0].user == "1000"
    host.put("proc/7/schedstat", "950 20 4\n")
    assert collect(host, source).top[0].user == "1001"
    source.close()


def test_processes_are_counted_by_state(host: Tree, source: ProcessesSource) -> None:
    """T and t are both stopped. Unknown states are other."""
    for pid, state in enumerate("RRSDTtZIXP", 1):
        put(host, pid, state=state)
    assert collect(host, source).by_state == ProcessStates(
        running=2, sleeping=1, disk_sleep=1, stopped=2, zombie=1, idle=1, other=2
    )


def test_all_cpu_time_of_a_new_process_counts(host: Tree, source: ProcessesSource) -> None:
    """Half a second of CPU in one second is 50 %. The tree booted 1001 s ago."""
    put(host, 7)
    collect(host, source)
    put(host, 8, ticks=CLK_TCK // 2, start=int(1001.5 * CLK_TCK))
    put(host, 9, ticks=CLK_TCK // 2, start=500)
    rows = {row.pid: row.cpu_percent for row in collect(host, source).top}
    assert rows == {7: 0.0, 8: 50.0, 9: None}


def test_cpu_divides_by_the_time_without_suspend(host: Tree, source: ProcessesSource) -> None:
    """A process uses no CPU during a suspend, so the monotonic time counts."""
    put(host, 7)
    collect(host, source)
    put(host, 7, ticks=CLK_TCK)
    section = source.collect(host.tick(1.0, slept=60.0))
    assert section is not None
    assert section.top[0].cpu_percent == 100.0


def row_of(used: int | None, rss: int) -> Row:
    """Return one row of a table."""
    row = Row()
    row.used, row.rss = used, rss
    return row


def test_top_are_the_busiest_and_the_largest() -> None:
    """Two by CPU, then two by memory, each once. A process without CPU time is not busy. None shows all."""
    table = {
        1: row_of(0, 900),
        2: row_of(5, 1),
        3: row_of(50, 2),
        4: row_of(7, 800),
        5: row_of(None, 3),
    }
    assert choose(table, 2) == [3, 4, 1]
    assert choose(table, None) == [3, 4, 2, 1, 5]


def test_without_meminfo_and_stat_relative_figures_are_null(tree: Tree) -> None:
    """The others stay."""
    source = ProcessesSource(tree.files)
    put(tree, 7, rss=5)
    row = collect(tree, source).top[0]
    source.close()
    assert (row.memory_percent, row.cpu_percent_of_host, row.started_at) == (None, None, None)
    assert row.memory_rss_bytes == 5 * PAGE_BYTES


def test_a_host_without_processes_has_no_section(tree: Tree) -> None:
    """/proc is empty."""
    source = ProcessesSource(tree.files)
    assert source.collect(tree.tick()) is None
    source.close()


PROC = "22 27 0:21 / /proc rw - proc proc rw{}\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "full"),
        (",hidepid=2", "partial"),
        (",hidepid=invisible,gid=5", "partial"),
        (",hidepid=1", "partial"),
        (",hidepid=ptraceable", "partial"),
        (",hidepid=off", "full"),
        (",subset=pid", "partial"),
    ],
)
def test_a_proc_that_hides_processes_is_partial(
    host: Tree, source: ProcessesSource, options: str, expected: str
) -> None:
    """By its mount options."""
    host.put("proc/self/mountinfo", PROC.format(options))
    put(host, 7)
    assert collect(host, source).visibility == expected


def test_hidepid_does_not_apply_to_root() -> None:
    """subset=pid hides files from every user."""
    table = mounts.parse(PROC.format(",hidepid=2").encode())
    assert not is_partial(table, privileged=True)
    assert is_partial(mounts.parse(PROC.format(",subset=pid").encode()), privileged=True)
    assert not is_partial((), privileged=False)
