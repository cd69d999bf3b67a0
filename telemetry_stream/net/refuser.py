"""Turns connections away without waiting for them, also when no descriptor is left to accept them with.

One thread uses it, the accept loop's; ``refused`` anybody may read. Whom to refuse and what to answer is the
listener's to say.

Strategy: an answer is one non-blocking send. Its socket then lingers for a second among at most ``MAX_LINGERING``
others, because closing it at once would reset it and take the answer along (RFC 9112 section 9.6). With no descriptor
left, accept(2) leaves the connection in the backlog, unanswered and readable for ever. So a socket is held in reserve:
its descriptor takes one connection, which is answered and closed, and is taken back for the next.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections import deque

from .answer import Headers

log = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
MAX_LINGERING = 64

# As much as can have come before the first read: tcp_rmem's default, from which only reading lets it grow (tcp(7)).
UNREAD_BYTES = 128 * 1024


def refusal(status: str, message: str, headers: Headers = ()) -> bytes:
    """A whole HTTP response with a JSON error, after which the connection ends."""
    body = json.dumps({"error": message})
    fields = (
        ("Retry-After", "10"),
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        *headers,
        ("Content-Length", str(len(body))),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{head}\r\n{body}".encode("latin-1")


class Refuser:
    """Holds the sockets that linger, and the reserve. ``close`` must be called."""

    def __init__(self) -> None:
        self.refused = 0
        self._lingering: deque[tuple[float, socket.socket]] = deque()
        # A socket, because it takes of the system just what an accepted one does.
        self._reserve: socket.socket | None = socket.socket(socket.AF_UNIX)

    def refuse(self, sock: socket.socket, answer: bytes) -> None:
        """Answer without waiting, or with b"" only end the connection, and let the socket linger."""
        self._answer(sock, answer)
        self._lingering.append((time.monotonic(), sock))
        if len(self._lingering) > MAX_LINGERING:
            self._bury(self._lingering[0][0])

    def refuse_next(self, listening: socket.socket, answer: bytes) -> bool:
        """Accept with the descriptor in reserve, and refuse. False: that cannot be had, either.

        The socket does not linger, since its descriptor is needed. What has come already is taken, so that closing
        resets nothing; a request that comes later is answered by a reset, behind the answer.
        """
        if self._reserve is None:
            return False
        self._reserve.close()
        self._reserve = None
        try:
            sock, _ = listening.accept()
        except OSError as error:  # another thread was quicker, or who had waited has left
            log.debug("no use of the descriptor in reserve: %s", error)
            return False
        else:
            with sock:
                self._answer(sock, answer)
                try:
                    sock.recv(UNREAD_BYTES)
                except OSError as error:
                    log.debug("nothing came from a refused connection: %s", error)
            return True
        finally:
            self._restore()

    def patience_milliseconds(self) -> float | None:
        """How long ``tidy`` can wait; None: until something happens."""
        return LINGER_SECONDS * 1000 if self._lingering else None

    def tidy(self) -> None:
        """Close what has lingered long enough, and get a reserve again if it was lost."""
        self._bury(time.monotonic() - LINGER_SECONDS)
        self._restore()

    def let_go(self) -> bool:
        """Close all that linger, whose descriptors are needed; whether there were any."""
        had_any = bool(self._lingering)
        self._bury(time.monotonic())
        return had_any

    def close(self) -> None:
        """Close everything. Safe to repeat."""
        self.let_go()
        if self._reserve is not None:
            self._reserve.close()

    def _answer(self, sock: socket.socket, answer: bytes) -> None:
        self.refused += 1
        sock.setblocking(False)
        try:
            if answer:
                sock.send(answer)
            sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.debug("refused connection was gone already: %s", error)

    def _bury(self, until: float) -> None:
        """Close the sockets that have lingered since ``until`` or longer."""
        while self._lingering and self._lingering[0][0] <= until:
            self._lingering.popleft()[1].close()

    def _restore(self) -> None:
        if self._reserve is None:
            try:
                self._reserve = socket.socket(socket.AF_UNIX)
            except OSError as error:
                log.debug("no descriptor in reserve: %s", error)
