"""How full filesystems are, and what a dead one costs."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics import blocking, files
from telemetry_stream.metrics.sample import LongList
from telemetry_stream.metrics.source import Stale
from telemetry_stream.metrics.sources import filesystem
from telemetry_stream.metrics.sources.filesystem import Filesystem, FilesystemsSource
from tests.conftest import eventually
from tests.metrics.trees import Tree, assert_sane

ROOT = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
DATA = "28 27 8:1 / /data ro - xfs /dev/sda1 ro\n"


@dataclass
class Sizes:
    """A result of statvfs."""

    f_frsize: int = 4096
    f_blocks: int = 1000
    f_bfree: int = 400
    f_bavail: int = 350
    f_files: int = 200
    f_ffree: int = 50


class Statvfs:
    """It hangs for the dead mounts until ``gate`` is set."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.dead: set[str] = set()
        self.gate = threading.Event()
        self.sizes = Sizes()

    def __call__(self, path: str) -> Sizes:
        self.called.append(path)
        if path in self.dead:
            self.gate.wait(30)
        return self.sizes


class Host:
    """A source on a tree that waits for its calls."""

    def __init__(self, tree: Tree, *, timeout_seconds: float = 10.0) -> None:
        self.tree = tree
        self.statvfs = Statvfs()
        self.source = FilesystemsSource(
            tree.files, statvfs=self.statvfs, timeout_seconds=timeout_seconds
        )
        self.prefix = f"{tree.proc}/1/root"

    def rows(self, *, seconds: float = 1.0) -> tuple[Filesystem, ...]:
        """Return the rows of the next tick, none of which is stale."""
        section = self.source.collect(self.tree.tick(seconds))
        assert isinstance(section, tuple)
        return section


@pytest.fixture
def host(tree: Tree) -> Iterator[Host]:
    """A host whose calls all return after the test."""
    made = Host(tree)
    yield made
    made.statvfs.gate.set()
    made.source.close()


def test_used_percent_is_that_of_df(tree: Tree, host: Host) -> None:
    """600 of 1000 blocks of 4 KiB are used and 350 are available: 600/950, not 60 %. 150 of 200 inodes are used."""
    tree.put("proc/self/mountinfo", ROOT)
    assert host.rows() == (
        Filesystem(
            "/",
            "/dev/vda",
            "ext4",
            4096000,
            2457600,
            1433600,
            63.158,
            75.0,
            False,
            False,
            0.0,
            inodes=200,
            inodes_free=50,
        ),
    )
    assert host.statvfs.called == [f"{host.prefix}/"]


def test_inodes_are_unknown_without_a_table(tree: Tree, host: Host) -> None:
    """btrfs and vfat have none: null, not 0."""
    host.statvfs.sizes = Sizes(f_files=0, f_ffree=0)
    tree.put("proc/self/mountinfo", ROOT)
    assert host.rows()[0].inodes_used_percent is None


def test_statvfs_is_called_every_15_seconds(tree: Tree, host: Host) -> None:
    """In between, the values stay and their age grows."""
    tree.put("proc/self/mountinfo", ROOT)
    host.rows()
    assert [host.rows()[0].age_seconds for _ in range(14)][-1] == 14.0
    assert len(host.statvfs.called) == 1
    assert host.rows()[0].age_seconds == 0.0
    assert len(host.statvfs.called) == 2


