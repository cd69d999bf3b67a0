"""Filesystems: mountinfo has the mounts, statvfs(3) their sizes.

statvfs of a dead NFS, CIFS or FUSE mount blocks in the kernel, without a timeout and without a way to kill it. So it
runs on workers (blocking.py), with one call per mount: a mount that does not answer within 2 s keeps its last values,
is marked stale, and is not called again until the first call returns. Filesystems without files of their own and those
on a network are hidden by their type, before any call. used_percent is that of df: space that is reserved for root is
not part of the whole.
"""

from __future__ import annotations

import math
import os
import select
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Protocol

from .. import rates
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files, KeptFile
from ..section import Field, Section
from ..setup import Setup
from ..source import Clock, Now, Source, Stale, Statvfs
from . import mounts
from .mounts import Mount

STATVFS_SECONDS = 15.0
REFRESH_SECONDS = 30.0  # poll() reports no changes in a tree of ordinary files

# They hold no files of their own. autofs: a call would mount something.
_WITHOUT_FILES = """
proc sysfs devtmpfs devpts tmpfs ramfs rootfs overlay squashfs erofs iso9660 autofs binfmt_misc bpf configfs debugfs
tracefs efivarfs fusectl hugetlbfs mqueue nsfs pstore rpc_pipefs securityfs selinuxfs
"""
# They may hang when the other side is gone. So may every FUSE, which is a program, except fuseblk, a local disk.
_NETWORK = """
nfs nfs4 cifs smb3 smbfs 9p ceph afs coda gfs2 glusterfs lustre beegfs ocfs2 orangefs ncpfs davfs virtiofs
"""
HIDDEN = frozenset(_WITHOUT_FILES.split() + _NETWORK.split())


@dataclass(slots=True)
class Filesystem:
    """One filesystem at its shortest mountpoint."""

    mountpoint: Annotated[
        str, Field("The shortest mountpoint of this filesystem.", is_identity=True)
    ]
    device: Annotated[str, Field("The mounted device.", is_identity=True)]
    fstype: Annotated[str, Field("The filesystem type.", title="type", is_identity=True)]
    size_bytes: Annotated[int | None, "Blocks × block size."]
    used_bytes: Annotated[
        int | None, "Size - free. Space that is reserved for root counts as free."
    ]
    available_bytes: Annotated[int | None, "What a user other than root can still write."]
    used_percent: Annotated[float | None, "100 × used / (used + available), as in df."]
    inodes_used_percent: Annotated[
        float | None,
        Field(
            "Used inodes, which limit the number of files. Null if the filesystem has no table of them (btrfs, vfat).",
            title="inodes",
        ),
    ]
    read_only: Annotated[bool, "Whether the filesystem is read-only."]
    stale: Annotated[bool, "True if the filesystem does not answer. The values are its last ones."]
    age_seconds: Annotated[float | None, "Age of the values. Null before the first answer."]


def is_shown(mount: Mount, also: Collection[str]) -> bool:
    """Return whether a mount gets a row, by its type. The root always does (in a container it is an overlay)."""
    fstype = mount.fstype
    if mount.mountpoint == "/" or fstype in also:
        return True
    if fstype in HIDDEN or fstype.startswith("cgroup"):
        return False
    return not fstype.startswith("fuse") or fstype == "fuseblk"


def choose(all_mounts: Iterable[Mount], also: Collection[str] = ()) -> list[Mount]:
    """Return one mount per filesystem.

    A mount that is hidden under another one cannot be reached. Bind mounts and subvolumes repeat their filesystem, as
    in df.
    """
    on_top = {mount.mountpoint: mount for mount in all_mounts}
    chosen: dict[str, Mount] = {}
    for mount in on_top.values():
        if not is_shown(mount, also):
            continue
        known = chosen.get(mount.number)
        if known is None or len(mount.mountpoint) < len(known.mountpoint):
            chosen[mount.number] = mount
    return sorted(chosen.values(), key=lambda mount: mount.mountpoint)


def filesystem(
    mount: Mount, sizes: Statvfs | None, *, stale: bool, age_seconds: float | None
) -> Filesystem:
    """Return one row."""
    size = used = available = None
    used_percent = inodes = None
    if sizes is not None:
        unit = sizes.f_frsize
        size = sizes.f_blocks * unit
        used = max(0, sizes.f_blocks - sizes.f_bfree) * unit
        available = max(0, sizes.f_bavail) * unit
        used_percent = rates.percent(used, used + available)
        inodes = rates.percent(sizes.f_files - sizes.f_ffree, sizes.f_files)
    return Filesystem(
        _readable(mount.mountpoint),
        _readable(mount.device),
        mount.fstype,
        size,
        used,
        available,
        used_percent,
        inodes,
        mount.read_only,
        stale,
        None if age_seconds is None else round(age_seconds, 1),
    )


