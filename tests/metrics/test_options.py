"""Options of a collector reach the sources that they are for."""

from __future__ import annotations

from typing import Any

from telemetry_stream.metrics.setup import SelfStats
from telemetry_stream.metrics.source import Options
from tests.metrics.sources import test_filesystem, test_process_table
from tests.metrics.trees import Tree


def test_process_rows_limit_the_list(tree: Tree) -> None:
    """So many by CPU and as many by memory. None shows all."""
    for pid in range(1, 21):
        test_process_table.put(tree, pid, rss=pid)

    def shown(**options: Any) -> int:
        collector = tree.collector(options=Options(**options))
        processes: Any = collector.collect(["processes"]).sections["processes"]
        return len(processes.top)

    assert (shown(), shown(process_rows=3), shown(process_rows=None)) == (15, 3, 20)


def test_timeout_seconds_let_the_first_sample_wait(tree: Tree) -> None:
    """A program that takes a single sample gets the sizes of filesystems."""
    tree.put("proc/self/mountinfo", test_filesystem.ROOT)
    options = Options(statvfs=test_filesystem.Statvfs(), timeout_seconds=10.0)
    collector = tree.collector(options=options)
    rows: Any = collector.collect().sections["filesystems"]
    collector.close()
    assert rows[0].size_bytes == 4096000


def test_self_stats_are_figures_of_the_section_self(tree: Tree) -> None:
    """They are functions, called in each tick."""
    tree.put("proc/self/stat", "1 (x) S " + "1 " * 40)
    viewers = iter([3, 4])
    collector = tree.collector(self_stats=SelfStats(viewers=lambda: next(viewers)))
    own: Any = [collector.collect().sections["self"] for _ in range(2)]
    assert [record.viewers for record in own] == [3, 4]
