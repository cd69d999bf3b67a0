"""The figures of this program."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import Files, ParseError
from telemetry_stream.metrics.setup import SelfStats
from telemetry_stream.metrics.source import Clock, Now
from telemetry_stream.metrics.sources import own
from telemetry_stream.metrics.sources.own import Own, SelfSource
from telemetry_stream.metrics.units import PAGE_BYTES
from tests.metrics.trees import Tree, odd

STAT = b"4300 (a b) (c)) S 1 1 1 0 -1 4194304 900 0 0 0 12 7 0 0 20 0 6 0 8812 33000000 1234 18446744073709551615 1 1\n"


def test_every_figure(tree: Tree) -> None:
    """Threads and memory of the kernel, CPU of the process clock (0.03 s in 2 s), the others of functions."""
    tree.put("proc/self/stat", STAT)
    used = iter([1.0, 1.03])
    stats = SelfStats(
        viewers=lambda: 3,
        frames_sent=lambda: 100,
        frames_dropped=lambda: 2,
        frames_refused=lambda: 1,
        is_batched=lambda: True,
        tick_lateness_seconds=lambda: 0.00012345,
        ticks_missed=lambda: 4,
        cpu_seconds=lambda: next(used),
    )
    source = SelfSource(tree.files, stats)
    first = source.collect(tree.tick())
    assert first == Own(None, 1234 * PAGE_BYTES, 6, 3, 100, 2, 1, True, 0.000123, 4)
    assert source.collect(tree.tick(2.0)).cpu_percent == 1.5


def test_a_figure_without_a_function_is_null(tree: Tree) -> None:
    """A collector without a program around it has no viewers."""
    tree.put("proc/self/stat", STAT)
    record = SelfSource(tree.files, SelfStats()).collect(tree.tick())
    assert (
        record.viewers,
        record.frames_sent,
        record.tick_lateness_seconds,
        record.ticks_missed,
    ) == (None,) * 4


def test_the_running_process_has_threads_and_memory() -> None:
    """Under /proc/self."""
    files = Files("/proc", "/sys", Clock())
    record = SelfSource(files, SelfStats()).collect(Now(1, 0.0, 0.0, time.time()))
    files.close()
    assert record.threads is not None
    assert record.threads >= 1
    assert record.memory_rss_bytes is not None
    assert record.memory_rss_bytes > 1 << 20


@pytest.mark.parametrize("content", [b"", b"1 (x", b"1 (x) S 1 2"])
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """Too few fields."""
    with pytest.raises(ParseError):
        own.parse(content)


@given(odd(STAT))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """Counts are not negative."""
    try:
        threads, rss = own.parse(content)
    except ParseError:
        return
    assert threads is None or threads >= 0
    assert rss is None or rss >= 0
