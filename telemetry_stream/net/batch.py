"""Sends one frame to many transports with one system call: what ``Transport.try_send`` does for each of them.

Relies on a ``Ring`` (uring.py). Plain transports only, because TLS encrypts a frame for each peer separately. Does not
depend on hub or viewers.

The locks of the transports are held while their descriptors are with the kernel. So no other write comes in between,
and no descriptor is closed, whose number another connection could get.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from .transport import Transport
from .uring import Ring, UnavailableError

log = logging.getLogger(__name__)

# Sends per system call. The locks are held during one call, so a larger ring would delay pongs. It would not save CPU
# either: with 1000 viewers, four calls of 256 cost 0.93 of one call, because fewer objects fit better into the
# processor's cache.
RING_ENTRIES = 256


class Batch:
    """One ring, and its use for transports, from ``start`` to ``close``. Any thread may call it.

    ``is_active`` is False if io_uring is unavailable, and becomes False if it fails. Then nothing is sent through it.
    """

    def __init__(self) -> None:
        self.is_active = False
        self._lock = threading.Lock()  # guards the ring
        self._ring: Ring | None = None

    def start(self) -> None:
        """Open the ring, and check that it works. If it is unavailable, the log has the reason."""
        try:
            self._ring = Ring(RING_ENTRIES)
        except UnavailableError as error:
            log.info(
                "Frames are sent with one system call per viewer, because io_uring is unavailable: %s",
                error,
            )
        else:
            self.is_active = True

    def try_send_all(self, frame: bytes, transports: Sequence[Transport]) -> list[int]:
        """Do for each of these transports what ``try_send(frame)`` does. Return the results in the same order.

        A result is negative where ``try_send`` would raise OSError. If the ring fails, which is logged once, the result
        is 0 for all transports to which nothing was sent.
        """
        taken: list[int] = []
        with self._lock:
            for start in range(0, len(transports), RING_ENTRIES):
                taken += self._send_some(frame, transports[start : start + RING_ENTRIES])
        return taken

    def _send_some(self, frame: bytes, transports: Sequence[Transport]) -> list[int]:
        ring = self._ring
        if ring is None or not self.is_active:
            return [0] * len(transports)
        held = ready = [transport for transport in transports if transport._lock.acquire(False)]
        try:
            descriptors = [transport._descriptor for transport in held if not transport._blocked]
            if len(descriptors) < len(held):
                ready = [transport for transport in held if not transport._blocked]
            taken = ring.send(frame, descriptors)
            size = len(frame)
            if taken.count(size) == len(ready):
                for transport in ready:
                    transport.bytes_sent += size
            else:
                for transport, count in zip(ready, taken, strict=True):
                    if count > 0:
                        transport.bytes_sent += count
                        transport._keep_locked(memoryview(frame)[count:])
        finally:
            for transport in held:
                transport._lock.release()
        if ring.failure is not None:
            self.is_active = False
            log.warning(
                "Frames are sent with one system call per viewer from now on, because io_uring has failed: %s",
                ring.failure,
            )
        if len(ready) == len(transports):
            return taken
        found = dict(zip(ready, taken, strict=True))
        return [found.get(transport, 0) for transport in transports]

    def close(self) -> None:
        """Close the ring. Safe to call twice, and before ``start``."""
        with self._lock:
            self.is_active = False
            if self._ring is not None:
                self._ring.close()
