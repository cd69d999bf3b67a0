"""Small files: attributes of devices that are read each tick with a kept descriptor, and files that are read once.

Not thread-safe but for read_once: only the collecting thread reads attributes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

# Beyond so many kept descriptors an attribute is opened for each read (five times the cost), so that a host with a
# thousand interfaces does not eat the descriptors of its viewers.
MOST_KEPT = 128
BUFFER_BYTES = 16384


@dataclass(slots=True)
class Budget:
    """How many attributes of one collector keep a descriptor."""

    kept: int = 0


class Attribute:
    """One small file of sysfs, read whenever asked, its descriptor kept while the budget allows."""

    __slots__ = ("_budget", "_fd", "_size", "opened", "path")

    def __init__(self, budget: Budget, path: str, size: int = 64) -> None:
        """``size`` is more than the file can hold."""
        self.path = path
        self.opened = 0  # as long as this stays, what is read comes from one device: a kept descriptor fails after it
        self._budget = budget
        self._size = size
        self._fd = -1

    def maybe_read(self) -> bytes | None:
        """The content as it is; None where it cannot be read (gone, down, not supported)."""
        if self._fd >= 0:
            try:
                return os.pread(self._fd, self._size, 0)
            except (
                OSError
            ):  # what it stood for is gone, but a new one of the same name may be there
                self.close()
        try:
            return self._open_and_read()
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._budget.kept -= 1

    def _open_and_read(self) -> bytes:
        self.opened += 1
        if self._budget.kept >= MOST_KEPT:
            return read_once(self.path)
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._budget.kept += 1
        return os.pread(self._fd, self._size, 0)


def read_once(path: str) -> bytes:
    """A file that is read once or rarely, without keeping its descriptor. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        parts = []
        while part := file.read(BUFFER_BYTES):
            parts.append(part)
    return b"".join(parts)


def maybe_read_once(path: str) -> bytes | None:
    """As read_once, None where there is no such file or it may not be read."""
    try:
        return read_once(path)
    except OSError:
        return None
