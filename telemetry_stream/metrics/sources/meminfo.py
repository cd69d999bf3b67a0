"""The file /proc/meminfo (Documentation/filesystems/proc.rst, "meminfo"), which several sections need.

The kernel writes kB and means 1024 bytes; all values here are bytes.

A part that exceeds the whole is unknown. LXC and others subtract the use of a container from its limit, and print what
is below 0 as 2^64 - n. What is computed from an unknown number is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import counters
from ..files import ParseError, parser
from ..units import KIB

KEYS = (
    b"MemTotal",
    b"MemFree",
    b"MemAvailable",
    b"Buffers",
    b"Cached",
    b"SReclaimable",
    b"Shmem",
    b"Dirty",
    b"Writeback",
    b"Active(file)",
    b"Inactive(file)",
    b"SwapTotal",
    b"SwapFree",
)
_NEEDLES = tuple((key.decode(), b"\n" + key + b":", len(key) + 2) for key in KEYS)
# Bytes, by the kernel's name. None: the line does not have a count that fits into the machine.
Meminfo = Mapping[str, int | None]
MOST_KIB = counters.MOST_MEMORY_BYTES // KIB
WHOLES = frozenset({"MemTotal", "MemAvailable", "SwapTotal", "SwapFree"})


@parser
def parse_meminfo(content: bytes) -> Meminfo:
    """Return the keys of /proc/meminfo that we use, in bytes. Raises ParseError if none is known.

    Thirteen searches cost a third of splitting all fifty lines.
    """
    content = b"\n" + content + b"\n"
    values: dict[str, int | None] = {}
    total = MOST_KIB
    for key, needle, length in _NEEDLES:
        start = content.find(needle)
        if start < 0:
            continue
        word = content[start + length : content.find(b"\n", start + 1)].removesuffix(b" kB")
        word = word.strip()
        count = int(word) if word.isdigit() and len(word) <= counters.MOST_DIGITS else -1
        if key == "MemTotal":
            total = count if 0 < count <= MOST_KIB else MOST_KIB
        values[key] = count * KIB if 0 <= count <= (MOST_KIB if key in WHOLES else total) else None
    if not any(values.values()):
        raise ParseError("no count of memory")
    values["MemTotal"] = values.get("MemTotal") or None
    return values


def difference(total: int | None, part: int | None) -> int | None:
    """Return total - part, or None if one is unknown or the part exceeds the total."""
    return None if total is None or part is None or part > total else total - part
