"""All fields of /proc/net/netstat, snmp and snmp6 (Documentation/networking/snmp_counter.rst).

    TcpExt: SyncookiesSent SyncookiesRecv         Ip6InReceives      12
    TcpExt: 3 4

node_exporter serves only some of them by default (--collector.netstat.fields).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from ..exposition import Fields
from .host import Host

LINE = re.compile(r"^(\w+):((?: -?\w+)+) *$", re.MULTILINE | re.ASCII)
NUMBERS = re.compile(r"(?: -?\d+)+", re.ASCII)
# The protocol ends in 6.
LINE_OF_SNMP6 = re.compile(r"^([A-Za-z]+6)(\w+)\s+(\d{1,20})\s*$", re.MULTILINE | re.ASCII)


def collect(host: Host) -> Iterator[Fields]:
    """Yield the fields. A file that is missing loses only its own fields. Raises OSError if all are missing."""
    contents = {}
    for name in ("netstat", "snmp", "snmp6"):
        try:
            contents[name] = host.net(name).decode("ascii", "replace")
        except OSError:
            if name == "snmp6" and not contents:
                raise
    rows = [
        *pairs(contents.get("netstat", "")),
        *pairs(contents.get("snmp", "")),
        *(
            (f"{protocol}_{name}", int(digits))
            for protocol, name, digits in LINE_OF_SNMP6.findall(contents.get("snmp6", ""))
        ),
    ]
    yield Fields("node_netstat_", "untyped", "Statistic", rows)


def pairs(content: str) -> Iterator[tuple[str, int]]:
    """Yield the fields of pairs of lines. A pair that does not match is skipped. Some values are negative."""
    lines = LINE.findall(content)
    for (protocol, names), (other, values) in zip(lines[::2], lines[1::2], strict=False):
        found, numbers = full_names(protocol, names), values.split()
        if protocol == other and len(found) == len(numbers):
            if NUMBERS.fullmatch(values):
                yield from zip(found, map(int, numbers), strict=True)
                continue
            for name, number in zip(found, numbers, strict=True):
                if number.lstrip("-").isdigit():
                    yield name, int(number)


# Two files of a kernel have ten lines of names, which are the same at each scrape.
@functools.lru_cache(maxsize=32)
def full_names(protocol: str, names: str) -> tuple[str, ...]:
    """Return the names of one line, each with its protocol."""
    return tuple([f"{protocol}_{name}" for name in names.split()])
