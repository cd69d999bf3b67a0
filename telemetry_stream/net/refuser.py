"""Refuses connections without waiting for them, even when no descriptor is left to accept them with.

Used by one thread, that of the accept loop; any thread may read ``refused``. The listener decides which connections
are refused and with which response.

Strategy: a response is one non-blocking send. Its socket stays open for a second, among at most ``MAX_LINGERING``
others. If it were closed at once while input is unread, the kernel would send a reset, and the peer could lose the
response (RFC 9112 section 9.6). When no descriptor is left, accept(2) fails and the connection stays in the backlog,
where it keeps the listening socket readable. For that case one socket is held in reserve: closing it frees a
descriptor with which one connection is accepted, answered and closed. Then the reserve is opened again.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import deque

log = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
MAX_LINGERING = 64

# The most that arrives before the first read: the default of tcp_rmem, which only reading lets grow (tcp(7)).
UNREAD_BYTES = 128 * 1024


class Refuser:
    """Holds the lingering sockets and the reserve. ``close`` must be called."""

    def __init__(self) -> None:
        self.refused = 0
        self._lingering: deque[tuple[float, socket.socket]] = deque()  # oldest first
        # A socket, because it needs the same system resources as an accepted one.
        self._reserve: socket.socket | None = socket.socket(socket.AF_UNIX)

    def refuse(self, sock: socket.socket, response: bytes) -> None:
        """Send ``response`` without waiting, or only end the stream if it is empty, and let the socket linger."""
        self._respond(sock, response)
        self._lingering.append((time.monotonic(), sock))
        if len(self._lingering) > MAX_LINGERING:
            self._close_older_than(self._lingering[0][0])

    def refuse_with_reserve(self, listening: socket.socket, response: bytes) -> bool:
        """Accept one connection with the reserved descriptor, and refuse it.

        Return False if that is impossible: the reserve is lost, or accept(2) fails.

        The socket does not linger, since its descriptor is needed. Input that has arrived is read first, so that
        closing sends no reset. Input that arrives later is answered by a reset, which follows the response.
        """
        if self._reserve is None:
            return False
        self._reserve.close()
        self._reserve = None
        try:
            sock, _ = listening.accept()
        except OSError as error:  # another thread took the descriptor, or the peer has left
            log.debug("Cannot accept with the reserved descriptor: %s", error)
            return False
        else:
            with sock:
                self._respond(sock, response)
                try:
                    sock.recv(UNREAD_BYTES)
                except OSError as error:
                    log.debug("No input from a refused connection: %s", error)
            return True
        finally:
            self._open_reserve()

    def timeout_milliseconds(self) -> float | None:
        """Return how long the caller may wait until it calls ``close_expired``; None: indefinitely."""
        return LINGER_SECONDS * 1000 if self._lingering else None

    def close_expired(self) -> None:
        """Close the sockets that have lingered for ``LINGER_SECONDS``, and open a lost reserve again."""
        self._close_older_than(time.monotonic() - LINGER_SECONDS)
        self._open_reserve()

    def close_lingering(self) -> bool:
        """Close all lingering sockets, because their descriptors are needed. Return whether there were any."""
        had_any = bool(self._lingering)
        self._close_older_than(time.monotonic())
        return had_any

    def close(self) -> None:
        """Close everything. Safe to call twice."""
        self.close_lingering()
        if self._reserve is not None:
            self._reserve.close()

    def _respond(self, sock: socket.socket, response: bytes) -> None:
        self.refused += 1
        sock.setblocking(False)
        try:
            if response:
                sock.send(response)
            sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.debug("Refused connection was already closed: %s", error)

    def _close_older_than(self, moment: float) -> None:
        """Close the sockets that have lingered since ``moment`` (monotonic seconds) or longer."""
        while self._lingering and self._lingering[0][0] <= moment:
            self._lingering.popleft()[1].close()

    def _open_reserve(self) -> None:
        if self._reserve is None:
            try:
                self._reserve = socket.socket(socket.AF_UNIX)
            except OSError as error:
                log.debug("Cannot reserve a descriptor: %s", error)
