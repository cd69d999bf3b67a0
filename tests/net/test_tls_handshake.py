"""TlsTransport, the handshake: its deadline, its failures, and messages that do not fit into the buffer."""

from __future__ import annotations

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net.tls import TlsTransport
from tests.net.pairs import CERTIFICATE, LimitedSocket, read_exactly, soon, tcp_pair
from tests.net.tls_pairs import CONTEXT, tls_client


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ssl.SSLError),
        (b"", ConnectionResetError),
        (b"\x16\x03\x01", ConnectionResetError),
    ],
)
def test_handshake_fails_without_a_client_hello(data: bytes, error: type[OSError]) -> None:
    """Plain HTTP on a TLS port, and a peer that leaves, are OSErrors."""
    accepted, peer = tcp_pair()
    transport = TlsTransport(accepted, CONTEXT)
    peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(error):
        transport.handshake(soon())
    transport.close()
    peer.close()


def test_failed_handshake_sends_an_alert(pool: ThreadPoolExecutor) -> None:
    """The client learns why it failed: here, it supports no cipher suite that works with our certificate."""
    accepted, sock = tcp_pair()
    transport = TlsTransport(accepted, CONTEXT)
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    connecting = pool.submit(context.wrap_socket, sock, server_hostname="localhost")
    with pytest.raises(ssl.SSLError, match="NO_SHARED_CIPHER"):
        transport.handshake(soon())
    transport.shutdown()
    transport.close()
    with pytest.raises(ssl.SSLError, match="ALERT_HANDSHAKE_FAILURE"):
        connecting.result(10)


def test_handshake_message_that_does_not_fit_is_sent_later(pool: ThreadPoolExecutor) -> None:
    """A certificate chain may be longer than the send buffer has room for."""
    accepted, sock = tcp_pair()
    limited = LimitedSocket(accepted)
    limited.room = 100
    transport = TlsTransport(limited, CONTEXT)
    shaking = pool.submit(transport.handshake, soon())
    connecting = pool.submit(tls_client, sock)
    limited.wait_for_refused(1)
    limited.room = 10_000
    shaking.result(10)
    client = connecting.result(10)
    transport.send(b"hello", soon())
    assert read_exactly(client, 5) == b"hello"
    transport.shutdown()
    transport.close()
    client.close()


def test_handshake_has_a_deadline() -> None:
    """A peer that sends nothing does not keep the thread."""
    accepted, peer = tcp_pair()
    transport = TlsTransport(accepted, CONTEXT)
    with pytest.raises(TimeoutError):
        transport.handshake(soon(0.05))
    transport.shutdown()
    transport.close()
    peer.close()
