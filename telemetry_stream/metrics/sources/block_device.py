"""One block device in sysfs: what it is, and whether it is still the same (ABI/stable/sysfs-block).

diskseq is read at each tick and stays open: the kernel counts every appearance of a disk, so another disk with the same
name and number has another diskseq. The rest is read once.
"""

from __future__ import annotations

import os
import re

from ..attributes import Attribute, Budget, maybe_read_once

# Never shown: disks that are memory or files, and drives of removable media.
HIDDEN_KINDS = ("loop", "ram", "zram", "sr", "fd")
# Shown with their kind, but made of other disks.
VIRTUAL_KINDS = ("dm", "md", "drbd", "zd")
NAME = re.compile(r"(loop|ram|zram|sr|fd|dm|md|drbd|zd)(?:-|_d?)?\d")


class BlockDevice:
    """One device, as long as its diskseq stays the same. Only the collecting thread uses it.

    ``kind`` is None if the device is not shown. ``counted`` tells whether the totals include it.
    """

    def __init__(self, budget: Budget, name: str, directory: str) -> None:
        """``directory`` is the device's directory in /sys/block."""
        self._diskseq = Attribute(budget, os.path.join(directory, "diskseq"))
        self.kind, self.counted = classify(name, directory)
        self._diskseq_read = self._maybe_read()

    def is_same(self) -> bool:
        """Read diskseq again, and return whether this is still the same device. Kernels before 5.15 have none."""
        return self._maybe_read() == self._diskseq_read

    def close(self) -> None:
        """Close the descriptor."""
        self._diskseq.close()

    def _maybe_read(self) -> bytes | None:
        return self._diskseq.maybe_read() if self.kind is not None else None


def classify(name: str, directory: str) -> tuple[str | None, bool]:
    """Return the kind of a device (None: not shown) and whether the totals count it.

    ``directory`` is the device's directory in /sys/block. A digit at the end of a name does not make a partition.
    """
    match = NAME.match(name)
    kind = match.group(1) if match else "disk"
    if kind in HIDDEN_KINDS or not os.path.isdir(directory):  # A partition has no directory there.
        return None, False
    if (maybe_read_once(os.path.join(directory, "hidden")) or b"0").strip() == b"1":
        return None, False
    if kind in VIRTUAL_KINDS:
        return kind, False
    try:
        slaves = os.listdir(os.path.join(directory, "slaves"))
    except OSError:
        slaves = []
    return kind, not slaves
