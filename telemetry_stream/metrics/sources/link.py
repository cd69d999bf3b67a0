"""One network interface in sysfs: its state, its speed, and whether it is still the same (ABI/testing/sysfs-class-net).

operstate is read at each tick and stays open. speed is read on a worker of the section, since it takes the rtnl lock
and a busy driver may need a long time; only its content is parsed here.
"""

from __future__ import annotations

import os

from .. import counters
from ..attributes import (
    Attribute,
    Budget,
    maybe_linked_directory,
    maybe_read_once,
    read_once,
)
from ..blocking import Result
from . import counted, sleep

# SPEED_UNKNOWN is -1. Drivers that have a field of 16 bits or of an unsigned type report it as one of these Mbit/s.
SPEED_UNKNOWN = frozenset({(1 << 16) - 1, (1 << 31) - 1, (1 << 32) - 1})
# Ten times the fastest Ethernet.
MOST_MBPS = 16_000_000


def parse_operstate(content: bytes | None) -> str | None:
    """Return the state, or None if sysfs does not have it."""
    return None if content is None else content.decode("ascii", "replace").strip()


def parse_speed(content: bytes | None) -> int | None:
    """Return Mbit/s. -1 (unknown), 0, SPEED_UNKNOWN and a failed read (link down, virtual interface) are None."""
    speed = counters.maybe_count((content or b"").strip(), MOST_MBPS)
    return None if not speed or speed in SPEED_UNKNOWN else speed


def read_speed(directory: str) -> bytes:
    """Return the content of ``speed``, or nothing if the device sleeps. Raises OSError. Runs on a worker."""
    if sleep.is_asleep(maybe_linked_directory(os.path.join(directory, "device"))):
        return b""
    return read_once(os.path.join(directory, "speed"))


class Link:
    """One interface, as long as its ifindex stays the same. Only the collecting thread uses it."""

    def __init__(self, budget: Budget, directory: str) -> None:
        """``directory`` is the interface's directory in /sys/class/net."""
        self._attribute = Attribute(budget, os.path.join(directory, "operstate"))
        self._ifindex_path = os.path.join(directory, "ifindex")
        self._operstate_read = self._attribute.maybe_read()
        self._opened = self._attribute.opened
        self._ifindex = maybe_read_once(self._ifindex_path)
        self._speed_result: Result[bytes] | None = None
        self._speed: int | None = None
        self.operstate = parse_operstate(self._operstate_read)
        self.directory = directory
        self.addresses: str | None = None
        self.signal_dbm: int | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read again what changes rarely: an interface gets its master some time after it appeared."""
        self.place = counted.read_place(self.directory)
        self.is_wireless = os.path.exists(os.path.join(self.directory, "wireless"))

    @property
    def index(self) -> int | None:
        """The number of the interface in this network namespace."""
        return counters.maybe_count((self._ifindex or b"").strip())

    def is_same(self) -> bool:
        """Read operstate again, and return whether this is still the same interface.

        A descriptor fails once its interface is gone, even if another one has the name by now. While it works, the
        ifindex need not be read.
        """
        operstate_read = self._attribute.maybe_read()
        if operstate_read != self._operstate_read:
            self._operstate_read = operstate_read
            self.operstate = parse_operstate(operstate_read)
        if self._attribute.opened == self._opened:
            return True
        self._opened = self._attribute.opened
        return maybe_read_once(self._ifindex_path) == self._ifindex

    def speed_mbps(self, result: Result[bytes] | None) -> int | None:
        """Return the speed that ``read_speed`` read. A result is parsed once."""
        if result is not self._speed_result:
            self._speed_result = result
            self._speed = None if result is None else parse_speed(result.value)
        return self._speed

    def close(self) -> None:
        """Close the descriptor."""
        self._attribute.close()