def _readable(name: str) -> str:
    """Return a name with replacement characters for bytes that are not UTF-8. statvfs gets the original bytes."""
    return (
        name
        if name.isascii()
        else name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )


class Table(Protocol):
    """A source of the mounts."""

    def maybe_changed(self, now: Now) -> tuple[Mount, ...] | None: ...
    def close(self) -> None: ...


class FilesystemsSource:
    """Section ``filesystems``."""

    name = "filesystems"

    def __init__(
        self,
        files: Files,
        *,
        also: Collection[str] = (),
        statvfs: Callable[[str], Statvfs] = os.statvfs,
        timeout_seconds: float = 0.0,
        table: Table | None = None,
    ) -> None:
        """``also`` are types that are shown although they are hidden by default (nfs4, tmpfs)."""
        self._clock: Clock = files.clock
        self._also = frozenset(also)
        self._table: Table = table or MountTable(files)
        # The mounts of another host are reached through its first process.
        self._prefix = "" if files.is_system else os.path.join(files.proc_root, "1", "root")
        self._blocking: Blocking[str, Statvfs] = Blocking(
            "ts-statvfs", statvfs, files.clock, timeout_seconds=timeout_seconds
        )
        self._request_at = -math.inf
        self._mounts: list[Mount] = []

    def collect(self, now: Now) -> tuple[Filesystem, ...] | Stale:
        """Never waits for a mount. Raises OSError or ParseError if mountinfo is unavailable."""
        changed = self._table.maybe_changed(now)
        if changed is not None:
            self._mounts = choose(changed, self._also)
            self._blocking.forget_all_except(self._path(mount) for mount in self._mounts)
        if changed is not None or now.monotonic >= self._request_at:
            self._request_at = now.monotonic + STATVFS_SECONDS
            self._blocking.request(self._path(mount) for mount in self._mounts)
        self._blocking.check_workers()
        rows = tuple(self._row(mount) for mount in self._mounts)
        stale = [row.age_seconds for row in rows if row.stale]
        if not stale:
            return rows
        return Stale(rows, max((age for age in stale if age is not None), default=None))

    def close(self) -> None:
        """End the idle workers."""
        self._blocking.close()
        self._table.close()
        self._request_at = -math.inf

    def _path(self, mount: Mount) -> str:
        return self._prefix + mount.mountpoint

    def _row(self, mount: Mount) -> Filesystem:
        path = self._path(mount)
        result = self._blocking.maybe_result(path)
        return filesystem(
            mount,
            None if result is None else result.value,
            stale=self._blocking.pending_seconds(path) > HUNG_SECONDS,
            age_seconds=None if result is None else self._clock.monotonic() - result.at,
        )


class MountTable:
    """The mounts of mountinfo. It is read again only if the kernel reports a change (POLLPRI, see
    proc_pid_mounts(5)).
    """

    def __init__(self, files: Files) -> None:
        self._kept: KeptFile[tuple[Mount, ...]] = files.mountinfo(mounts.parse)
        self._refresh_at = -math.inf
        self._poll = select.poll()
        self._polled = -1

    def close(self) -> None:
        """Read again in the next tick. (The descriptor belongs to ``Files``.)"""
        self._refresh_at = -math.inf

    def maybe_changed(self, now: Now) -> tuple[Mount, ...] | None:
        """Return all mounts if they may have changed since the last call, else None."""
        fd = self._kept.fd
        if fd >= 0 and now.monotonic < self._refresh_at:
            if fd != self._polled:
                self._polled = fd
                self._poll = select.poll()
                self._poll.register(fd, select.POLLPRI)
            if not self._poll.poll(0):
                return None
        table = self._kept.read(now)
        # After the read: if it fails, the mounts may have changed, and the next tick reads again.
        self._refresh_at = now.monotonic + REFRESH_SECONDS
        return table


SECTIONS = (
    Section(
        FilesystemsSource,
        tuple[Filesystem, ...],
        title="Filesystems",
        text="Used space as df shows it, without what is reserved for root. Above 90 %, space is short.",
        files="statvfs(3), /proc/self/mountinfo",
        prometheus="node_filesystem",
        nulls="Sizes are null until the filesystem has answered once.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    options = setup.options
    source = FilesystemsSource(
        setup.files,
        also=options.filesystem_types,
        statvfs=options.statvfs,
        timeout_seconds=options.timeout_seconds,
    )
    return (source,)
