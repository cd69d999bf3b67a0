"""Filesystems: mountinfo has the mounts, statvfs(3) their sizes.

statvfs of a dead NFS, CIFS or FUSE mount blocks in the kernel, without a timeout and without a way to kill it. So it
runs on workers (blocking.py), with one call per mount: a mount that does not answer within 2 s keeps its last values,
is marked stale, and is not called again until the first call returns. shown_mounts.py decides which filesystems are
called, and how often. used_percent is that of df: space that is reserved for root is not part of the whole.

A host with ZFS may have thousands of datasets, which must not fill the messages, so these have at most MAX_ROWS
filesystems. The datasets of a full pool are all equally full. Rows that come and go would be useless, so a filesystem
that is not in them replaces another one only if it is fuller by about FULLER_PERCENT.
"""

from __future__ import annotations

import heapq
import math
import os
import select
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Protocol

from .. import counters, rates
from ..blocking import HUNG_SECONDS, Blocking, Result
from ..files import Files, KeptFile
from ..sample import LongList
from ..section import Field, OffPage, Section
from ..setup import Setup
from ..source import Clock, Now, Source, Stale, Statvfs
from . import mounts
from .mounts import Mount
from .shown_mounts import choose, interval_seconds

REFRESH_SECONDS = 30.0  # poll() reports no changes in a tree of ordinary files
MAX_ROWS = 64
FULLER_PERCENT = 10


@dataclass(slots=True)
class Filesystem:
    """One filesystem at one of its mountpoints."""

    mountpoint: Annotated[
        str,
        Field(
            "Where it is mounted. Of several mountpoints, the one that df shows: that of the whole filesystem, then "
            "the nearest to the root. A message has at most 64 filesystems: first `/`, then those that do not answer, "
            "then those that can be written to, the fullest first, in steps of 10 %. Alerts and Prometheus have all.",
            is_identity=True,
        ),
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
            "Used inodes, which limit the number of files. Null if the filesystem has no table of them (btrfs, vfat, "
            "composefs).",
            title="inodes",
        ),
    ]
    read_only: Annotated[bool, "Whether the filesystem is read-only."]
    stale: Annotated[bool, "True if the filesystem does not answer. The values are its last ones."]
    age_seconds: Annotated[float | None, "Age of the values. Null before the first answer."]
    inodes: OffPage[
        Annotated[
            int | None,
            Field("Size of the table of inodes. Null if the filesystem has none.", unit="inodes"),
        ]
    ] = None
    inodes_free: OffPage[Annotated[int | None, Field("Inodes that are free.", unit="inodes")]] = (
        None
    )


# Size, used and available bytes, the percentages of bytes and inodes that are used, inodes, free inodes.
Sizes = tuple[
    int | None, int | None, int | None, float | None, float | None, int | None, int | None
]
UNKNOWN: Sizes = (None,) * 7


def sizes_of(found: Statvfs) -> Sizes:
    """Return the sizes of a filesystem."""
    used_percent = inodes = None
    blocks, unit = _plausible(found.f_blocks), found.f_frsize
    free = counters.at_most(_plausible(found.f_bfree), blocks)
    used = None if blocks is None or free is None else _bytes(blocks - free, unit)
    available = _bytes(
        counters.at_most(counters.at_most(_plausible(found.f_bavail), blocks), free), unit
    )
    if used is not None and available is not None:
        used_percent = rates.percent(used, used + available)
    files = _plausible(found.f_files) or None
    files_free = None if files is None else counters.at_most(_plausible(found.f_ffree), files)
    if files is not None and files_free is not None:
        inodes = rates.percent(files - files_free, files)
    return _bytes(blocks, unit), used, available, used_percent, inodes, files, files_free


def _plausible(count: int) -> int | None:
    """Return a count, or None for a negative one, which statvfs returns as unsigned. 2^64 - 1 means "no limit"."""
    return count if 0 <= count < counters.NEGATIVE_FROM else None


def _bytes(blocks: int | None, unit: int) -> int | None:
    """Return the size of blocks; None if it is unknown, or more than the kernel can address (2^63 bytes)."""
    if blocks is None or unit <= 0:
        return None
    return counters.at_most(blocks * unit, counters.NEGATIVE_FROM - 1)


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


Key = tuple[str, str, str]  # mount_id, mountpoint, device


@dataclass(slots=True)
class Shown:
    """A mount that has a row, and its newest answer. Until the next one, a tick only computes its age."""

    mount: Mount
    interval_seconds: float
    due_at: float = -math.inf
    result: Result[Statvfs] | None = None
    sizes: Sizes = UNKNOWN
    has_blocks: bool = True


