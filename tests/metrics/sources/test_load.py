"""Load averages and running tasks."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.load import Load, Loadavg, LoadSource, parse
from tests.metrics.trees import Tree, assert_sane, odd


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"0.20 0.18 0.12 1/80 11206\n", Loadavg(0.2, 0.18, 0.12, 1, 80)),
        (b"12.50 8.01 4.00 17/2043 99", Loadavg(12.5, 8.01, 4.0, 17, 2043)),
        (b"0.20 0.18 0.12", Loadavg(0.2, 0.18, 0.12)),
    ],
)
def test_averages_and_threads_are_parsed(content: bytes, expected: Loadavg) -> None:
    """The newest pid is ignored, and old kernels may have only the averages."""
    assert parse(content) == expected


@pytest.mark.parametrize("content", [b"", b"0.1 0.2", b"a b c", b"nan -1 inf 1/2"])
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """Too few words, or no average that a load can have."""
    with pytest.raises(ParseError):
        parse(content)


# kernel/sched/core.c: nr_running() is unsigned int, a sum over cores without a lock.
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"0.20 0.18 0.12 4294967295/80 9", Loadavg(0.2, 0.18, 0.12, None, 80)),
        (b"0.20 0.18 0.12 -1/80 9", Loadavg(0.2, 0.18, 0.12, None, 80)),
        (b"nan 0.18 0.12 1/80 9", Loadavg(None, 0.18, 0.12, 1, 80)),
        (b"0.20 36893488147419103.00 0.12 1/80 9", Loadavg(0.2, None, 0.12, 1, 80)),
        (b"0 0 0 12", Loadavg(0.0, 0.0, 0.0, 12, None)),
    ],
)
def test_a_number_that_a_load_cannot_have_loses_only_its_field(
    content: bytes, expected: Loadavg
) -> None:
    """The others are known."""
    assert parse(content) == expected


def test_the_load_is_divided_by_the_online_cores(tree: Tree) -> None:
    """Running threads come from both files. A load of 1.5 on two cores is 0.75 per core."""
    tree.put("proc/loadavg", "1.50 0.18 0.12 3/80 11206\n")
    tree.put("proc/stat", "cpu0 1 1 1 1\ncpu7 1 1 1 1\nprocs_running 2\nprocs_blocked 4\n")
    assert LoadSource(tree.files).collect(tree.tick()) == Load(1.5, 0.18, 0.12, 0.75, 3, 80, 2, 4)


@pytest.mark.parametrize("stat", [None, "nonsense"])
def test_without_proc_stat_its_fields_are_null(tree: Tree, stat: str | None) -> None:
    """The averages stay."""
    tree.put("proc/loadavg", "1.50 0.18 0.12 3/80 11206\n")
    if stat is not None:
        tree.put("proc/stat", stat)
    assert LoadSource(tree.files).collect(tree.tick()) == Load(
        1.5, 0.18, 0.12, None, 3, 80, None, None
    )


@pytest.mark.parametrize("loadavg", [None, "nonsense"])
def test_without_proc_loadavg_its_fields_are_null(tree: Tree, loadavg: str | None) -> None:
    """The counts of /proc/stat stay. Without them, the section fails."""
    if loadavg is not None:
        tree.put("proc/loadavg", loadavg)
    tree.put("proc/stat", "cpu0 1 1 1 1\nprocs_running 2\nprocs_blocked 4\n")
    source = LoadSource(tree.files)
    assert source.collect(tree.tick()) == Load(None, None, None, None, None, None, 2, 4)
    tree.put("proc/stat", "cpu0 1 1 1 1\n")
    with pytest.raises((OSError, ParseError)):
        source.collect(tree.tick())


@given(odd(b"0.20 0.18 0.12 1/80 11206\n"))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """No average is negative or impossible."""
    try:
        assert_sane(parse(content))
    except ParseError:
        pass
