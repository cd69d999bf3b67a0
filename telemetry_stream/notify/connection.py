"""A connection of one attempt to a server, which another thread can end at any moment.

Every wait has the deadline of the attempt. A lookup of a name is the exception: getaddrinfo(3) has its own timeouts
(resolv.conf(5)) and cannot be interrupted. It delays only the thread of its receiver.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from typing import TYPE_CHECKING

from ..net.dial import tls_error_of
from .channel import DeliveryError

if TYPE_CHECKING:
    import ssl

ADDRESS_SECONDS = 5.0  # for one address of a host; a name may have several


class Abortable:
    """The socket of an attempt in progress. ``_lock`` guards ``_handle`` and ``_aborted``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._aborted = False

    def begin(self) -> None:
        """Begin an attempt: what was aborted before does not count."""
        with self._lock:
            self._aborted = False

    def connect(self, host: str, port: int, deadline: float) -> socket.socket:
        """Return a connected socket. ``deadline`` is in monotonic seconds. Raises OSError or UnicodeError."""
        failure: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            opened = socket.socket(family, kind, protocol)
            try:
                self._hold(opened)
                opened.settimeout(min(ADDRESS_SECONDS, left(deadline)))
                opened.connect(address)
            except OSError as error:
                opened.close()
                failure = error
            else:
                return opened
        raise failure

    def abort(self) -> None:
        """End the attempt: whatever waits for the socket fails."""
        with self._lock:
            self._aborted = True
            if self._handle is not None:
                _shut_down(self._handle)

    def end(self) -> None:
        """Forget the socket. The caller closes its own."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _hold(self, opened: socket.socket) -> None:
        """Keep a second descriptor of the socket: TLS moves the first one to another object."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = opened.dup()
            if self._aborted:
                raise ConnectionAbortedError(errno.ECONNABORTED, "aborted")


def left(deadline: float) -> float:
    """Return the seconds until a deadline. Raises TimeoutError if it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("no complete answer in time")
    return seconds


def tls_context(ca: str) -> ssl.SSLContext:
    """Return a context that verifies certificate and name. ``ca``: a PEM file instead of the system's authorities."""
    import ssl  # noqa: PLC0415  # 2 MiB that a program without TLS saves

    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not in PEM"
        raise DeliveryError(f"{ca} cannot be used: {reason}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def reason_of(error: Exception) -> str:
    """Return why an attempt failed, in the words of the system or of OpenSSL. They contain nothing of a request."""
    if isinstance(error, OSError):
        error = tls_error_of(error)
    if isinstance(error, socket.gaierror):
        return f"its name cannot be looked up: {error.strerror}"
    if isinstance(error, TimeoutError):
        return "no complete answer in time"
    if isinstance(error, UnicodeError):
        return "its name is not a host name"
    return getattr(error, "strerror", None) or "the connection was lost"


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is not connected any more