class FilesystemsSource:
    """Section ``filesystems``."""

    name = "filesystems"

    def __init__(
        self,
        files: Files,
        *,
        statvfs: Callable[[str], Statvfs] = os.statvfs,
        timeout_seconds: float = 0.0,
        table: Table | None = None,
    ) -> None:
        self._clock: Clock = files.clock
        self._table: Table = table or MountTable(files)
        # The mounts of another host are reached through its first process.
        self._prefix = "" if files.is_system else os.path.join(files.proc_root, "1", "root")
        self._statvfs = statvfs
        self._blocking: Blocking[Key, Statvfs] = Blocking(
            "ts-statvfs", self._call, files.clock, timeout_seconds=timeout_seconds
        )
        self._shown: dict[Key, Shown] = {}
        self._in_messages: frozenset[Key] = frozenset()  # if those have only some

    def collect(self, now: Now) -> tuple[Filesystem, ...] | Stale:
        """Never waits for a mount. Raises OSError or ParseError if mountinfo is unavailable."""
        changed = self._table.maybe_changed(now)
        if changed is not None:
            self._choose(changed)
        due = [key for key, shown in self._shown.items() if now.monotonic >= shown.due_at]
        if due:
            for key in due:
                self._shown[key].due_at = now.monotonic + self._shown[key].interval_seconds
            self._blocking.request(due)
        self._blocking.check_workers()
        found = [key for key, shown in self._shown.items() if self._has_row(key, shown)]
        rows = tuple([self._row(key) for key in found])
        if len(found) > MAX_ROWS:
            self._in_messages = frozenset(heapq.nlargest(MAX_ROWS, found, key=self._rank))
            rows = LongList(
                rows,
                [row for key, row in zip(found, rows, strict=True) if key in self._in_messages],
            )
        stale = [row.age_seconds for row in rows if row.stale]
        if not stale:
            return rows
        return Stale(rows, max((age for age in stale if age is not None), default=None))

    def close(self) -> None:
        """End the idle workers."""
        self._blocking.close()
        self._table.close()
        self._shown.clear()

    def _choose(self, table: Iterable[Mount]) -> None:
        """Choose the mounts that are shown, and keep what is known of those that were shown before."""
        tree = mounts.Tree(table)
        before, self._shown = self._shown, {}
        for mount in choose(tree):
            # The kernel uses the numbers of mounts again.
            key = mount.mount_id, mount.mountpoint, mount.device
            shown = before.get(key)
            if shown is None:
                shown = Shown(mount, interval_seconds(mount, tree))
            shown.mount = mount
            self._shown[key] = shown
        self._blocking.forget_all_except(self._shown)

    def _call(self, key: Key) -> Statvfs:
        _, mountpoint, _ = key
        return self._statvfs(self._prefix + mountpoint)

    def _has_row(self, key: Key, shown: Shown) -> bool:
        """Take the newest answer. A filesystem without blocks is an interface to the kernel, as df assumes."""
        result = self._blocking.maybe_result(key)
        if result is not shown.result:
            shown.result = result
            found = None if result is None else result.value
            shown.has_blocks = found is None or found.f_blocks != 0
            shown.sizes = UNKNOWN if found is None else sizes_of(found)
        return shown.has_blocks

    def _rank(self, key: Key) -> tuple[bool, bool, bool, float, bool]:
        """Return how much messages need a filesystem: those that do not answer, and those that are full."""
        shown = self._shown[key]
        *_, used_percent, inodes_used_percent, _, _ = shown.sizes
        return (
            shown.mount.mountpoint == "/",
            self._is_stale(key),
            not shown.mount.read_only,
            max(used_percent or 0.0, inodes_used_percent or 0.0) // FULLER_PERCENT,
            key in self._in_messages,
        )

    def _is_stale(self, key: Key) -> bool:
        return self._blocking.pending_seconds(key) > HUNG_SECONDS

    def _row(self, key: Key) -> Filesystem:
        shown = self._shown[key]
        mount, result = shown.mount, shown.result
        return Filesystem(
            _readable(mount.mountpoint),
            _readable(mount.device),
            mount.fstype,
            *shown.sizes[:5],
            mount.read_only,
            self._is_stale(key),
            None if result is None else round(self._clock.monotonic() - result.at, 1),
            *shown.sizes[5:],
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
        prometheus="telemetry_stream_filesystem",
        nulls="Sizes are null until the filesystem has answered once, and if they are negative or exceed the whole. A "
        "filesystem without blocks has no row, nor has one that is hidden by another mount. One that was mounted on "
        "demand is called every 5 min, or at three times its timeout, so that it can expire.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    options = setup.options
    source = FilesystemsSource(
        setup.files,
        statvfs=options.statvfs,
        timeout_seconds=options.timeout_seconds,
    )
    return (source,)
