"""Which filesystems are shown, how full they are, and what a dead one costs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics import blocking, files
from telemetry_stream.metrics.source import Stale
from telemetry_stream.metrics.sources import filesystem
from telemetry_stream.metrics.sources.filesystem import Filesystem, FilesystemsSource, choose
from telemetry_stream.metrics.sources.mounts import Mount, parse
from tests.conftest import eventually
from tests.metrics.trees import Tree, assert_sane

ROOT = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
DATA = "28 27 8:1 / /data ro - xfs /dev/sda1 ro\n"


@dataclass
class Answer:
    """What statvfs would say."""

    f_frsize: int = 4096
    f_blocks: int = 1000
    f_bfree: int = 400
    f_bavail: int = 350
    f_files: int = 200
    f_ffree: int = 50


class Statvfs:
    """Answers for every path, but blocks on the dead ones until let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.dead: set[str] = set()
        self.gate = threading.Event()
        self.answer = Answer()

    def __call__(self, path: str) -> Answer:
        self.asked.append(path)
        if path in self.dead:
            self.gate.wait(30)
        return self.answer


class Host:
    """A source on a tree, whose calls are waited for."""

    def __init__(self, tree: Tree, *, timeout_seconds: float = 10.0) -> None:
        self.tree = tree
        self.statvfs = Statvfs()
        self.source = FilesystemsSource(
            tree.files, statvfs=self.statvfs, timeout_seconds=timeout_seconds
        )
        self.prefix = f"{tree.proc}/1/root"

    def rows(self, *, seconds: float = 1.0) -> tuple[Filesystem, ...]:
        """The rows of the next tick, none of which is stale."""
        section = self.source.collect(self.tree.tick(seconds))
        assert isinstance(section, tuple)
        return section


@pytest.fixture
def host(tree: Tree) -> Iterator[Host]:
    """A host whose workers are let go afterwards."""
    made = Host(tree)
    yield made
    made.statvfs.gate.set()
    made.source.close()


def test_a_row(tree: Tree, host: Host) -> None:
    """600 of 1000 blocks of 4 KiB are used, 350 may be: 600/950 as df says, not 60 %; 150 of 200 inodes."""
    tree.put("proc/self/mountinfo", ROOT)
    assert host.rows() == (
        Filesystem(
            "/", "/dev/vda", "ext4", 4096000, 2457600, 1433600, 63.158, 75.0, False, False, 0.0
        ),
    )
    assert host.statvfs.asked == [f"{host.prefix}/"]


def test_no_table_of_inodes(tree: Tree, host: Host) -> None:
    """btrfs and vfat have none: unknown, not 0."""
    host.statvfs.answer = Answer(f_files=0, f_ffree=0)
    tree.put("proc/self/mountinfo", ROOT)
    assert host.rows()[0].inodes_used_percent is None


def mount(mountpoint: str, fstype: str, number: str = "8:1") -> Mount:
    """One mount."""
    return Mount(number, mountpoint, "/dev/x", fstype, False, "rw")


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
def test_types_that_are_not_asked(fstype: str) -> None:
    """No files of their own, or a network behind them: never a call, by their type alone."""
    assert choose([mount("/x", fstype)]) == []
    assert choose([mount("/", fstype)]) == [mount("/", fstype)]  # the root is always shown
    assert choose([mount("/x", fstype)], also={fstype}) == [mount("/x", fstype)]


def test_a_filesystem_is_shown_once() -> None:
    """Bind mounts and subvolumes repeat it: the shortest mountpoint is its name."""
    mounts = [
        mount("/var/lib/data", "btrfs"),
        mount("/home", "btrfs"),
        mount("/etc/hosts", "btrfs"),
        mount("/boot", "ext4", "8:2"),
    ]
    assert [row.mountpoint for row in choose(mounts)] == ["/boot", "/home"]


def test_the_last_mount_on_a_mountpoint_wins() -> None:
    """What is mounted over cannot be reached."""
    under, over = mount("/data", "ext4", "8:1"), mount("/data", "xfs", "8:2")
    assert choose([under, over]) == [over]
    assert choose([under, mount("/data", "tmpfs", "0:9")]) == []


def test_mounts_are_asked_every_quarter_minute(tree: Tree, host: Host) -> None:
    """Between the calls the values stand, and their age says since when."""
    tree.put("proc/self/mountinfo", ROOT)
    host.rows()
    assert [host.rows()[0].age_seconds for _ in range(14)][-1] == 14.0
    assert len(host.statvfs.asked) == 1
    assert host.rows()[0].age_seconds == 0.0
    assert len(host.statvfs.asked) == 2


