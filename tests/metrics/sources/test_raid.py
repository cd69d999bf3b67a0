"""Software RAID in sysfs, with expected values computed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from telemetry_stream.metrics.sources import raid
from telemetry_stream.metrics.sources.raid import Member, RaidArray, find_arrays, maybe_read_array
from tests.metrics.trees import Tree, assert_sane, odd


def put_array(tree: Tree, name: str, members: dict[str, tuple[str, str]], **attributes: str) -> str:
    """Make an array whose members have a state and a slot, and return its directory."""
    for attribute, content in attributes.items():
        tree.put(f"sys/block/{name}/md/{attribute}", f"{content}\n")
    for member, (state, slot) in members.items():
        tree.put(f"sys/block/{name}/md/dev-{member}/state", f"{state}\n")
        tree.put(f"sys/block/{name}/md/dev-{member}/slot", f"{slot}\n")
    return f"{tree.sys}/block/{name}"


REBUILDING = {
    "level": "raid5",
    "array_state": "active",
    "raid_disks": "3",
    "degraded": "1",
    "sync_action": "recover",
    "sync_completed": "25000 / 100000",
    "sync_speed": "500",
}


def test_an_array_that_is_being_rebuilt(tree: Tree) -> None:
    """25 % of the sectors are done. The other 75000 × 512 bytes need 75 s at 500 KiB/s."""
    members = {
        "sda1": ("in_sync", "0"),
        "sdb1": ("in_sync,write_mostly", "1"),
        "sdc1": ("spare", "2"),
        "sdd1": ("faulty", "none"),
        "sde1": ("spare", "none"),
    }
    directory = put_array(tree, "md0", members, **REBUILDING)
    assert maybe_read_array(directory) == RaidArray(
        name="md0",
        level="raid5",
        state="active",
        required=3,
        active=2,
        failed=1,
        spare=1,
        degraded=1,
        sync_action="recover",
        sync_percent=25.0,
        sync_bytes_per_second=512000.0,
        sync_left_seconds=75.0,
        members=(
            Member("sda1", "active"),
            Member("sdb1", "active"),
            Member("sdc1", "rebuilding"),
            Member("sdd1", "failed"),
            Member("sde1", "spare"),
        ),
    )


def test_levels_without_redundancy_have_no_degraded_and_no_sync(tree: Tree) -> None:
    """Their files do not exist. Null is not 0."""
    members = {"nvme0n1": ("in_sync", "0"), "nvme1n1": ("in_sync", "1")}
    directory = put_array(
        tree, "md_d1", members, level="raid0", array_state="clean", raid_disks="2"
    )
    array = maybe_read_array(directory)
    assert array is not None
    assert (array.required, array.active, array.degraded, array.sync_action) == (2, 2, None, None)
    assert (array.sync_percent, array.sync_bytes_per_second, array.sync_left_seconds) == (
        None,
        None,
        None,
    )


def test_an_idle_array_has_no_speed(tree: Tree) -> None:
    """The kernel keeps the speed of the last sync action."""
    attributes = {**REBUILDING, "sync_action": "idle", "degraded": "0"}
    array = maybe_read_array(put_array(tree, "md0", {}, **attributes))
    assert array is not None
    assert (array.sync_action, array.sync_percent, array.sync_bytes_per_second) == (
        "idle",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 / 5678", (0, 5678)),
        ("5678 / 5678", (5678, 5678)),
        ("none", (None, None)),
        ("delayed", (None, None)),
        ("6000 / 5678", (None, None)),
        ("0 / 0", (None, None)),
        ("-1 / 5", (None, None)),
        (None, (None, None)),
    ],
)
def test_progress(text: str | None, expected: tuple[int | None, int | None]) -> None:
    """A part is at most the whole."""
    assert raid.parse_completed(text) == expected


@pytest.mark.parametrize(
    ("state", "slot", "expected"),
    [
        ("in_sync", "0", "active"),
        ("in_sync,faulty", "0", "failed"),
        ("faulty,blocked", "none", "failed"),
        ("spare", "none", "spare"),
        ("spare,want_replacement", "1", "rebuilding"),
        ("journal,in_sync", "none", "journal"),
        ("", "none", "spare"),
        (None, None, None),
    ],
)
def test_the_state_of_a_member(state: str | None, slot: str | None, expected: str | None) -> None:
    """The kernel has flags; a person wants one word."""
    assert raid.member_state(state, slot) == expected


def test_counts_are_unknown_if_a_member_cannot_be_read(tree: Tree) -> None:
    """Two that can be read are not the number of active devices."""
    directory = put_array(tree, "md0", {"sda": ("in_sync", "0"), "sdb": ("in_sync", "1")})
    tree.put("sys/block/md0/md/dev-sdc/errors", "0\n")
    array = maybe_read_array(directory)
    assert array is not None
    assert (array.active, array.failed, array.spare) == (None, None, None)
    assert array.members[2] == Member("sdc", None)


def test_a_reshape_has_two_numbers_of_devices(tree: Tree) -> None:
    """The new one comes first."""
    array = maybe_read_array(put_array(tree, "md0", {}, **{**REBUILDING, "raid_disks": "4 (3)"}))
    assert array is not None
    assert array.required == 4


def test_arrays_are_found_by_their_directory(tree: Tree) -> None:
    """Other disks have none, and a partition of an array is no array. A slash in a name is an exclamation mark."""
    put_array(tree, "md127", {}, level="raid1")
    put_array(tree, "md!data", {}, level="raid1")
    tree.put("sys/block/sda/size", "1\n")
    tree.put("sys/block/md9/size", "1\n")
    arrays = [maybe_read_array(directory) for directory in find_arrays(tree.sys)]
    assert [array.name for array in arrays if array] == ["md/data", "md127"]
    assert maybe_read_array(f"{tree.sys}/block/gone") is None
    assert find_arrays(f"{tree.sys}/none") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd(b"25000 / 100000\n", b"none\n"), odd(b"500\n"), odd(b"4 (3)\n"), odd(b"in_sync\n"))
def test_any_content_gives_an_array(
    tmp_path: Path, completed: bytes, speed: bytes, disks: bytes, state: bytes
) -> None:
    """Without an exception, a negative number or one that JSON cannot represent."""
    md = tmp_path / "md0" / "md"
    (md / "dev-sda").mkdir(parents=True, exist_ok=True)
    for name, content in {
        "sync_action": b"check",
        "sync_completed": completed,
        "sync_speed": speed,
        "raid_disks": disks,
        "degraded": disks,
        "level": state,
        "dev-sda/state": state,
    }.items():
        (md / name).write_bytes(content)
    array = maybe_read_array(str(tmp_path / "md0"))
    assert array is not None
    assert_sane(array)
