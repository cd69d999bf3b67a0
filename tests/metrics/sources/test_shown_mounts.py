"""Which mounts are shown."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from telemetry_stream.metrics.sources.mounts import Mount, Tree, parse
from telemetry_stream.metrics.sources.shown_mounts import choose


def mount(mountpoint: str, fstype: str, number: str = "8:1") -> Mount:
    """Return one mount."""
    return Mount(number, mountpoint, "/dev/x", fstype, False, "rw")


def chosen(mounts: Iterable[Mount]) -> list[Mount]:
    """Return those that are shown."""
    return choose(Tree(mounts))


@pytest.mark.parametrize(
    "fstype",
    [
        "proc",
        "sysfs",
        "cgroup2",
        "cgroup",
        "tmpfs",
        "overlay",
        "squashfs",
        "autofs",
        "nsfs",
        "fuse.lxcfs",
        "fuse.portal",
        "fuse.sshfs",
        "nfs",
        "nfs4",
        "cifs",
        "9p",
        "ceph",
    ],
)
def test_types_without_files_and_on_networks_are_hidden(fstype: str) -> None:
    """By their type alone, without a call."""
    assert chosen([mount("/x", fstype)]) == []
    assert chosen([mount("/", fstype)]) == [mount("/", fstype)]  # always shown


@pytest.mark.parametrize("fstype", ["ext4", "zfs", "fuseblk", "bcachefs"])
def test_types_of_local_disks_are_shown(fstype: str) -> None:
    """Also one that is not known, and the FUSE of a disk (ntfs-3g)."""
    assert chosen([mount("/x", fstype)]) == [mount("/x", fstype)]


def test_a_filesystem_is_shown_once() -> None:
    """Bind mounts and subvolumes repeat it. The shortest mountpoint is its name."""
    mounts = [
        mount("/var/lib/data", "btrfs"),
        mount("/home", "btrfs"),
        mount("/etc/hosts", "btrfs"),
        mount("/boot", "ext4", "8:2"),
    ]
    assert [row.mountpoint for row in chosen(mounts)] == ["/boot", "/home"]


def test_only_the_last_mount_on_a_mountpoint_is_shown() -> None:
    """The ones below it cannot be reached."""
    under, over = mount("/data", "ext4", "8:1"), mount("/data", "xfs", "8:2")
    assert chosen([under, over]) == [over]
    assert chosen([under, mount("/data", "tmpfs", "0:9")]) == []


# filter_mount_list() in coreutils/src/df.c.
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # A bind mount of a part does not stand for the whole, whichever comes first.
        (["30 27 8:2 / /mnt/overlay", "31 27 8:2 /etc/hosts /etc/hosts"], "/mnt/overlay"),
        (["31 27 8:2 /etc/hosts /etc/hosts", "30 27 8:2 / /mnt/overlay"], "/mnt/overlay"),
        # Containers have only parts: the nearest to the root that is not a part of the other one.
        (
            ["30 27 8:2 /c/1/hostname /etc/hostname", "31 27 8:2 /c/1/hosts /etc/hosts"],
            "/etc/hosts",
        ),
        # openSUSE: /home is a subvolume nearer to the top than the root, which is shown all the same.
        (["30 27 8:2 /@/.snapshots/1/snapshot /", "31 30 8:2 /@/home /home"], "/"),
        (["31 30 8:2 /@/home /home", "30 27 8:2 /@/.snapshots/1/snapshot /"], "/"),
        (["30 27 8:2 / /data", "31 27 8:2 / /d"], "/d"),
    ],
)
def test_the_mountpoint_is_the_one_that_df_shows(lines: list[str], expected: str) -> None:
    """One row for a filesystem that is mounted several times."""
    content = "\n".join(f"{line} rw - btrfs /dev/sdb1 rw" for line in lines).encode()
    assert [mount.mountpoint for mount in chosen(parse(content))] == [expected]
