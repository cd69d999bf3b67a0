"""What sysfs says of one interface: its state, its speed, and whether it is still the same one (metrics.md 7; kernel
docs: ABI/testing/sysfs-class-net).

operstate is read each tick with a kept descriptor. speed is read elsewhere, since a busy driver takes its time (it
takes the rtnl lock): here only the answer is understood.
"""

from __future__ import annotations

import os

from ..attributes import Attribute, Budget, maybe_read_once
from ..blocking import Answer

# 2^32 - 1 Mbit/s is how SPEED_UNKNOWN leaves some drivers.
SPEED_UNKNOWN = (1 << 32) - 1


def parse_operstate(content: bytes | None) -> str | None:
    """One word; None where sysfs does not say."""
    return None if content is None else content.decode("ascii", "replace").strip()


def parse_speed(content: bytes | None) -> int | None:
    """Mbit/s. -1 (unknown), 0 and SPEED_UNKNOWN are no speeds; a read that fails (down, virtual) is none either."""
    try:
        speed = int(content or b"")
    except ValueError:
        return None
    return speed if 0 < speed < SPEED_UNKNOWN else None


class Link:
    """One interface, as long as its ifindex stays. Belongs to the collecting thread."""

    def __init__(self, budget: Budget, directory: str) -> None:
        """``directory`` is the interface's in /sys/class/net."""
        self._attribute = Attribute(budget, os.path.join(directory, "operstate"))
        self._ifindex_path = os.path.join(directory, "ifindex")
        self._said = self._attribute.maybe_read()
        self._opened = self._attribute.opened
        self._ifindex = maybe_read_once(self._ifindex_path)
        self._speed_answer: Answer[bytes] | None = None
        self._speed: int | None = None
        self.operstate = parse_operstate(self._said)
        self.speed_path = os.path.join(directory, "speed")
        self._device = os.path.join(directory, "device")
        self._master_device = os.path.join(directory, "master", "device")
        self.look()

    def look(self) -> None:
        """What changes rarely: a slave gets its master after it has come."""
        self.has_device = os.path.exists(self._device)
        # Azure: a VF enslaved to hv_netvsc counts every byte once more than its master does.
        self.has_master_device = os.path.exists(self._master_device)

    def is_same(self) -> bool:
        """Read operstate again, and say whether this is still the interface that it was.

        A kept descriptor fails once its interface is gone, even when another has the name by now: while it answers, the
        ifindex need not be read.
        """
        said = self._attribute.maybe_read()
        if said != self._said:
            self._said, self.operstate = said, parse_operstate(said)
        if self._attribute.opened == self._opened:
            return True
        self._opened = self._attribute.opened
        return maybe_read_once(self._ifindex_path) == self._ifindex

    def speed_mbps(self, answer: Answer[bytes] | None) -> int | None:
        """What the newest answer says, parsed when it is new."""
        if answer is not self._speed_answer:
            self._speed_answer = answer
            self._speed = None if answer is None else parse_speed(answer.value)
        return self._speed

    def close(self) -> None:
        """Give the descriptor back."""
        self._attribute.close()
