"""All counters of /proc/net/dev (net/core/net-procfs.c), of all interfaces."""

from __future__ import annotations

from collections.abc import Iterator

from ...metrics.sources import netdev
from ..exposition import Column, Family, labels, table
from .host import Host

# In the order of the file.
RECEIVED = ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")
SENT = ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")
NAMES = (*(f"receive_{name}" for name in RECEIVED), *(f"transmit_{name}" for name in SENT))
COLUMNS = tuple(
    Column(f"node_network_{name}_total", "counter", f"Network device statistic {name}.")
    for name in NAMES
)


def collect(host: Host) -> Iterator[Family]:
    """Yield a family for each column. Raises OSError or ParseError."""
    rows = netdev.parse(host.net("dev"))
    yield from table(COLUMNS, [(labels({"device": name}), rows[name]) for name in rows])
