"""Memory, with expected values computed by hand."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources import memory
from telemetry_stream.metrics.sources.meminfo import parse_meminfo
from telemetry_stream.metrics.sources.memory import Memory, MemorySource
from telemetry_stream.metrics.units import PAGE_BYTES
from tests.metrics.sources.test_meminfo import put
from tests.metrics.trees import Tree, odd, page_by_page


def test_every_field_of_memory(tree: Tree) -> None:
    """kB are 1024 bytes; used = 1000 - 600 = 400 of 1000; cached = 300 + 40 reclaimable."""
    put(tree)
    assert MemorySource(tree.files).collect(tree.tick()) == Memory(
        total_bytes=1000 * 1024,
        available_bytes=600 * 1024,
        used_bytes=400 * 1024,
        used_percent=40.0,
        free_bytes=200 * 1024,
        buffers_bytes=50 * 1024,
        cached_bytes=340 * 1024,
        shared_bytes=20 * 1024,
        dirty_bytes=3 * 1024,
        writeback_bytes=1024,
        available_estimated=False,
        zfs_arc_bytes=None,
    )


@pytest.mark.parametrize("available", [None, "0"])
def test_available_is_estimated_as_the_kernel_does(tree: Tree, available: str | None) -> None:
    """If it is missing, or 0 while memory is free.

    free 200 - low 16 + file 200 - min(100, 16) + slab 40 - min(20, 16) = 392 kB. The low watermarks are 1 and 3 pages
    of 4 KiB.
    """
    put(tree, MemAvailable=available)
    tree.put(
        "proc/zoneinfo",
        "Node 0, zone DMA\n  pages free 9\n        min      1\n        low      1\n"
        "Node 0, zone Normal\n        low      3\n        high     9\n",
    )
    record = MemorySource(tree.files).collect(tree.tick())
    assert record.available_estimated
    low = 4 * PAGE_BYTES // 1024
    expected = 392 if low == 16 else 200 - low + 200 - min(100, low) + 40 - min(20, low)
    assert record.available_bytes == expected * 1024
    assert record.used_bytes == (1000 - expected) * 1024


def test_the_estimate_without_watermarks(tree: Tree) -> None:
    """zoneinfo cannot be read, so low is 0: 200 + 200 + 40 kB are available."""
    put(tree, MemAvailable=None)
    record = MemorySource(tree.files).collect(tree.tick())
    assert record.available_bytes == 440 * 1024


def test_no_available_and_no_free_memory_is_not_estimated(tree: Tree) -> None:
    """MemAvailable 0 is true then: 100 % are used."""
    put(tree, MemAvailable="0", MemFree="0")
    record = MemorySource(tree.files).collect(tree.tick())
    assert (record.used_percent, record.available_estimated) == (100.0, False)


@pytest.mark.parametrize("lxcfs", [True, False])
def test_free_memory_counts_in_lxc_if_available_exceeds_the_total(tree: Tree, lxcfs: bool) -> None:
    """It is that of the host: used = 1000 - 200. On a host, no other number is the true one."""
    put(tree, MemAvailable="64000")
    if lxcfs:
        tree.put("proc/self/mountinfo", "9 1 0:9 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n")
    record = MemorySource(tree.files).collect(tree.tick())
    expected = (200 * 1024, 800 * 1024) if lxcfs else (None, None)
    assert (record.available_bytes, record.used_bytes) == expected


def test_fields_of_missing_lines_are_null(tree: Tree) -> None:
    """The other fields stay."""
    put(tree, Cached=None, Buffers=None, Dirty=None, Shmem=None)
    record = MemorySource(tree.files).collect(tree.tick())
    assert (record.cached_bytes, record.buffers_bytes, record.dirty_bytes, record.shared_bytes) == (
        None,
    ) * 4
    assert record.used_percent == 40.0


def test_the_zfs_cache_is_reported_and_never_subtracted(tree: Tree) -> None:
    """In LXC it is the host's, so memory must not depend on it."""
    put(tree)
    source = MemorySource(tree.files)
    without = source.collect(tree.tick())
    arcstats = "13 1 0x01\nname type data\nhits 4 7\nsize 4 987654321\nc 4 5\n"
    tree.put("proc/spl/kstat/zfs/arcstats", arcstats)
    assert source.collect(tree.tick(60.0)) == dataclasses.replace(without, zfs_arc_bytes=987654321)


def test_files_of_several_pages(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with many zones, and a newer ZFS with more counts: what is needed may be in the second page."""
    page_by_page(monkeypatch)
    put(tree, MemAvailable=None)
    tree.put("proc/zoneinfo", "Node 0, zone DMA\n" + "nr_other 1\n" * 500 + "        low      4\n")
    tree.put("proc/spl/kstat/zfs/arcstats", "other 4 1\n" * 500 + "size 4 987654321\n")
    record = MemorySource(tree.files).collect(tree.tick())
    assert record.available_bytes != 440 * 1024  # without a watermark
    assert record.zfs_arc_bytes == 987654321


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # fs/proc/meminfo.c prints unsigned long; lxcfs and LX zones print limit - use below 0.
        ({"MemFree": "18446744073709099244", "MemAvailable": None}, (None, None, None)),
        ({"MemFree": "18446744073709099244"}, (None, 500, 500)),
        ({"MemAvailable": "18446744073709099244", "MemFree": "900"}, (900, None, None)),
        # More than installed. free(1) of procps takes free instead of available then, which is another number.
        ({"MemAvailable": "1001", "MemFree": "300"}, (300, None, None)),
        ({"MemAvailable": "+500"}, (100, None, None)),
        ({"MemFree": "1001"}, (None, 500, 500)),
        ({"MemAvailable": "1001", "MemFree": "1001"}, (None, None, None)),
        ({"MemFree": "x"}, (None, 500, 500)),
    ],
)
def test_memory_that_cannot_be_is_unknown(
    lines: dict[str, str | None], expected: tuple[int | None, ...]
) -> None:
    """Free, available and used. Never 0 used, and never 16 EiB free."""
    whole = {"MemTotal": "1000", "MemAvailable": "500", "MemFree": "100", **lines}
    content = "".join(f"{key}: {value} kB\n" for key, value in whole.items() if value is not None)
    record = memory.record(parse_meminfo(content.encode()))
    kib = tuple(
        None if each is None else each // 1024
        for each in (record.free_bytes, record.available_bytes, record.used_bytes)
    )
    assert kib == expected


@given(odd(b"Node 0, zone DMA\n        low      1\n"), odd(b"name type data\nsize 4 987\n"))
def test_any_zoneinfo_and_arcstats_are_parsed(zoneinfo: bytes, arcstats: bytes) -> None:
    """A count, or None."""
    assert memory.parse_zoneinfo(zoneinfo) >= 0
    size = memory.parse_arcstats(arcstats)
    assert size is None or size >= 0
