"""Failed tries per address: whoever guesses waits longer and longer, and nobody else waits.

Relies on the monotonic clock and knows nothing of what was tried. No thread sleeps: the answer to a try that comes too
soon is how long to wait. The table is bounded; an attacker with more addresses than it has places gets a few more
tries. An IPv6 host has a whole /64 to try from, so that is its address here.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..net.address import network_of

FREE_TRIES = 5
FIRST_WAIT_SECONDS = 1.0  # after the try that was one too many; each further one doubles it
MAX_WAIT_SECONDS = 60.0
FORGET_SECONDS = 900.0
MAX_ADDRESSES = 1024


@dataclass(slots=True)
class _Tries:
    failed: int = 0
    wait_until: float = 0.0
    last: float = 0.0


class Throttle:
    """Counts failures and says who has to wait. For any thread; the lock guards all of it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._table: OrderedDict[str, _Tries] = OrderedDict()
        self.failed = 0  # tries that were wrong
        self.slowed = 0  # tries that were not looked at

    def wait_seconds(self, address: str) -> float:
        """How long this address is to wait before its next try is looked at: 0, or its try has been turned away."""
        with self._lock:
            tries = self._table.get(network_of(address))
            left = 0.0 if tries is None else tries.wait_until - self._clock()
            if left <= 0:
                return 0.0
            self.slowed += 1
            return left

    def fail(self, address: str) -> int:
        """Count a wrong try; return how many this address has made in a row."""
        key, now = network_of(address), self._clock()
        with self._lock:
            self.failed += 1
            tries = self._table.pop(key, None)
            if tries is None or now - tries.last > FORGET_SECONDS:
                tries = _Tries()
            self._table[key] = tries  # the newest last
            tries.failed += 1
            tries.last = now
            over = tries.failed - FREE_TRIES
            if over >= 0:
                # 2.0 ** 1024 is out of range, and the longest wait is reached long before.
                tries.wait_until = now + min(
                    FIRST_WAIT_SECONDS * 2.0 ** min(over, 10), MAX_WAIT_SECONDS
                )
            if len(self._table) > MAX_ADDRESSES:
                self._table.popitem(last=False)
            return tries.failed
