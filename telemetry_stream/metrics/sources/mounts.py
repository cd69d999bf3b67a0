"""The parser of /proc/PID/mountinfo (Documentation/filesystems/proc.rst, 3.5), which filesystem, system and process
share.

    36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue

The words are the number of the mount and of its parent, major:minor, the root of the mount in its filesystem, the
mountpoint and options. Optional fields end at a lone ``-``; the type is the word after it and has no fixed column. The
kernel writes space, tab, newline, backslash and (in the device) ``#`` as octal escapes: fs/proc_namespace.c, mangle().
The functions do not access any mount.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..files import parser

ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount."""

    number: str  # the filesystem's major:minor, which all its mounts share
    mountpoint: str
    device: str
    fstype: str
    read_only: bool  # of the filesystem, not of this mount
    options: str  # of the filesystem, not of this mount
    root: str = "/"  # the directory of the filesystem that is mounted
    mount_id: str = ""  # empty: unknown
    parent_id: str = ""


def unescape(name: bytes) -> str:
    """Return a name without escapes. Bytes that are not UTF-8 become surrogates, so that the path stays valid."""
    if b"\\" in name:
        name = ESCAPE.sub(lambda match: bytes([int(match.group(1), 8)]), name)
    return name.decode("utf-8", "surrogateescape")


@parser
def parse(content: bytes) -> tuple[Mount, ...]:
    """Return all mounts in the order of mounting. Lines that do not describe a mount are skipped."""
    mounts = []
    for line in content.split(b"\n"):
        front, dash, back = line.partition(b" - ")
        words, last = front.split(b" "), back.split(b" ")
        if not dash or len(words) < 6 or len(last) < 2:
            continue
        # The options of the mount would be wrong here: in a service's sandbox (ProtectSystem=strict), all are
        # read-only.
        options = last[2].split(b",") if len(last) > 2 else []
        mounts.append(
            Mount(
                words[2].decode("ascii", "replace"),
                unescape(words[4]),
                unescape(last[1]),
                unescape(last[0]),
                b"ro" in options,
                last[2].decode("utf-8", "replace") if len(last) > 2 else "",
                unescape(words[3]),
                words[0].decode("ascii", "replace"),
                words[1].decode("ascii", "replace"),
            )
        )
    return tuple(mounts)


class Tree:
    """The mounts of one mount namespace, by what is mounted on what."""

    def __init__(self, table: Iterable[Mount]) -> None:
        self._table = tuple(table)
        self._by_id = {mount.mount_id: mount for mount in self._table if mount.mount_id}
        # Of each mount: the mounts on it by mountpoint. The kernel allows one at each.
        self._on: dict[str, dict[str, Mount]] = {}
        for mount in self._table:
            if mount.parent_id != mount.mount_id:
                self._on.setdefault(mount.parent_id, {})[mount.mountpoint] = mount

    def reachable(self) -> list[Mount]:
        """Return the mounts that a path leads to: none is mounted over them, or over a directory above them."""
        # The newest is not always on top (mount --move, MOVE_MOUNT_BENEATH). Only without numbers it is taken for that.
        shown = {mount.mountpoint: mount for mount in self._table if not self._is_covered(mount)}
        return list(shown.values())

    def parent(self, mount: Mount) -> Mount | None:
        """Return the mount that a mount is on."""
        return None if mount.parent_id == mount.mount_id else self._by_id.get(mount.parent_id)

    def under(self, mount: Mount) -> list[Mount]:
        """Return the mounts below ``mount`` at the same mountpoint, and the one that they are on."""
        found = [
            each
            for each in self._table
            if each.mountpoint == mount.mountpoint and each is not mount
        ]
        parent = self.parent(mount)
        return found if parent is None or parent in found else [*found, parent]

    def _is_covered(self, mount: Mount) -> bool:
        """Walk up to the root. At each step, another mount on the same parent may hide the way."""
        if mount.mountpoint in self._on.get(mount.mount_id, ()):
            return True
        seen = set()
        parent = self.parent(mount)
        while parent is not None and mount.mount_id not in seen:
            seen.add(mount.mount_id)
            siblings = self._on.get(parent.mount_id, {})
            if any(directory in siblings for directory in _above(mount.mountpoint, parent)):
                return True
            mount, parent = parent, self.parent(parent)
        return False


def _above(path: str, parent: Mount) -> Iterator[str]:
    """Return the directories above ``path``, up to the mountpoint of ``parent``."""
    while len(path) > max(1, len(parent.mountpoint)):
        path = path.rpartition("/")[0] or "/"
        yield path
