"""The files of one host, read for a scrape: each is opened, read and closed, so that nothing is kept for hosts that are
never scraped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ...metrics.attributes import maybe_read_once
from ...metrics.counters import MOST_DIGITS
from ...metrics.files import Files, read_records
from ...metrics.source import Clock
from .monotonic import Monotonic

# The kernel limits an attribute to one page (Documentation/filesystems/sysfs.rst).
ATTRIBUTE_BYTES = 4096


class Host:
    """One host, below its two roots. ``sections`` are those of the newest sample, by name."""

    def __init__(self, proc_root: str, sys_root: str, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.sections: Mapping[str, object] = {}
        self.core_ticks = Monotonic()
        self._files = Files(proc_root, sys_root, self.clock)
        self.is_system = self._files.is_system

    def proc(self, path: str) -> bytes:
        """Return the content of a file in /proc. Raises OSError."""
        return _read(os.path.join(self._files.proc_root, path))

    def net(self, name: str) -> bytes:
        """Return the content of a file in /proc/net of the host's own network namespace. Raises OSError."""
        return _read(self._files.net_path(name))

    def sys(self, *names: str) -> str:
        """Return a path in /sys."""
        return os.path.join(self._files.sys_root, *names)

    def maybe_etc(self, name: str) -> bytes | None:
        """Return the content of a file in /etc. Only root may read that of another host, through its process 1."""
        root = "/" if self.is_system else os.path.join(self._files.proc_root, "1", "root")
        return maybe_read_once(os.path.join(root, "etc", name))


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_records(fd)
    finally:
        os.close(fd)


def names_in(directory: str) -> list[str]:
    """Return the names in a directory, sorted; those that end in numbers by number. Raises OSError."""
    return sorted(os.listdir(directory), key=lambda name: (len(name), name))


def attributes(directory: str, names: Iterable[str]) -> dict[str, str]:
    """Return the contents of the small files in a directory of sysfs that can be read."""
    found: dict[str, str] = {}
    try:
        directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return found
    try:
        for name in names:
            content = _maybe_read_attribute(directory_fd, name)
            if content is not None:
                found[name] = text_of(content)
    finally:
        os.close(directory_fd)
    return found


def _maybe_read_attribute(directory_fd: int, name: str) -> bytes | None:
    """Read a small file, or return None if it cannot be read. Takes a third of the time of ``maybe_read_once``."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory_fd)
    except OSError:
        return None
    try:
        return os.read(fd, ATTRIBUTE_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)


def text_of(content: bytes) -> str:
    """Return the text of a small file without the newline at its end."""
    return content.decode("utf-8", "replace").strip()


def maybe_number(content: bytes | str | None, base: int = 10) -> int | None:
    """Return a whole number of the kernel, which may have a sign, or None if the content is something else."""
    if content is None or len(content.strip()) > MOST_DIGITS + 1:
        return None
    try:
        return int(content, base)
    except ValueError:
        return None
