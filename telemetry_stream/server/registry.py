"""The registry of viewers: who is connected, and the limits for all viewers together and for each address.

A viewer holds a slot from its request to the end of its connection. A refused client may try again as often as it
wants, so each limit writes at most one log line per minute.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from ..access.credential import Credential
from ..hub import Client
from ..net.address import PerAddress
from ..net.answer import HTTPError
from ..net.rate_limited_log import RateLimitedLog
from ..net.transport import Transport

log = logging.getLogger(__name__)


class Selection(Hashable, Protocol):
    """What a viewer selects, as far as reports show it. It is the topic of the viewer's client."""

    @property
    def sections(self) -> tuple[str, ...] | None: ...
    @property
    def every(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer and its connection."""

    number: int
    kind: str  # "websocket" or "lines"
    peer: str
    credential: Credential | None  # with which it was accepted; None if it needs none
    choice: Selection
    client: Client
    transport: Transport
    since: float = field(default_factory=time.monotonic)  # seconds

    @property
    def user(self) -> str | None:
        """The name of its token."""
        return self.credential.token.name if self.credential else None

    def report(self, now: float, *, identified: bool) -> dict[str, Any]:
        """Return its entry in ``/api/v1/clients`` (docs/protocol.md section 9), with or without who it is.

        ``now`` is in monotonic seconds.
        """
        return {
            "id": self.number,
            "peer": self.peer if identified else None,
            "user": self.user if identified else None,
            "kind": self.kind,
            "sections": self.choice.sections,
            "every": self.choice.every,
            "connected_seconds": round(now - self.since, 3),
            "sent_frames": self.client.sent,
            "sent_bytes": self.transport.bytes_sent,
            "dropped_frames": self.client.dropped,
            "waiting_frames": self.client.queue.qsize(),
        }


class Registry:
    """``limit`` slots, and the viewers in them: ``reserve`` a slot, ``add`` the viewer, ``release`` the slot.

    Any thread may call it. The lock guards ``_free``, ``_viewers`` and ``refused``.
    """

    def __init__(self, limit: int, per_address: PerAddress) -> None:
        self._limit = limit
        self._per_address = per_address
        self._lock = threading.Lock()
        self._all_free = threading.Condition(self._lock)
        self._free = limit
        self._viewers: dict[int, Viewer] = {}
        self._numbers = itertools.count(1)
        self.refused = 0
        # Two logs: refusals of a single address must not hide that the limit for all is reached.
        self._full = RateLimitedLog(log, logging.WARNING)
        self._address_full = RateLimitedLog(log, logging.WARNING)

    def reserve(self, address: str) -> int:
        """Reserve a slot for a viewer from this address, and return the viewer's number.

        Raises HTTPError 429 or 503 if a limit is reached.
        """
        if not self._per_address.reserve(address):
            reason = f"Limit of {self._per_address.limit} viewers per address reached"
            self._address_full.log("Viewer from %s refused: %s", address, reason)
            self._refuse("429 Too Many Requests", reason)
        with self._lock:
            is_free = self._free > 0
            self._free -= is_free
        if not is_free:
            self._per_address.release(address)
            reason = f"Viewer limit reached ({self._limit})"
            self._full.log("Viewer from %s refused: %s", address, reason)
            self._refuse("503 Service Unavailable", reason)
        return next(self._numbers)

    def _refuse(self, status: str, reason: str) -> NoReturn:
        with self._lock:
            self.refused += 1
        raise HTTPError(status, reason, (("Retry-After", "10"),))

    def add(self, viewer: Viewer) -> None:
        """Add a viewer, whose number is that of its slot."""
        with self._lock:
            self._viewers[viewer.number] = viewer

    def __contains__(self, viewer: Viewer) -> bool:
        """Return whether the viewer was added."""
        with self._lock:
            return viewer.number in self._viewers

    def viewers(self) -> list[Viewer]:
        """Return the viewers in the order in which they were added."""
        with self._lock:
            return list(self._viewers.values())

    def release(self, number: int, address: str) -> None:
        """Release the slot, and remove its viewer if there is one."""
        self._per_address.release(address)
        with self._lock:
            self._viewers.pop(number, None)
            self._free += 1
            if self._free == self._limit:
                self._all_free.notify_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until all slots are free, and return whether they are."""
        with self._lock:
            return self._all_free.wait_for(lambda: self._free == self._limit, timeout)
