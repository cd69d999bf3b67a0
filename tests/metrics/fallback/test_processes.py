"""psutil's figures of processes."""

from __future__ import annotations

import os

import psutil

from telemetry_stream.metrics.fallback.processes import PsutilProcesses, PsutilTable
from telemetry_stream.metrics.files import Files
from tests.metrics.psutils import pair
from tests.metrics.trees import Tree, assert_sane


def test_processes_by_psutil(tree: Tree) -> None:
    """The real psutil finds this process, with its owner and its CPU time."""
    files = Files("/proc", "/sys", tree.clock)
    of = PsutilProcesses(psutil, files, rows=None, table=PsutilTable(psutil))
    section = pair(tree, of, between=lambda: None)
    assert_sane(section)
    assert section.total >= 1
    mine = {row.pid: row for row in section.top}[os.getpid()]
    assert mine.memory_rss_bytes > 1 << 20
    assert mine.state == "R"
    assert mine.user is not None
    assert mine.cpu_percent is not None
    of.close()