def test_mounts_that_cannot_be_read_are_not_unchanged(tree: Tree, host: Host) -> None:
    """After a failure each tick looks again, instead of showing the old ones for half a minute."""
    tree.put("proc/self/mountinfo", ROOT)
    host.rows()
    tree.advance(filesystem.LOOK_SECONDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "LARGEST_FILE_BYTES", 1)
        tree.put("proc/self/mountinfo", ROOT + DATA + "-\n" * files.RECORD_BUFFER_BYTES)
        for _ in range(2):
            with pytest.raises(files.ParseError, match="does not end"):
                host.rows()
    assert len(host.rows()) == 2


def test_new_and_gone_mounts_are_seen(tree: Tree, host: Host) -> None:
    """In a tree of files within half a minute; the kernel tells at once, by poll()."""
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


def test_a_dead_mount_costs_its_own_row(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last values stay, stale, with their age; it is asked no second time; the others are asked as ever."""
    monkeypatch.setattr(
        blocking, "HUNG_SECONDS", 0.0
    )  # real ones, until another worker asks the others
    host = Host(tree, timeout_seconds=0.0)

    def is_answered(*numbers: int) -> bool:
        section = host.source.collect(tree.tick(0.0))
        rows: Any = section.section if isinstance(section, Stale) else section
        return all(rows[number].age_seconds == 0.0 for number in numbers)

    tree.put("proc/self/mountinfo", ROOT + DATA)
    assert eventually(lambda: is_answered(0, 1))
    host.statvfs.dead.add(f"{host.prefix}/data")
    first = host.source.collect(tree.tick(15.0))
    assert isinstance(first, tuple)  # not yet: it may still answer
    assert eventually(lambda: is_answered(0))
    second = host.source.collect(tree.tick(3.0))
    assert isinstance(second, Stale)
    assert isinstance(second.section, tuple)
    root, data = second.section
    assert (root.stale, root.age_seconds, root.used_percent) == (False, 3.0, 63.158)
    assert (data.stale, data.age_seconds, data.used_percent) == (True, 18.0, 63.158)
    assert second.age_seconds == 18.0
    for _ in range(5):
        host.source.collect(tree.tick(15.0))
        assert eventually(lambda: is_answered(0))
    assert host.statvfs.asked.count(f"{host.prefix}/") == 7
    assert host.statvfs.asked.count(f"{host.prefix}/data") == 2
    host.statvfs.gate.set()
    host.source.close()


def test_a_mount_that_never_answered(tree: Tree) -> None:
    """What it is is known, how full it is is not; and the tick went on."""
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


def test_a_mount_that_refuses(tree: Tree) -> None:
    """EACCES is an answer: a row without sizes, which is not stale."""
    source = FilesystemsSource(tree.files, timeout_seconds=10.0)  # the tree has no 1/root
    tree.put("proc/self/mountinfo", ROOT)
    rows = source.collect(tree.tick())
    source.close()
    assert isinstance(rows, tuple)
    assert (rows[0].size_bytes, rows[0].stale, rows[0].age_seconds) == (None, False, 0.0)


def test_the_host_of_process_1_is_shown(tree: Tree) -> None:
    """Given another host's /proc, its first process has its mounts; ``self`` would be ours."""
    tree.put("proc/1/mountinfo", DATA)
    tree.put("proc/self/mountinfo", ROOT)
    tree.files = type(tree.files)(tree.proc, tree.sys, tree.clock)
    host = Host(tree)
    assert [row.mountpoint for row in host.rows()] == ["/data"]
    host.source.close()


def test_a_name_that_is_no_utf8(tree: Tree, host: Host) -> None:
    """The call gets the bytes as they are, the wire a readable name."""
    tree.put(
        "proc/self/mountinfo",
        b"28 27 8:1 / /d\xff - rw - xfs /dev/sda1 rw\n".replace(b" - rw", b" rw"),
    )
    assert host.rows()[0].mountpoint == "/d\N{REPLACEMENT CHARACTER}"
    assert os.fsencode(host.statvfs.asked[0]) == os.fsencode(host.prefix) + b"/d\xff"


COUNT = st.integers(0, 1 << 62)


@given(COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
def test_any_answer_is_sane(
    frsize: int, blocks: int, free: int, available: int, files: int, ffree: int
) -> None:
    """Whatever a filesystem claims (more free than there is): nothing negative, nothing above 100."""
    answer = Answer(frsize, blocks, free, available, files, ffree)
    (root,) = parse(ROOT.encode())
    assert_sane(filesystem.filesystem(root, answer, stale=False, age_seconds=1.0))
