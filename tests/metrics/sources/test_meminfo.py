"""/proc/meminfo: which numbers are counts, and that nothing computed from them is impossible."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources import memory
from telemetry_stream.metrics.sources.meminfo import parse_meminfo
from telemetry_stream.metrics.sources.swap import SwapRates
from tests.metrics.trees import Tree, assert_sane, odd

MEMINFO = b"""MemTotal:        1000 kB
MemFree:          200 kB
MemAvailable:     600 kB
Buffers:           50 kB
Cached:           300 kB
SwapCached:         7 kB
Active(file):     120 kB
Inactive(file):    80 kB
SwapTotal:        400 kB
SwapFree:         300 kB
Dirty:              3 kB
Writeback:          1 kB
Shmem:             20 kB
SReclaimable:      40 kB
HugePages_Total:       5
ShadowCallStack:10373888 kB
"""


def put(tree: Tree, **changes: str | None) -> None:
    """Write MEMINFO with some lines changed, or removed if None."""
    lines = []
    for line in MEMINFO.decode().splitlines():
        key = line.partition(":")[0]
        if key not in changes:
            lines.append(line)
        elif changes[key] is not None:
            lines.append(f"{key}: {changes[key]} kB")
    tree.put("proc/meminfo", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MemTotal: x kB\n",
        b"MemTotal: -5 kB\n",
        b"MemTotal: 0 kB\n",
        b"MemTotal:",
    ],
)
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """Nothing in it is a count."""
    with pytest.raises(ParseError):
        parse_meminfo(content)


@given(odd(MEMINFO))
def test_any_meminfo_is_parsed_or_a_parse_error(content: bytes) -> None:
    """No value is negative or impossible."""
    try:
        meminfo = parse_meminfo(content)
    except ParseError:
        return
    record = memory.record(meminfo)
    assert_sane(record)
    if record.used_bytes is not None:
        assert record.available_bytes is not None
        assert record.used_bytes + record.available_bytes == record.total_bytes
    assert_sane(SwapRates().record(meminfo, {}, 1.0))