def test_after_a_failed_read_of_mountinfo_the_next_tick_reads_again(tree: Tree, host: Host) -> None:
    """The old mounts are not shown for another half a minute."""
    tree.put("proc/self/mountinfo", ROOT)
    host.rows()
    tree.advance(filesystem.REFRESH_SECONDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MAX_FILE_BYTES", 1)  # instead of 64 MiB
        tree.put("proc/self/mountinfo", ROOT + DATA + "-\n" * files.RECORD_BUFFER_BYTES)
        for _ in range(2):
            with pytest.raises(files.ParseError, match="does not end"):
                host.rows()
    assert len(host.rows()) == 2


def test_mounts_that_were_added_or_removed_are_noticed(tree: Tree, host: Host) -> None:
    """In a tree of ordinary files within half a minute. The kernel reports them at once through poll()."""
    tree.put("proc/self/mountinfo", ROOT)
    host.rows()
    tree.put("proc/self/mountinfo", ROOT + DATA)
    rows = host.rows(seconds=30.0)
    assert [(row.mountpoint, row.read_only, row.size_bytes) for row in rows] == [
        ("/", False, 4096000),
        ("/data", True, 4096000),
    ]
    tree.put("proc/self/mountinfo", ROOT)
    assert len(host.rows(seconds=30.0)) == 1


def test_a_dead_mount_keeps_its_last_values_and_is_stale(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not called again. The other mounts are called as before."""
    # The dead call counts as hung at once, instead of after two seconds of the system's clock.
    monkeypatch.setattr(blocking, "HUNG_SECONDS", 0.0)
    host = Host(tree, timeout_seconds=0.0)

    def is_current(*numbers: int) -> bool:
        section = host.source.collect(tree.tick(0.0))
        rows: Any = section.section if isinstance(section, Stale) else section
        return all(rows[number].age_seconds == 0.0 for number in numbers)

    tree.put("proc/self/mountinfo", ROOT + DATA)
    assert eventually(lambda: is_current(0, 1))
    host.statvfs.dead.add(f"{host.prefix}/data")
    first = host.source.collect(tree.tick(15.0))
    assert isinstance(first, tuple)  # it may still answer in time
    assert eventually(lambda: is_current(0))
    second = host.source.collect(tree.tick(3.0))
    assert isinstance(second, Stale)
    assert isinstance(second.section, tuple)
    root, data = second.section
    assert (root.stale, root.age_seconds, root.used_percent) == (False, 3.0, 63.158)
    assert (data.stale, data.age_seconds, data.used_percent) == (True, 18.0, 63.158)
    assert second.age_seconds == 18.0
    for _ in range(5):
        host.source.collect(tree.tick(15.0))
        assert eventually(lambda: is_current(0))
    assert host.statvfs.called.count(f"{host.prefix}/") == 7
    assert host.statvfs.called.count(f"{host.prefix}/data") == 2
    host.statvfs.gate.set()
    host.source.close()


def test_a_mount_that_never_answered(tree: Tree) -> None:
    """Its sizes are null. The tick does not wait."""
    host = Host(tree, timeout_seconds=0.0)
    host.statvfs.dead.add(f"{host.prefix}/")
    tree.put("proc/self/mountinfo", ROOT)
    assert host.rows() == (
        Filesystem("/", "/dev/vda", "ext4", None, None, None, None, None, False, False, None),
    )
    section = host.source.collect(tree.tick(3.0))
    assert isinstance(section, Stale)
    assert section.age_seconds is None
    host.statvfs.gate.set()
    host.source.close()


def test_an_error_of_statvfs_gives_a_row_without_sizes(tree: Tree) -> None:
    """EACCES is a result, so the row is not stale."""
    # The tree has no 1/root.
    source = FilesystemsSource(tree.files, timeout_seconds=10.0)
    tree.put("proc/self/mountinfo", ROOT)
    rows = source.collect(tree.tick())
    source.close()
    assert isinstance(rows, tuple)
    assert (rows[0].size_bytes, rows[0].stale, rows[0].age_seconds) == (None, False, 0.0)


def test_the_mounts_of_another_host_are_those_of_its_process_1(tree: Tree) -> None:
    """``self`` in its /proc is this program."""
    tree.put("proc/1/mountinfo", DATA)
    tree.put("proc/self/mountinfo", ROOT)
    tree.files = type(tree.files)(tree.proc, tree.sys, tree.clock)
    host = Host(tree)
    assert [row.mountpoint for row in host.rows()] == ["/data"]
    host.source.close()


def test_a_name_that_is_not_utf_8(tree: Tree, host: Host) -> None:
    """statvfs gets the original bytes, and the wire a readable name."""
    tree.put(
        "proc/self/mountinfo",
        b"28 27 8:1 / /d\xff - rw - xfs /dev/sda1 rw\n".replace(b" - rw", b" rw"),
    )
    assert host.rows()[0].mountpoint == "/d\N{REPLACEMENT CHARACTER}"
    assert os.fsencode(host.statvfs.called[0]) == os.fsencode(host.prefix) + b"/d\xff"


COUNT = st.integers(-5, (1 << 64) - 1)


# struct statfs has u64; statvfs(3) returns a negative number as unsigned. Documentation/filesystems/autofs.rst.
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (Sizes(4096, 100, 50, 40, 10, 5), (409600, 204800, 163840, 55.556, 50.0, 10, 5)),
        # composefs and FUSE: no limit of inodes.
        (
            Sizes(4096, 100, 50, 40, (1 << 64) - 1, (1 << 64) - 125127),
            (409600, 204800, 163840, 55.556, None, None, None),
        ),
        # More is used than root lets users have (UFS): available is negative.
        (Sizes(4096, 100, 2, (1 << 64) - 3, 10, 5), (409600, 401408, None, None, 50.0, 10, 5)),
        # More is free than there is: not 0 bytes used.
        (Sizes(4096, 100, 101, 40, 10, 11), (409600, None, 163840, None, None, 10, None)),
        # A remote filesystem without a size.
        (Sizes(4096, (1 << 64) - 1, 50, 40, 0, 0), (None, None, 163840, None, None, None, None)),
        (Sizes(1 << 20, 1 << 50, 50, 40, 0, 0), (None, None, 40 << 20, None, None, None, None)),
        (Sizes(0, 100, 50, 40, 0, 0), (None, None, None, None, None, None, None)),
    ],
)
def test_sizes_that_cannot_be_are_unknown(sizes: Sizes, expected: tuple[float | None, ...]) -> None:
    """And never 0, which would be measured."""
    assert filesystem.sizes_of(sizes) == expected


def test_a_mount_on_demand_can_expire(tree: Tree, host: Host) -> None:
    """autofs.rst: a call restarts the timeout. Direct: the same mountpoint; indirect: a directory of the automount."""
    tree.put(
        "proc/self/mountinfo",
        ROOT
        + "50 27 0:50 / /mnt/usb rw - autofs systemd-1 rw,fd=5,timeout=600,direct\n"
        + "51 50 8:65 / /mnt/usb rw - ext4 /dev/sde1 rw\n"
        + "52 27 0:51 / /misc rw - autofs /etc/auto.misc rw,fd=6,timeout=60,indirect\n"
        + "53 52 8:81 / /misc/cd rw - ext4 /dev/sdf1 rw\n"
        + "54 27 0:52 / /mnt/kept rw - autofs systemd-1 rw,fd=7,timeout=0,direct\n"
        + "55 54 8:97 / /mnt/kept rw - ext4 /dev/sdg1 rw\n",
    )
    for _ in range(60):
        host.rows(seconds=15.0)
    called = Counter(path.removeprefix(host.prefix) for path in host.statvfs.called)
    assert called == {"/": 60, "/mnt/kept": 60, "/misc/cd": 3, "/mnt/usb": 1}


def test_another_filesystem_at_the_same_mountpoint_is_called_at_once(
    tree: Tree, host: Host
) -> None:
    """It does not get the sizes of the one before."""
    tree.put("proc/self/mountinfo", ROOT)
    host.rows()
    tree.put("proc/self/mountinfo", ROOT.replace("/dev/vda", "/dev/vdb"))
    host.rows(seconds=30.0)
    assert len(host.statvfs.called) == 2


def in_messages(section: tuple[Filesystem, ...]) -> list[str]:
    """Return the mountpoints of a section of which messages have only some rows."""
    assert isinstance(section, LongList)
    return [row.mountpoint for row in section.shown]


def test_messages_have_the_root_and_the_fullest_of_many_filesystems(
    tree: Tree, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By space or by inodes, those that can be written to first. They are in the order of their mountpoints. All have
    a row for alerts.
    """
    monkeypatch.setattr(filesystem, "MAX_ROWS", 4)  # instead of 64
    sizes = {
        "/": Sizes(),
        "/a": Sizes(f_bavail=300),
        "/full": Sizes(f_bavail=1),
        "/inodes": Sizes(f_ffree=1),
        "/read-only": Sizes(f_bavail=0),
        "/z": Sizes(f_bavail=100),
    }
    host.source._statvfs = lambda path: sizes[path.removeprefix(host.prefix)]
    tree.put("proc/self/mountinfo", mounted(*sizes))
    section = host.rows()
    assert in_messages(section) == ["/", "/full", "/inodes", "/z"]
    assert [row.mountpoint for row in section] == list(sizes)
    sizes["/a"] = Sizes(f_bavail=2)
    assert in_messages(host.rows(seconds=15.0)) == ["/", "/a", "/full", "/inodes"]


def mounted(*mountpoints: str) -> str:
    """Return the lines of mountinfo."""
    return "".join(
        f"{number} 1 8:{number} / {path} rw - ext4 /dev/{number} {'ro' if path == '/read-only' else 'rw'}\n"
        for number, path in enumerate(mountpoints, 20)
    )


def test_the_filesystems_of_a_full_pool_keep_their_places_in_messages(
    tree: Tree, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are equally full, but for what is written now. One that is fuller by 10 % replaces another, and stays."""
    monkeypatch.setattr(filesystem, "MAX_ROWS", 3)  # instead of 64
    names = [f"/pool/{number}" for number in range(6)]
    available = dict.fromkeys(names, 100)
    host.source._statvfs = lambda path: Sizes(f_bavail=available[path.removeprefix(host.prefix)])
    tree.put("proc/self/mountinfo", mounted(*names))
    for tick in range(60):
        available[names[tick % 6]] = 90 + tick % 7
        assert in_messages(host.rows(seconds=15.0)) == names[:3]
    for left in (30, 100, 95):
        available[names[5]] = left
        assert in_messages(host.rows(seconds=15.0)) == [*names[:2], names[5]]
    without_second = mounted(*names).splitlines(keepends=True)
    del without_second[1]
    tree.put("proc/self/mountinfo", "".join(without_second))
    assert in_messages(host.rows(seconds=30.0)) == [names[0], names[2], names[5]]


def test_messages_have_a_dead_mount_among_many_filesystems(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it has no sizes."""
    monkeypatch.setattr(filesystem, "MAX_ROWS", 2)  # instead of 64
    host = Host(tree, timeout_seconds=0.0)
    host.statvfs.dead.add(f"{host.prefix}/z")
    tree.put(
        "proc/self/mountinfo",
        ROOT + DATA + "29 27 8:2 / /z rw - ext4 /dev/sdb rw\n",
    )
    host.source.collect(tree.tick())
    assert eventually(lambda: len(host.statvfs.called) == 3)
    section = host.source.collect(tree.tick(3.0))
    assert isinstance(section, Stale)
    rows: Any = section.section
    assert in_messages(rows) == ["/", "/z"]
    host.statvfs.gate.set()
    host.source.close()


@given(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
def test_any_sizes_are_sane(
    frsize: int, blocks: int, free: int, available: int, files: int, ffree: int
) -> None:
    """A filesystem may report more free blocks than it has. Nothing is negative or above 100."""
    sizes = Sizes(frsize, blocks, free, available, files, ffree)
    found = filesystem.sizes_of(sizes)
    names = ("size_bytes", "used", "free", "used_percent", "x_percent", "inodes", "inodes_free")
    assert_sane(dict(zip(names, found, strict=True)))
