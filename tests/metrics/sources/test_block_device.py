"""One block device in sysfs. (Several disks over time: test_disk_identity.)"""

from __future__ import annotations

import os

import pytest

from telemetry_stream.metrics.attributes import Budget
from telemetry_stream.metrics.sources.block_device import BlockDevice, classify
from tests.metrics.sources.test_disk import make
from tests.metrics.trees import Tree


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sda", ("disk", True)),
        ("nvme0n1", ("disk", True)),
        ("mmcblk0", ("disk", True)),
        ("rambler", ("disk", True)),
        ("dm-0", ("dm", False)),
        ("md127", ("md", False)),
        ("md_d0", ("md", False)),
        ("drbd1", ("drbd", False)),
        ("zd16", ("zd", False)),
        ("loop7", (None, False)),
        ("ram0", (None, False)),
        ("zram0", (None, False)),
        ("sr0", (None, False)),
        ("fd0", (None, False)),
    ],
)
def test_kinds(tree: Tree, name: str, expected: tuple[str | None, bool]) -> None:
    """The totals count whole physical disks only. A digit at the end of a name has no meaning."""
    make(tree, name)
    assert classify(name, f"{tree.sys}/block/{name}") == expected


def test_what_is_no_whole_disk_is_not_shown_or_not_counted(tree: Tree) -> None:
    """A partition has no directory in sysfs, a path of a multipath head is hidden, and slaves are members."""
    make(tree, "nvme0c0n1", hidden=1)
    make(tree, "bcache0", slaves=("sdb",))
    directory = f"{tree.sys}/block"
    assert classify("sda1", f"{directory}/sda1") == (None, False)
    assert classify("nvme0c0n1", f"{directory}/nvme0c0n1") == (None, False)
    assert classify("bcache0", f"{directory}/bcache0") == ("disk", False)


def test_another_diskseq_is_another_device(tree: Tree) -> None:
    """The name and the number may be the same. Without diskseq (before Linux 5.15) it stays the same device."""
    make(tree, "sda", diskseq=9)
    make(tree, "sdb")
    budget = Budget(10)
    sda = BlockDevice(budget, "sda", f"{tree.sys}/block/sda")
    sdb = BlockDevice(budget, "sdb", f"{tree.sys}/block/sdb")
    assert sda.is_same()
    assert sdb.is_same()
    make(tree, "sda", diskseq=12)
    assert not sda.is_same()
    sda.close()
    sdb.close()


def test_a_closed_device_keeps_no_descriptor(tree: Tree) -> None:
    """A device that is not shown opens none."""
    make(tree, "sda", diskseq=9)
    make(tree, "loop0", diskseq=10)
    before = len(os.listdir("/proc/self/fd"))
    loop = BlockDevice(Budget(10), "loop0", f"{tree.sys}/block/loop0")
    assert len(os.listdir("/proc/self/fd")) == before
    device = BlockDevice(Budget(10), "sda", f"{tree.sys}/block/sda")
    assert len(os.listdir("/proc/self/fd")) == before + 1
    device.close()
    loop.close()
    assert len(os.listdir("/proc/self/fd")) == before
