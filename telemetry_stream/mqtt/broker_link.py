"""What is known of our own link to the broker, so that a host is never reported lost because of it.

While the link is down, all hosts are silent. After it, agents need a few seconds until they have returned to a broker
that was restarted, and a broker that was frozen has wills for hosts that are alive. So the silence of a host and a will
count only if our link has worked without a break for 15 s. A frozen broker ends no connection for a while; what shows
the break is that not even its answers to our pings arrive.

If the broker has more messages than we read, it drops some of them, of any host. So for 15 s after that,
the silence of a host does not count either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..fleet.remote import Link

KEEPALIVE_SECONDS = 8
BREAK_SECONDS = 10.0  # without anything from the broker, which answers a ping every 8 s
UNBROKEN_SECONDS = 15.0


class BrokerLink:
    """The link of one watcher, for all of its hosts.

    One thread notes what happens, any thread may ask; each attribute is atomic. All times are monotonic seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._connected_at = math.inf  # inf: there is no connection
        self._unbroken_since = math.inf
        self._received_at = -math.inf
        self._exceeded_at = -math.inf

    def note_connected(self) -> None:
        """Note that a broker has accepted us."""
        now = self._monotonic()
        self._received_at = self._unbroken_since = self._connected_at = now

    def note_received(self, at: float) -> None:
        """Note when the broker sent something last."""
        if at - self._received_at > BREAK_SECONDS:
            self._unbroken_since = at
        self._received_at = at

    def note_exceeded(self, at: float) -> None:
        """Note when the broker sent more than we read, which may be long ago."""
        self._exceeded_at = max(self._exceeded_at, at)

    def note_disconnected(self) -> None:
        """Note that the connection has ended."""
        self._connected_at = math.inf

    @property
    def is_trusted(self) -> bool:
        """Whether a will counts now."""
        return self._is_connected and self._is_long_since(self._unbroken_since)

    def state(self, since: float) -> Link:
        """Return whether the link has worked after ``since``: "down" if it has not, "unknown" if nothing shows it."""
        connected_at, unbroken_since = self._connected_at, self._unbroken_since
        if connected_at == math.inf:
            return "down"
        if since < connected_at and not self._is_long_since(connected_at):
            return "down"
        if not self._is_long_since(self._exceeded_at):
            return "unknown"
        if since < unbroken_since and not self._is_long_since(unbroken_since):
            return "unknown"
        return "up" if self._received_at > since else "unknown"

    @property
    def _is_connected(self) -> bool:
        return self._connected_at != math.inf

    def _is_long_since(self, moment: float) -> bool:
        return self._monotonic() - moment >= UNBROKEN_SECONDS
