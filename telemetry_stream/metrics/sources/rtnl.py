"""What is slow to read of interfaces, because it takes the rtnl lock of the kernel: speeds, addresses, Wi-Fi signals.

A driver that is busy may hold this lock for long, so everything is read on one worker. The results are kept in the
links.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from ..attributes import read_once
from ..blocking import Blocking, Result
from ..files import Files
from ..source import Now
from . import addresses, wireless
from .link import Link, read_speed

SIGNAL_SECONDS = 5.0
# The keys of calls that are about all interfaces. The others are the directories of interfaces in sysfs.
ADDRESSES, SIGNALS = "addresses", "signals"


class Rtnl:
    """Reads for one collector. Only the collecting thread uses it."""

    def __init__(self, files: Files, timeout_seconds: float) -> None:
        self._files = files
        self._blocking: Blocking[str, bytes] = Blocking(
            "ts-rtnl", self._read, files.clock, timeout_seconds=timeout_seconds
        )
        self._addresses: Result[bytes] | None = None
        self._signals: Result[bytes] | None = None
        self._signals_at = -math.inf

    def request(self, with_speed: Collection[str]) -> None:
        """Have the addresses read, and the speeds of the interfaces with these directories. Forget all others."""
        # rtnetlink answers for the network namespace of this program.
        calls = [ADDRESSES, *with_speed] if self._files.is_system else [*with_speed]
        self._blocking.forget_all_except([*calls, SIGNALS])
        self._blocking.request(calls)

    def update(self, now: Now, links: Mapping[str, Link]) -> None:
        """Put what has been read into the links. To be called at each tick."""
        if now.monotonic >= self._signals_at:
            self._signals_at = now.monotonic + SIGNAL_SECONDS
            if any(link.is_wireless for link in links.values()):
                self._blocking.request([SIGNALS])
        self._blocking.check_workers()
        found = self._blocking.maybe_result(ADDRESSES)
        if found is not self._addresses:
            self._addresses = found
            by_index = addresses.parse((found.value if found else None) or b"")
            for link in links.values():
                link.addresses = None if link.index is None else by_index.get(link.index)
        found = self._blocking.maybe_result(SIGNALS)
        if found is not self._signals:
            self._signals = found
            by_name = wireless.parse((found.value if found else None) or b"")
            for name, link in links.items():
                link.signal_dbm = by_name.get(name)

    def speed_mbps(self, link: Link) -> int | None:
        """Return the speed of a link, or None if it is unknown."""
        return link.speed_mbps(self._blocking.maybe_result(link.directory))

    def close(self) -> None:
        """End the idle workers."""
        self._blocking.close()
        self._signals_at = -math.inf

    def _read(self, key: str) -> bytes:
        """Return what belongs to ``key``. Raises OSError. Runs on a worker."""
        if key == ADDRESSES:
            return addresses.request_addresses()
        if key == SIGNALS:
            return read_once(self._files.net_path("wireless"))
        return read_speed(key)
