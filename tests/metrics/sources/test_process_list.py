"""Pages of all processes: order, filter, bounds, and a table that changes while a page is made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry_stream.metrics.source import Options
from telemetry_stream.metrics.sources import process_list, process_record
from telemetry_stream.metrics.sources.process_details import IO_TURNS, TURN_SECONDS
from telemetry_stream.metrics.sources.process_list import (
    IDLE_SECONDS,
    SORTS,
    PageQuery,
    ProcessList,
    ProcessPage,
)
from telemetry_stream.metrics.units import CLK_TCK
from tests.metrics.sources.test_process_table import put
from tests.metrics.trees import Tree


class Host:
    """A collector of processes on a tree, and the list that it fills."""

    def __init__(self, tree: Tree, process_arguments: str = "none") -> None:
        self.tree = tree
        options = Options(process_rows=1, process_arguments=process_arguments, timeout_seconds=10.0)
        self.collector = tree.collector(options=options)
        found = self.collector.all_processes
        assert found is not None
        self.list: ProcessList = found

    def tick(self, seconds: float = 1.0) -> None:
        """Take a sample with processes."""
        self.tree.advance(seconds)
        self.collector.collect(["processes"])

    def page(self, *words: str, **query: object) -> ProcessPage:
        """Return a page."""
        page = self.list.maybe_page(PageQuery(words=words, **query))  # type: ignore[arg-type]
        assert page is not None
        return page

    def pids(self, *words: str, **query: object) -> list[int]:
        """Return the pids of a page."""
        return [row.pid for row in self.page(*words, **query).processes]


@pytest.fixture
def host(tree: Tree) -> Iterator[Host]:
    """Four processes: in 1 s, process 2 used half a core, process 3 a tenth, and process 4 waits for a disk."""
    tree.put("proc/stat", "cpu0 1 1 1 1\n")
    put(tree, 1, comm="init", rss=5)
    put(tree, 2, comm="Busy", state="R", rss=4, threads=3)
    put(tree, 3, comm="cat", rss=3, threads=2)
    put(tree, 4, comm="disk", state="D", rss=9)
    made = Host(tree, process_arguments="full")
    made.tick()
    put(tree, 2, comm="Busy", state="R", ticks=CLK_TCK // 2, rss=4, threads=3)
    put(tree, 3, comm="cat", ticks=CLK_TCK // 10, rss=3, threads=2)
    made.tick()
    yield made
    made.collector.close()


@pytest.mark.parametrize(
    ("sort", "pids"),
    [
        ("cpu_percent", [2, 3, 1, 4]),
        ("memory_rss_bytes", [4, 1, 2, 3]),
        ("threads", [2, 3, 1, 4]),
        ("state", [4, 2, 3, 1]),
        ("pid", [1, 2, 3, 4]),
        ("name", [2, 3, 4, 1]),
        ("command", [2, 3, 4, 1]),
        ("user", [2, 3, 1, 4]),
    ],
)
def test_every_order_and_its_reverse(host: Host, sort: str, pids: list[int]) -> None:
    """As the page sorts. All processes belong to one user, so that CPU decides."""
    assert host.pids(sort=sort) == pids
    assert host.pids(sort=sort, is_reversed=True) == pids[::-1]


def test_the_order_by_command_is_that_of_the_command_lines(host: Host) -> None:
    """Without the directory of the program, as the dashboard shows them. Without a command line, the name counts."""
    host.tree.put("proc/3/cmdline", "/usr/bin/zsh\0-l\0")
    host.tree.put("proc/4/cmdline", "/opt/Apache/httpd\0-k\0")
    assert host.pids(sort="command") == [2, 4, 1, 3]
    page = host.page(sort="command", is_reversed=True, limit=1)
    assert [(row.pid, row.command) for row in page.processes] == [(3, "/usr/bin/zsh -l")]


def test_each_order_is_tested() -> None:
    """The test above has all of them."""
    marks = test_every_order_and_its_reverse.pytestmark  # type: ignore[attr-defined]
    assert [sort for sort, _ in marks[0].args[1]] == list(SORTS)


def test_pages_meet_without_a_gap(host: Host) -> None:
    """A page beyond the end is empty. The counts are those of the whole list."""
    assert host.pids(limit=3, sort="pid") == [1, 2, 3]
    page = host.page(limit=3, offset=3, sort="pid")
    assert [row.pid for row in page.processes] == [4]
    assert (page.total, page.matching, page.offset, page.unread) == (4, 4, 3, 0)
    assert host.pids(offset=99) == []


def test_a_row_is_that_of_the_section(host: Host) -> None:
    """With its CPU, which has one core here."""
    row = host.page(limit=1).processes[0]
    assert (row.name, row.state, row.cpu_percent, row.threads) == ("Busy", "R", 50.0, 3)


def test_a_filter_finds_words_in_every_text_of_a_process(host: Host) -> None:
    """Pid, name, user, command line and unit. Each word must be in one of them; case has no effect."""
    host.tree.put("proc/3/cmdline", "cat\0/srv/Report.txt\0")
    host.tree.put("proc/4/cgroup", "0::/system.slice/backup.service\n")
    user = host.page(sort="pid").processes[0].user
    assert user is not None
    assert host.pids("busy") == [2]
    assert host.pids("report.txt", "cat") == [3]
    assert host.pids("backup.service") == [4]
    assert host.pids(user.lower(), sort="pid") == [1, 2, 3, 4]
    assert host.pids("busy", "cat") == []
    page = host.page("report.txt")
    assert (page.total, page.matching) == (4, 1)
    assert page.processes[0].command == "cat /srv/Report.txt"


def test_without_arguments_a_filter_finds_no_command_line(tree: Tree) -> None:
    """Whose setting is the default."""
    put(tree, 3, comm="cat")
    tree.put("proc/3/cmdline", "cat\0secret\0")
    host = Host(tree)
    host.tick()
    page = host.page("secret")
    assert (page.matching, page.unread) == (0, 0)
    assert host.page("cat").processes[0].command is None


def test_io_of_the_rows_of_a_page_is_known_from_the_second_request_on(host: Host) -> None:
    """A rate needs two readings."""
    host.tree.put("proc/2/io", "read_bytes: 0\nwrite_bytes: 0\n")
    assert host.page(limit=1).processes[0].read_bytes_per_second is None
    host.tree.put("proc/2/io", "read_bytes: 1000\nwrite_bytes: 500\n")
    put(host.tree, 2, comm="Busy", state="R", ticks=CLK_TCK, rss=4, threads=3)
    host.tick(TURN_SECONDS)
    row = host.page(limit=1).processes[0]
    assert (row.read_bytes_per_second, row.write_bytes_per_second) == (500.0, 250.0)


def test_there_is_no_page_before_a_reading_and_after_the_section_ended(tree: Tree) -> None:
    """The caller waits for a sample."""
    put(tree, 1)
    host = Host(tree)
    assert host.list.maybe_page(PageQuery()) is None
    host.tick()
    assert host.pids() == [1]
    host.collector.collect()
    assert host.list.maybe_page(PageQuery()) is None


@pytest.mark.parametrize("words", [(), ("cat",)])
def test_a_page_of_a_table_that_changed_meanwhile_is_discarded(
    host: Host, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Its rows could be of two readings."""
    real = process_record.process

    def tick_meanwhile(*arguments: object) -> object:
        host.tick()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(process_list, "process", tick_meanwhile)
    assert host.list.maybe_page(PageQuery(limit=1, words=words)) is None
    monkeypatch.undo()
    assert host.list.maybe_page(PageQuery(limit=1, words=words)) is not None


