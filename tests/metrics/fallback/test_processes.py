"""What psutil answers for processes."""

from __future__ import annotations

import os

from tests.metrics.psutils import pair, source
from tests.metrics.trees import Tree, assert_sane


def test_processes_by_psutil(tree: Tree) -> None:
    """The real psutil knows this very process, whose it is and what it uses."""
    of = source(tree, "processes")
    of._shown = None
    section = pair(tree, of, between=lambda: None)
    assert_sane(section)
    assert section.total >= 1
    mine = {row.pid: row for row in section.top}[os.getpid()]
    assert mine.memory_rss_bytes > 1 << 20
    assert mine.state == "R"
    assert mine.user is not None
    assert mine.cpu_percent is not None
    of.close()
