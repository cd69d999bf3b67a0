"""Directories that are made in some directories, as the kernel reports them (inotify(7)).

Python has no function for inotify, so it is called through ctypes. Nothing waits: the kernel keeps the events until
they are read, 16384 of them by default, and drops those beyond. It merges equal events that follow one another, so
removals are watched, too: otherwise, a directory that is made three times is reported once.
"""

from __future__ import annotations

import errno
import os
import select
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .attributes import BUFFER_BYTES

MAX_WATCHED = 64
# Of some 250 events each, in one call: a user who makes directories all the time must not delay the sample.
MAX_READS = 16

# <sys/inotify.h>
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x0100_0000
IN_ISDIR = 0x4000_0000
EVENT = struct.Struct("iIII")  # watch, mask, cookie, bytes of the name, which follows


class DirectoryWatch:
    """Reports what directories are made in the watched ones. One thread may use it."""

    def __init__(self) -> None:
        """Open nothing: ``watch`` does."""
        self._fd = -1
        self._poll = select.poll()
        self._libc: Any = None
        self._errno: Callable[[], int] = int
        # The watched directories: the number of the watch, and the inode, by path; and the path by the number.
        self._watched: dict[str, tuple[int, int]] = {}
        self._paths: dict[int, str] = {}

    def watch(self, paths: Sequence[str]) -> set[str]:
        """Watch the first MAX_WATCHED of these directories, and no others. Return those that were not watched before.

        One that was removed and made again is another one: the kernel does not report the end of a watch in kernfs, so
        the inodes are compared. One that does not exist, or exceeds the user's limit of watches, is left out. Raises
        OSError if the kernel has no inotify, or the user's limit of its descriptors is reached.
        """
        inodes = {path: inode for path in paths[:MAX_WATCHED] if (inode := _maybe_inode(path))}
        if self._fd < 0 and inodes:
            self._open()
        for path, (number, inode) in list(self._watched.items()):
            if inodes.get(path) != inode:
                self._libc.inotify_rm_watch(self._fd, number)
                del self._watched[path], self._paths[number]
        added = set()
        for path in inodes.keys() - self._watched.keys():
            number = self._libc.inotify_add_watch(
                self._fd, os.fsencode(path), IN_CREATE | IN_DELETE | IN_ONLYDIR
            )
            if number >= 0:
                self._watched[path] = number, inodes[path]
                self._paths[number] = path
                added.add(path)
        return added

    def made(self) -> list[str]:
        """Return the paths of the directories that were made since the last call, in their order, or some of them."""
        found: list[str] = []
        for _ in range(MAX_READS):
            if not self._poll.poll(0):  # takes half of the time of a read that fails
                break
            self._add_made(os.read(self._fd, BUFFER_BYTES), found)
        return found

    def close(self) -> None:
        """Close the descriptor, which ends all watches. Safe to repeat."""
        if self._fd >= 0:
            self._poll.unregister(self._fd)
            os.close(self._fd)
        self._fd = -1
        self._watched.clear()
        self._paths.clear()

    def _open(self) -> None:
        if self._libc is None:
            try:
                import ctypes  # noqa: PLC0415 (0.2 MiB, for hosts with such directories)

                libc = ctypes.CDLL(None, use_errno=True)
                self._errno = ctypes.get_errno
                libc.inotify_init1, libc.inotify_add_watch, libc.inotify_rm_watch  # noqa: B018
            except (ImportError, AttributeError, MemoryError, OSError) as error:
                raise OSError(errno.ENOSYS, "ctypes or inotify is unavailable") from error
            self._libc = libc
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(code := self._errno(), os.strerror(code))
        self._poll.register(self._fd, select.POLLIN)

    def _add_made(self, events: bytes, found: list[str]) -> None:
        at = 0
        while at < len(events):
            number, mask, _, size = EVENT.unpack_from(events, at)
            at += EVENT.size + size
            parent = self._paths.get(number)
            if parent is None:  # watched no more, or events were lost
                continue
            if mask & IN_IGNORED:  # the directory is gone
                del self._watched[parent], self._paths[number]
            elif mask & IN_CREATE and mask & IN_ISDIR:
                found.append(f"{parent}/{os.fsdecode(events[at - size : at].rstrip(bytes(1)))}")


def _maybe_inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