def test_details_of_all_processes_are_forgotten_after_the_last_request(host: Host) -> None:
    """They may be megabytes. While requests come, they are kept."""
    host.page("cat")
    host.tick(IDLE_SECONDS / 2)
    assert len(host.list._details._details) == 4
    host.tick(IDLE_SECONDS)
    assert host.list._details._details == {}
    assert host.pids("cat") == [3]


def test_viewers_of_different_pages_keep_their_details(host: Host) -> None:
    """One filters, two others see one row each: nothing is read again, and each has its rates of I/O."""
    queries = ({"sort": "pid"}, {"sort": "pid", "is_reversed": True})
    rows = []
    for bytes_read in (0, 1000):
        host.tick(IO_TURNS * TURN_SECONDS)
        for pid in (1, 4):
            host.tree.put(f"proc/{pid}/io", f"read_bytes: {bytes_read}\nwrite_bytes: 0\n")
        assert host.page("cat").unread == 0
        rows = [host.page(limit=1, **query).processes[0] for query in queries]
    rate = round(1000 / (IO_TURNS * TURN_SECONDS), 3)
    assert [(row.pid, row.read_bytes_per_second) for row in rows] == [(1, rate), (4, rate)]
    labels = [detail.labels_due for detail in host.list._details._details.values()]
    host.page("cat")
    assert [detail.labels_due for detail in host.list._details._details.values()] == labels


def test_details_that_no_request_needs_are_forgotten(host: Host) -> None:
    """After a while, though other requests come; those of a process whose pid another one has, at once."""
    host.page("cat")
    host.page(limit=1, sort="pid")
    assert len(host.list._details._details) == 4
    put(host.tree, 4, comm="other", start=99)
    host.tick(IDLE_SECONDS / 2)
    host.page(limit=1, sort="pid")
    assert [pid for pid, _ in host.list._details._details] == [3, 2, 1]
    host.tick(IDLE_SECONDS)
    host.page(limit=1, sort="pid")
    assert [pid for pid, _ in host.list._details._details] == [1]
