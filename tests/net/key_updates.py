"""A TLS 1.3 client that floods a server with key updates (RFC 8446 section 4.6.3). The ssl module has no call for them.

Relies on the layout of CPython's ``_ssl._SSLSocket``: the third field after the two of every object is its ``SSL *``.
"""

from __future__ import annotations

import _ssl
import ctypes
import socket
import ssl

from tests.net.pairs import CERTIFICATE

UPDATE_REQUESTED = 1  # the server must answer each with one of its own

_openssl = ctypes.CDLL(_ssl.__file__)
_openssl.SSL_key_update.argtypes = [ctypes.c_void_p, ctypes.c_int]
_openssl.SSL_do_handshake.argtypes = [ctypes.c_void_p]


class KeyUpdates:
    """A connection after its handshake."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=CERTIFICATE)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._sock.sendall(self._outgoing.read())
                self._incoming.write(self._sock.recv(65536))
        self._sock.sendall(self._outgoing.read())
        address = id(self._tls._sslobj) + 3 * ctypes.sizeof(ctypes.c_void_p)  # type: ignore[attr-defined]
        self._ssl = ctypes.c_void_p.from_address(address)

    def records(self, count: int) -> bytes:
        """Return so many key updates, each with the keys of the one before."""
        for _ in range(count):
            assert _openssl.SSL_key_update(self._ssl, UPDATE_REQUESTED) == 1
            assert _openssl.SSL_do_handshake(self._ssl) == 1
        return self._outgoing.read()

    def flood(self, _: bytes) -> None:
        """Send a hundred key updates."""
        self._sock.sendall(self.records(100))

    def data(self, data: bytes) -> bytes:
        """Return a record with ``data``."""
        self._tls.write(data)
        return self._outgoing.read()
