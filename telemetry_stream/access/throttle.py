"""Throttle: an address that sends wrong tokens must wait before each further wrong one. No other address waits.

The throttle does not depend on the tokens. It never sleeps: ``wait_seconds`` returns the time that is left. Its table
is bounded, so an attacker with more than ``MAX_ADDRESSES`` addresses gets a few additional attempts. All IPv6 addresses
of one /64 network count as one address, because a single host usually has a whole /64 (``network_of``).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..net.address import network_of

FREE_ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0  # after the fifth wrong token; each further one doubles it
MAX_WAIT_SECONDS = 60.0
RESET_SECONDS = 900.0  # without a wrong token, after which the count starts at 0 again
MAX_ADDRESSES = 1024


@dataclass(slots=True)
class _Failures:
    """The wrong tokens of one address; times are monotonic seconds."""

    count: int = 0
    wait_until: float = 0.0
    last: float = 0.0


class Throttle:
    """Counts wrong tokens per address and computes waiting times. Any thread may call it; the lock guards all of it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # The address that failed last is at the end.
        self._table: OrderedDict[str, _Failures] = OrderedDict()
        self.failed = 0  # wrong tokens
        self.rejected = 0  # wrong tokens that came while their address had to wait

    def wait_seconds(self, address: str) -> float:
        """Return how long this address must wait. If that is not 0, its wrong token counts as rejected."""
        with self._lock:
            failures = self._table.get(network_of(address))
            left = 0.0 if failures is None else failures.wait_until - self._clock()
            if left <= 0:
                return 0.0
            self.rejected += 1
            return left

    def record_failure(self, address: str) -> int:
        """Count a wrong token; return the number of wrong tokens from this address in a row."""
        key, now = network_of(address), self._clock()
        with self._lock:
            self.failed += 1
            failures = self._table.pop(key, None)
            if failures is None or now - failures.last > RESET_SECONDS:
                failures = _Failures()
            self._table[key] = failures
            failures.count += 1
            failures.last = now
            excess = failures.count - FREE_ATTEMPTS
            if excess >= 0:
                # The maximum is reached long before 10, and 2.0 ** 1024 would overflow.
                wait = FIRST_WAIT_SECONDS * 2.0 ** min(excess, 10)
                failures.wait_until = now + min(wait, MAX_WAIT_SECONDS)
            if len(self._table) > MAX_ADDRESSES:
                self._table.popitem(last=False)
            return failures.count
