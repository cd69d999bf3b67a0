"""What is known of our own link, so that a host is never reported lost because of it.

While the link is down, all hosts are silent. After it, they need a few seconds until they have returned: a line first
ends an attempt to connect and a pause, an agent connects to its broker again. So a silence that began before a break of
the link counts only if the link has worked for 15 s since.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from ..net.dial import Authorities
from .remote import Link

BREAK_SECONDS = 10.0  # without anything that was received
BREAK_INTERVALS = 3  # or so many times the time in which something was expected, if that is longer
UNBROKEN_SECONDS = 15.0


class Continuity:
    """Since when a link has worked without a break. All times are monotonic seconds.

    One thread at a time notes what happens, any thread may read. Each attribute is atomic. ``_unbroken_since`` is set
    before ``_received_at`` and read after it, so nobody sees something new without the break before it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._unbroken_since = math.inf
        self._received_at = -math.inf
        self._expected_seconds = 0.0  # until something is received again

    def note_begin(self) -> None:
        """Note that the link works from now on, after a break."""
        self._unbroken_since = self._received_at = self._monotonic()

    def note_received(self, at: float, expected_seconds: float = 0.0) -> None:
        """Note when something was received, from a sender that usually sends again within ``expected_seconds``."""
        # The shorter time counts: had the link worked, one of the two senders would have been heard within it.
        if at - self._received_at > _break_seconds(min(self._expected_seconds, expected_seconds)):
            self._unbroken_since = at
        self._received_at = at
        self._expected_seconds = expected_seconds

    def is_long_since(self, moment: float) -> bool:
        """Whether hosts have had the time to return since ``moment``."""
        return self._monotonic() - moment >= UNBROKEN_SECONDS

    @property
    def is_unbroken(self) -> bool:
        """Whether all hosts have had the time to return since the last break."""
        return self.is_long_since(self._unbroken_since)

    def state(self, since: float) -> Link:
        """Return "up" if the link has worked after ``since``, "unknown" if nothing shows it, or if it is silent now."""
        received_at = self._received_at
        if self._monotonic() - received_at > _break_seconds(self._expected_seconds):
            return "unknown"  # that it works again shows only when something is received
        if since < self._unbroken_since and not self.is_unbroken:
            return "unknown"
        return "up" if received_at > since else "unknown"


def _break_seconds(expected_seconds: float) -> float:
    """Return after how long without anything a link counts as broken."""
    return max(BREAK_SECONDS, BREAK_INTERVALS * expected_seconds)


class DirectLink:
    """Our own link to the hosts that are connected directly, for all lines. Any thread may call any method.

    An answer of any host shows that it works, even a refusal. The lock makes each answer one step. ``authorities`` are
    those of TLS.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.authorities = Authorities()
        self._monotonic = monotonic
        self._continuity = Continuity(monotonic)
        self._lock = threading.Lock()

    def note_answer(self, expected_seconds: float) -> None:
        """Note that a host has answered, which usually answers again within ``expected_seconds``."""
        with self._lock:
            self._continuity.note_received(self._monotonic(), expected_seconds)

    def has_worked(self, since: float) -> Link:
        """Return "up" if it has worked after ``since`` (monotonic seconds), "unknown" if nothing shows it."""
        return self._continuity.state(since)

    def is_long_since(self, moment: float) -> bool:
        """Whether hosts have had the time to return since ``moment`` (monotonic seconds)."""
        return self._continuity.is_long_since(moment)
