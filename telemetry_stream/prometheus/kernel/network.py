"""Neighbours, tracked connections, and packets of each core (collectors arp, conntrack and softnet)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..exposition import Column, Family, Kind, labels, single, table
from .host import Host, maybe_number

SOFTNET: tuple[tuple[int, str, Kind, str], ...] = (
    (0, "processed_total", "counter", "Number of processed packets"),
    (1, "dropped_total", "counter", "Number of dropped packets"),
    (2, "times_squeezed_total", "counter", "Number of times processing packets ran out of quota"),
    (
        8,
        "cpu_collision_total",
        "counter",
        "Number of collision occur while obtaining device lock while transmitting",
    ),
    (9, "received_rps_total", "counter", "Number of times cpu woken up received_rps"),
    (10, "flow_limit_count_total", "counter", "Number of times flow limit has been reached"),
    (11, "backlog_len", "gauge", "Softnet backlog status"),
)
SOFTNET_CPU = 12  # the number of the core, since Linux 5.10

CONNTRACK = {
    "found": "Number of searched entries which were successful.",
    "invalid": "Number of packets seen which can not be tracked.",
    "ignore": "Number of packets seen which are already connected to a conntrack entry.",
    "insert": "Number of entries inserted into the list.",
    "insert_failed": "Number of entries for which list insertion was attempted but failed.",
    "drop": "Number of packets dropped due to conntrack failure.",
    "early_drop": "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    "search_restart": "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
}


def collect_arp(host: Host) -> Iterator[Family]:
    """Yield the number of IPv4 neighbours of each interface, from /proc/net/arp. Raises OSError."""
    rows = [line.split() for line in host.net("arp").decode("utf-8", "replace").splitlines()[1:]]
    entries = Counter(words[-1] for words in rows if len(words) > 1)
    found = [(labels({"device": device}), count) for device, count in entries.items()]
    yield Family("node_arp_entries", "gauge", "ARP entries by device", found)


def collect_conntrack(host: Host) -> Iterator[Family]:
    """Yield the tracked connections. Raises FileNotFoundError if the kernel tracks none.

    /proc/net/stat/nf_conntrack has a line of hexadecimal numbers for each core, below their names.
    """
    for name, file, text in (
        (
            "entries",
            "nf_conntrack_count",
            "Number of currently allocated flow entries for connection tracking.",
        ),
        ("entries_limit", "nf_conntrack_max", "Maximum size of connection tracking table."),
    ):
        number = maybe_number(host.proc(f"sys/net/netfilter/{file}"))
        yield single(f"node_nf_conntrack_{name}", "gauge", text, number)
    lines = [line.split() for line in host.net("stat/nf_conntrack").splitlines()]
    for place, word in enumerate(lines[0] if lines else ()):
        name = word.decode("ascii", "replace")
        if name in CONNTRACK:
            counts = [
                maybe_number(words[place], 16) or 0 for words in lines[1:] if place < len(words)
            ]
            yield single(f"node_nf_conntrack_stat_{name}", "gauge", CONNTRACK[name], sum(counts))


def collect_softnet(host: Host) -> Iterator[Family]:
    """Yield the packets that each core has processed, from /proc/net/softnet_stat. Raises OSError.

    The numbers are hexadecimal. Old kernels have fewer columns.
    """
    rows = []
    for place, line in enumerate(host.net("softnet_stat").splitlines()):
        numbers = [maybe_number(word, 16) for word in line.split()]
        core = numbers[SOFTNET_CPU] if len(numbers) > SOFTNET_CPU else place
        found = [numbers[column] if column < len(numbers) else None for column, *_ in SOFTNET]
        rows.append((labels({"cpu": str(core)}), found))
    columns = [Column(f"node_softnet_{name}", kind, text) for _, name, kind, text in SOFTNET]
    yield from table(columns, rows)
