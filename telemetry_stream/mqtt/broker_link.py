"""What is known of our own link to the broker, so that a host is never reported lost because of it.

Agents need a few seconds until they have returned to a broker that was restarted, and a broker that was frozen has
wills for hosts that are alive. So the silence of a host and a will count only if our link has worked without a break
for 15 s. A frozen broker ends no connection for a while; what shows the break is that not even its answers to our pings
arrive.

If the broker has more messages than we read, it drops some of them, of any host. So for 15 s after that,
the silence of a host does not count either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..fleet.link import Continuity
from ..fleet.remote import Link

KEEPALIVE_SECONDS = 8  # the broker answers each ping, which is less than a break


class BrokerLink:
    """The link of one watcher, for all of its hosts.

    One thread notes what happens, any thread may read; each attribute is atomic. All times are monotonic seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._continuity = Continuity(monotonic)
        self._connected_at = math.inf  # inf: there is no connection
        self._exceeded_at = -math.inf

    def note_connected(self) -> None:
        """Note that a broker has accepted us."""
        self._continuity.note_begin()
        self._connected_at = self._monotonic()

    def note_received(self, at: float) -> None:
        """Note when the broker sent something last."""
        self._continuity.note_received(at)

    def note_exceeded(self, at: float) -> None:
        """Note when the broker sent more than we read, which may be long ago."""
        self._exceeded_at = max(self._exceeded_at, at)

    def note_disconnected(self) -> None:
        """Note that the connection has ended."""
        self._connected_at = math.inf

    @property
    def is_trusted(self) -> bool:
        """Whether a will counts now."""
        return self._connected_at != math.inf and self._continuity.is_unbroken

    def state(self, since: float) -> Link:
        """Return whether the link has worked after ``since``: "down" if it has not, "unknown" if nothing shows it."""
        connected_at = self._connected_at
        if connected_at == math.inf:
            return "down"
        if since < connected_at and not self._continuity.is_long_since(connected_at):
            return "down"
        if not self._continuity.is_long_since(self._exceeded_at):
            return "unknown"
        return self._continuity.state(since)
