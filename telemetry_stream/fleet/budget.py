"""How much of this front end's time a host may take. A host that sends too much delays only itself.

What is spent is the cost of texts (see stream/received.py): one MiB takes about an eighth of a second.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

# Of the full samples of one host, without compression. A usual host needs 10 KB.
SAMPLES_COST_PER_SECOND = 4 * 1024 * 1024


class CostBudget:
    """An amount that grows by ``per_second``, up to ``most``. It may be overspent; the rest is owed.

    Without a lock: if two threads spend at once, one amount may be lost. All times are monotonic seconds.
    """

    def __init__(
        self, per_second: float, most: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._most_seconds = most / per_second
        self._monotonic = monotonic
        self.paid_at = -math.inf  # from then on, nothing is owed

    def spend(self, amount: float) -> None:
        """Spend an amount."""
        full_at = self._monotonic() - self._most_seconds
        self.paid_at = max(self.paid_at, full_at) + amount / self._per_second

    @property
    def owed_seconds(self) -> float:
        """After how many seconds nothing is owed."""
        return max(0.0, self.paid_at - self._monotonic())

    @property
    def owed(self) -> float:
        """What was spent and is not there yet."""
        return self.owed_seconds * self._per_second
