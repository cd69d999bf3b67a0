"""The two ends of a TLS connection: a TlsTransport and a client of the standard library."""

from __future__ import annotations

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

from telemetry_stream.net.tls import TlsTransport
from telemetry_stream.net.tls_context import server_context
from tests.net.pairs import CERTIFICATE, soon

CONTEXT = server_context(str(CERTIFICATE), str(CERTIFICATE))


def tls_client(
    sock: socket.socket, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLSocket:
    """Do the handshake of a client that trusts only our certificate."""
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.maximum_version = version
    return context.wrap_socket(sock, server_hostname="localhost")


def tls_ends(
    accepted: socket.socket,
    sock: socket.socket,
    pool: ThreadPoolExecutor,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> tuple[TlsTransport, ssl.SSLSocket]:
    """Do the handshake of both ends."""
    transport = TlsTransport(accepted, CONTEXT)
    connecting = pool.submit(tls_client, sock, version)
    transport.handshake(soon())
    return transport, connecting.result(10)
