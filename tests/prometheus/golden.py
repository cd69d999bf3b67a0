"""The Prometheus page of a captured host, with what depends on this machine left out."""

from __future__ import annotations

import re
from pathlib import Path

from telemetry_stream.metrics.source import Clock
from telemetry_stream.prometheus.exposition import PLAIN, render
from telemetry_stream.prometheus.kernel.host import Host
from telemetry_stream.prometheus.sample import families
from telemetry_stream.prometheus.scrape import KernelScrape
from tests.metrics.replay import HOSTS, replay

NAME = "server"
GOLDEN_PAGE = HOSTS / NAME / "metrics.txt"
# The clock of this machine, and durations.
LIVE = re.compile(r"(# \w+ )?(node_time_|node_timex_|telemetry_stream_scrape_area_duration)")


def golden_page(workspace: Path) -> str:
    """Return the page at t1."""
    sample = replay(NAME, workspace)[1]
    tree = workspace / NAME
    host = Host(str(tree / "proc"), str(tree / "sys"), Clock(realtime=lambda: sample.time_unix))
    kernel = KernelScrape(host)
    found = [*kernel.families(sample.sections, kernel.read_slow()), *families(sample)]
    kernel.close()
    lines = render(found, PLAIN).decode().splitlines(keepends=True)
    text = "".join(line for line in lines if not LIVE.match(line))
    return re.sub(r'machine="\w+"', 'machine=""', text).replace(str(tree), "")
