"""All fields of /proc/meminfo (Documentation/filesystems/proc.rst, "meminfo"). The kernel's kB are 1024 bytes.

Active(anon):     120 kB        node_memory_Active_anon_bytes 122880
HugePages_Free:     4           node_memory_HugePages_Free 4
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...metrics.counters import NEGATIVE_FROM
from ...metrics.units import KIB
from ..exposition import Fields
from .host import Host

LINE = re.compile(r"^(\w+)(?:\((\w+)\))?:\s+(\d{1,20})( kB)?\s*$", re.MULTILINE | re.ASCII)


def collect(host: Host) -> Iterator[Fields]:
    """Yield the fields. Raises OSError."""
    rows = []
    for name, part, digits, unit in LINE.findall(host.proc("meminfo").decode("ascii", "replace")):
        count = int(digits)
        if count < NEGATIVE_FROM:
            field = f"{name}_{part}" if part else name
            rows.append((f"{field}_bytes", count * KIB) if unit else (field, count))
    yield Fields("node_memory_", "gauge", "Memory information field", rows)
