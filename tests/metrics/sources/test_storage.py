"""Health of arrays, pools and btrfs devices."""

from __future__ import annotations

import os

import pytest
from hypothesis import given

from telemetry_stream.metrics.source import SEARCH_SECONDS
from telemetry_stream.metrics.sources import storage
from telemetry_stream.metrics.sources.storage import (
    READ_SECONDS,
    BtrfsDevice,
    Pool,
    StorageHealth,
    StorageSource,
)
from tests.metrics.sources.test_raid import put_array
from tests.metrics.trees import Tree, odd

UUID = "0f1e2d3c-1111-2222-3333-444455556666"
ERRORS = "write_errs 1\nread_errs 2\nflush_errs 0\ncorruption_errs 4\ngeneration_errs 5\n"


def put_btrfs(tree: Tree, number: int, *, errors: str = ERRORS, missing: str = "0") -> None:
    """Make a device of a btrfs filesystem."""
    tree.put(f"sys/fs/btrfs/{UUID}/label", "data\n")
    tree.put(f"sys/fs/btrfs/{UUID}/devinfo/{number}/missing", f"{missing}\n")
    if errors:
        tree.put(f"sys/fs/btrfs/{UUID}/devinfo/{number}/error_stats", errors)
    tree.put("sys/fs/btrfs/features/raid56", "1\n")


def put_pool(tree: Tree, name: str, state: str) -> None:
    """Make a pool. Its datasets have files beside ``state``; the directory of a module has none."""
    tree.put(f"proc/spl/kstat/zfs/{name}/state", f"{state}\n")
    tree.put("proc/spl/kstat/zfs/arcstats", "1\n")


def collected(tree: Tree) -> StorageHealth:
    """Return the section of a first tick."""
    section = StorageSource(tree.files).collect(tree.tick())
    assert section is not None
    return section


@pytest.mark.parametrize("state", ["ONLINE", "DEGRADED", "FAULTED", "SUSPENDED", "UNAVAIL"])
def test_a_pool_has_the_state_of_the_kernel(tree: Tree, state: str) -> None:
    """Only ONLINE is healthy."""
    put_pool(tree, "tank", state)
    assert collected(tree).pools == (Pool("tank", state, state == "ONLINE"),)


def test_a_pool_without_a_state_is_unknown(tree: Tree) -> None:
    """An empty file is not "not online"."""
    put_pool(tree, "tank", "")
    assert collected(tree).pools == (Pool("tank", None, None),)


def test_btrfs_counts_errors_per_device(tree: Tree) -> None:
    """Before Linux 5.14 there are no counts."""
    put_btrfs(tree, 1)
    put_btrfs(tree, 2, errors="", missing="1")
    assert collected(tree).btrfs == (
        BtrfsDevice(UUID, "1", "data", False, 1, 2, 0, 4, 5),
        BtrfsDevice(UUID, "2", "data", True, None, None, None, None, None),
    )


def test_a_wrong_count_loses_only_itself() -> None:
    """It is not a count, or not there."""
    parsed = storage.parse_error_stats(b"write_errs -1\nread_errs 7\nflush_errs\n")
    assert parsed == {"write_errs": None, "read_errs": 7}


@given(odd(ERRORS.encode()))
def test_any_error_stats_are_parsed(content: bytes) -> None:
    """To counts, or None."""
    for count in storage.parse_error_stats(content).values():
        assert count is None or count >= 0


def test_a_host_without_any_has_no_section_and_is_searched_every_30_s(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ticks between make no system call."""
    source = StorageSource(tree.files)
    assert source.collect(tree.tick()) is None
    put_pool(tree, "tank", "ONLINE")
    with monkeypatch.context() as patched:
        for name in ("listdir", "stat", "open", "scandir"):
            patched.setattr(os, name, lambda *_, **__: pytest.fail("a system call"))
        assert source.collect(tree.tick(SEARCH_SECONDS - 1)) is None
    found = source.collect(tree.tick(1.0))
    assert found is not None
    assert found.pools == (Pool("tank", "ONLINE", True),)


def test_it_is_read_every_5_s(tree: Tree) -> None:
    """Between, the section is the same."""
    put_pool(tree, "tank", "ONLINE")
    source = StorageSource(tree.files)
    first = source.collect(tree.tick())
    put_pool(tree, "tank", "DEGRADED")
    assert source.collect(tree.tick(READ_SECONDS - 1)) is first
    second = source.collect(tree.tick(1.0))
    assert second is not None
    assert second.pools == (Pool("tank", "DEGRADED", False),)


def test_what_is_gone_is_left_out(tree: Tree) -> None:
    """An array that was stopped and a pool that was exported, until nothing is left."""
    put_array(tree, "md0", {}, level="raid1")
    put_pool(tree, "tank", "ONLINE")
    source = StorageSource(tree.files)
    first = source.collect(tree.tick())
    assert first is not None
    assert [array.name for array in first.arrays] == ["md0"]
    tree.remove("sys/block/md0/md/level")
    tree.remove("sys/block/md0/md")
    second = source.collect(tree.tick(READ_SECONDS))
    assert second is not None
    assert (second.arrays, len(second.pools)) == ((), 1)
    tree.remove("proc/spl/kstat/zfs/tank/state")
    assert source.collect(tree.tick(READ_SECONDS)) is None


def test_a_name_that_is_not_utf_8_is_shown(tree: Tree) -> None:
    """The sample must be encoded as UTF-8."""
    put_pool(tree, os.fsdecode(b"t\xff"), "ONLINE")
    assert collected(tree).pools[0].name == "t\ufffd"
