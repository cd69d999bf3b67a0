"""Small files: device attributes, which are read at each tick through an open descriptor, and files that are read once.

Only the collecting thread may use an Attribute. The functions may be called by any thread.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

# Beyond this number, an attribute is opened for each read, which costs five times as much. A host with a thousand
# interfaces must not use up the descriptors that its viewers need.
MAX_KEPT_OPEN = 128
BUFFER_BYTES = 16384
MOST_TEXT = 256


@dataclass(slots=True)
class Budget:
    """The number of attributes that are kept open together, and its limit."""

    kept: int = 0
    most: int = MAX_KEPT_OPEN


class Attribute:
    """One small file in sysfs that is read again and again. It stays open if the budget allows it."""

    __slots__ = ("_budget", "_fd", "_size", "opened", "path", "was_replaced")

    def __init__(self, budget: Budget, path: str, size: int = 64) -> None:
        """``size`` is the size of the read buffer in bytes; the file must be smaller."""
        self.path = path
        # How often the file was opened. While this does not change, every read came from the same device: the kernel
        # lets reads through an old descriptor fail when the device is gone.
        self.opened = 0
        # Whether its device was gone in some read. It is not known of an attribute that is not kept open.
        self.was_replaced = False
        self._budget = budget
        self._size = size
        self._fd = -1

    def maybe_read(self) -> bytes | None:
        """Return the content, or None if it cannot be read (device gone, link down, not supported)."""
        if self._fd >= 0:
            try:
                return os.pread(self._fd, self._size, 0)
            except OSError:  # The device is gone. A new one may have its name.
                self.close()
                self.was_replaced = True
        try:
            return self._open_and_read()
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        """Close the descriptor. The next read opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._budget.kept -= 1

    def _open_and_read(self) -> bytes:
        self.opened += 1
        if self._budget.kept >= self._budget.most:
            return read_once(self.path)
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._budget.kept += 1
        return os.pread(self._fd, self._size, 0)


def read_once(path: str) -> bytes:
    """Read a whole file and close it. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        parts = []
        while part := file.read(BUFFER_BYTES):
            parts.append(part)
    return b"".join(parts)


def maybe_link_target(path: str) -> str | None:
    """Return the target of a link, or None if there is none.

    A copy of sysfs without links (in an archive, or on another filesystem) has the target as the content of a file.
    """
    try:
        return os.readlink(path)
    except OSError:
        pass
    if not os.path.isfile(path):  # A pipe or a device would block.
        return None
    content = maybe_read_once(path)
    return None if content is None else content.decode("utf-8", "replace").strip() or None


def maybe_linked_directory(path: str) -> str | None:
    """Return the real path behind a link of sysfs, or of a directory in its place; None if there is none."""
    if os.path.isdir(path):
        return os.path.realpath(path)
    target = maybe_link_target(path)
    return None if target is None else os.path.normpath(os.path.join(os.path.dirname(path), target))


def maybe_read_once(path: str) -> bytes | None:
    """Read a whole file and close it, or return None if it does not exist or cannot be read."""
    try:
        return read_once(path)
    except OSError:
        return None


def maybe_text(content: bytes | None) -> str | None:
    """Return a text of the kernel or a driver without the space around it, cut to MOST_TEXT; None if it is empty."""
    text = (content or b"").decode("utf-8", "replace").strip()
    return text[:MOST_TEXT] or None


def names_in(directory: str) -> list[str]:
    """Return the names in a directory, sorted; none if it cannot be read."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def readable(name: str) -> str:
    """Return the name of a file with replacement characters for bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def parse_cpu_list(content: bytes) -> frozenset[int]:
    """Return the numbers of a list such as ``0-3,8``. What is neither a number nor a range is left out."""
    found: set[int] = set()
    for part in content.strip().split(b","):
        first, _, last = part.partition(b"-")
        if first.isdigit() and (last or first).isdigit():
            begin, end = int(first[:5]), int((last or first)[:5])
            found.update(range(begin, min(end, begin + 8192) + 1))
    return frozenset(found)
