"""Connections to other servers: name resolution, connect and TLS with verification, within one deadline.

The caller gets a transport, as the listener makes one of an accepted connection. Certificates are verified against the
authorities of the system (OpenSSL reads SSL_CERT_FILE and SSL_CERT_DIR).
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .transport import Transport

if TYPE_CHECKING:
    import ssl

# For one address of a host; a name may have several.
CONNECT_SECONDS = 4.0
# There is no route to an address: a failure of our own network, not of the host.
NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


class Endpoint(NamedTuple):
    """A host and a port, and whether to use TLS."""

    host: str
    port: int
    secure: bool


class TlsError(OSError):
    """The peer answers, but not with TLS as we require it.

    Its certificate may be for another name, expired, or of an unknown authority.
    """


class Authorities:
    """The authorities of the system, for all connections of their owner: to load them takes 0.8 MiB and 40 ms.

    They are loaded for the first connection with TLS. Any thread may call any method. ``_lock`` guards ``_context``.
    The files are read under it, because otherwise all connections of a start would read them at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context of a client that requires a certificate of one of them."""
        import ssl  # noqa: PLC0415  # 2 MiB and 10 ms that a program without TLS saves

        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context()
                self._context.set_alpn_protocols(["http/1.1"])
            return self._context

    def reload(self) -> None:
        """Load them again for the next connection: one may have been added."""
        with self._lock:
            self._context = None


class Dialer:
    """Makes one connection after the other. One thread calls ``connect``; any thread may call ``abort``."""

    def __init__(self, endpoint: Endpoint, authorities: Authorities) -> None:
        self._endpoint = endpoint
        self._authorities = authorities
        self._sock: socket.socket | None = None
        self._aborted = False

    def connect(self, deadline: float) -> Transport:
        """Return a connected transport, with the TLS handshake done. ``deadline`` is in monotonic seconds.

        Raises OSError: of the last address that was tried (TlsError if the handshake fails), or of the last one with a
        route, or of the name resolution (socket.gaierror), which has its own timeouts (resolv.conf(5)).
        """
        host, port, _ = self._endpoint
        error: OSError = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:  # IDNA has no form for some names, such as "a..b"
            raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
        for family, kind, protocol, _, address in found:
            sock = self._sock = socket.socket(family, kind, protocol)
            try:
                self._connect(sock, address, min(deadline, time.monotonic() + CONNECT_SECONDS))
                transport = self._secured(sock)
                transport.handshake(deadline)
            except OSError as failure:
                if failure.errno not in NO_ROUTE or error.errno in NO_ROUTE:
                    error = failure
                sock.close()
                if self._aborted or time.monotonic() >= deadline:
                    break
            except BaseException:
                sock.close()
                raise
            else:
                return transport
            finally:
                self._sock = None
        raise tls_error_of(error) if self._endpoint.secure else error

    def abort(self) -> None:
        """End a connect that is in progress, and all later ones."""
        self._aborted = True
        sock = self._sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is not connecting any more

    def _connect(self, sock: socket.socket, address: Any, deadline: float) -> None:
        sock.setblocking(False)
        failure = errno.ECONNABORTED if self._aborted else sock.connect_ex(address)
        if failure == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            failure = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def _secured(self, sock: socket.socket) -> Transport:
        if not self._endpoint.secure:
            return Transport(sock)
        from .tls import TlsTransport  # noqa: PLC0415  # imports ssl

        context = self._authorities.context()
        return TlsTransport(sock, context, server_name=self._endpoint.host)


def tls_error_of(error: OSError) -> OSError:
    """Return the error of a TLS handshake as one of ours, in OpenSSL's words. Return any other unchanged."""
    import ssl  # noqa: PLC0415  # as above

    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsError(errno.EPROTO, f"the certificate is not valid: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "unknown").replace("_", " ").lower()
        return TlsError(errno.EPROTO, f"TLS failed: {reason}")
    return error
