"""Filesystems: which are mounted from /proc/self/mountinfo, how full they are from statvfs (metrics.md 6).

statvfs of a dead NFS, CIFS or FUSE mount blocks in the kernel and can neither be killed nor timed out, so it runs on
workers (blocking.py), one call per mount: a mount that does not answer within 2 s keeps its last values, marked stale,
and is not asked again until the first call returns. Kinds that hold no files, and those behind a network, are left out
by their type, before any call. used_percent is df's: the reserve of root is not part of the whole.
"""

from __future__ import annotations

import math
import os
import select
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from .. import rates
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files, KeptFile
from ..source import Clock, Now, Stale, Statvfs
from . import mounts
from .mounts import Mount

ASK_SECONDS = 15.0
LOOK_SECONDS = 30.0  # where poll() does not tell of changes (a tree of files)

# No files of their own, or (autofs) a call would mount something.
_SKIPPED = """
proc sysfs devtmpfs devpts tmpfs ramfs rootfs overlay squashfs erofs iso9660 autofs binfmt_misc bpf configfs debugfs
tracefs efivarfs fusectl hugetlbfs mqueue nsfs pstore rpc_pipefs securityfs selinuxfs
"""
# May hang when the other side is gone. Every FUSE is a program that may, too, but for fuseblk, a local disk.
_NETWORK = """
nfs nfs4 cifs smb3 smbfs 9p ceph afs coda gfs2 glusterfs lustre beegfs ocfs2 orangefs ncpfs davfs virtiofs
"""
SKIPPED = frozenset(_SKIPPED.split())
NETWORK = frozenset(_NETWORK.split())


@dataclass(slots=True)
class Filesystem:
    """One filesystem at its shortest mountpoint; sizes are None until its first answer."""

    mountpoint: str
    device: str
    fstype: str
    size_bytes: int | None
    used_bytes: int | None
    available_bytes: int | None
    used_percent: float | None  # of what may be used: as df
    inodes_used_percent: float | None  # None where there is no table of inodes (btrfs, vfat)
    read_only: bool
    stale: bool  # does not answer
    age_seconds: float | None  # of these values


def is_shown(mount: Mount, also: Collection[str]) -> bool:
    """Whether a mount is worth a row, by its type alone. The root always is (overlay in a container)."""
    fstype = mount.fstype
    if mount.mountpoint == "/" or fstype in also:
        return True
    if fstype in SKIPPED or fstype in NETWORK or fstype.startswith("cgroup"):
        return False
    return not fstype.startswith("fuse") or fstype == "fuseblk"


def choose(all_mounts: Iterable[Mount], also: Collection[str] = ()) -> list[Mount]:
    """One mount per filesystem: what is mounted over is gone, and bind mounts and subvolumes repeat (as in df)."""
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
    mount: Mount, answer: Statvfs | None, *, stale: bool, age_seconds: float | None
) -> Filesystem:
    """One row."""
    size = used = available = None
    used_percent = inodes = None
    if answer is not None:
        unit = answer.f_frsize
        size = answer.f_blocks * unit
        used = max(0, answer.f_blocks - answer.f_bfree) * unit
        available = max(0, answer.f_bavail) * unit
        used_percent = rates.percent(used, used + available)
        inodes = rates.percent(answer.f_files - answer.f_ffree, answer.f_files)
    return Filesystem(
        # A name that is no UTF-8 led statvfs there as it is; on the wire it is readable.
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
    return (
        name
        if name.isascii()
        else name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )


class Table(Protocol):
    """Where the mounts come from."""

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
        """``also`` names types that are shown although they are off by default (nfs4, tmpfs)."""
        self._clock: Clock = files.clock
        self._also = frozenset(also)
        self._table: Table = table or MountTable(files)
        # Another host's mounts are reached through its first process.
        self._prefix = "" if files.is_system else os.path.join(files.proc_root, "1", "root")
        self._blocking: Blocking[str, Statvfs] = Blocking(
            "ts-statvfs", statvfs, files.clock, timeout_seconds=timeout_seconds
        )
        self._ask_at = -math.inf
        self._mounts: list[Mount] = []

    def collect(self, now: Now) -> tuple[Filesystem, ...] | Stale:
        """Never waits for a mount. Raises OSError or ParseError where mountinfo cannot be had."""
        changed = self._table.maybe_changed(now)
        if changed is not None:
            self._mounts = choose(changed, self._also)
            self._blocking.keep_only(self._path(mount) for mount in self._mounts)
        if changed is not None or now.monotonic >= self._ask_at:
            self._ask_at = now.monotonic + ASK_SECONDS
            self._blocking.ask(self._path(mount) for mount in self._mounts)
        self._blocking.tend()
        rows = tuple(self._row(mount) for mount in self._mounts)
        stale = [row.age_seconds for row in rows if row.stale]
        if not stale:
            return rows
        return Stale(rows, max((age for age in stale if age is not None), default=None))

    def close(self) -> None:
        """Let idle workers go."""
        self._blocking.close()
        self._table.close()
        self._ask_at = -math.inf

    def _path(self, mount: Mount) -> str:
        return self._prefix + mount.mountpoint

    def _row(self, mount: Mount) -> Filesystem:
        path = self._path(mount)
        answer = self._blocking.answer(path)
        return filesystem(
            mount,
            None if answer is None else answer.value,
            stale=self._blocking.outstanding_seconds(path) > HUNG_SECONDS,
            age_seconds=None if answer is None else self._clock.monotonic() - answer.at,
        )


class MountTable:
    """mountinfo, read again only when the kernel says that it changed (poll tells with POLLPRI)."""

    def __init__(self, files: Files) -> None:
        self._kept: KeptFile[tuple[Mount, ...]] = files.mountinfo(mounts.parse)
        self._look_at = -math.inf
        self._poll = select.poll()
        self._polled = -1

    def close(self) -> None:
        """The next look is a new one. (The descriptor is the collector's.)"""
        self._look_at = -math.inf

    def maybe_changed(self, now: Now) -> tuple[Mount, ...] | None:
        """All mounts if they may be others than last time, else None."""
        fd = self._kept.fd
        if fd >= 0 and now.monotonic < self._look_at:
            if fd != self._polled:
                self._polled = fd
                self._poll = select.poll()
                self._poll.register(fd, select.POLLPRI)
            if not self._poll.poll(0):
                return None
        table = self._kept.read(now)
        # Only now: after a failure nothing is known to be unchanged.
        self._look_at = now.monotonic + LOOK_SECONDS
        return table
