"""Damaged TLS records, in the handshake and after it: a read returns true data, or ends the connection with OSError."""

from __future__ import annotations

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.net.tls import TlsTransport
from tests.net.key_updates import KeyUpdates
from tests.net.pairs import soon, tcp_pair
from tests.net.tls_pairs import CONTEXT

DATA = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

damages = st.lists(
    st.tuples(
        st.sampled_from(("flip", "cut", "insert", "double")),
        st.integers(0, 1 << 16),
        st.binary(max_size=20),
    ),
    max_size=3,
)


def damaged(records: bytes, damage: list[tuple[str, int, bytes]]) -> bytes:
    """Return the records with these changes."""
    for kind, position, scrap in damage:
        at = position % (len(records) + 1)
        before, after = records[:at], records[at:]
        if kind == "flip":
            after = bytes((after[0] ^ (1 << len(scrap) % 8),)) + after[1:] if after else after
        elif kind == "cut":
            after = after[len(scrap) :]
        elif kind == "insert":
            before += scrap
        else:
            before += records
        records = before + after
    return records


def read_all(transport: TlsTransport) -> bytes:
    """Read until the end of the stream, or an OSError, which is how a broken one ends."""
    received = b""
    with contextlib.suppress(OSError):
        while data := transport.recv(4096, soon()):
            received += data
    return received


@settings(max_examples=40)
@given(st.binary(max_size=600), damages)
def test_any_hello(scrap: bytes, damage: list[tuple[str, int, bytes]]) -> None:
    """The handshake never succeeds without the right second message, and never waits after the end of the stream."""
    accepted, peer = tcp_pair()
    with peer:
        transport = TlsTransport(accepted, CONTEXT)
        try:
            peer.sendall(damaged(scrap, damage))
            peer.shutdown(socket.SHUT_WR)
            is_done = False
            with contextlib.suppress(OSError):
                transport.handshake(soon())
                is_done = True
            assert not is_done
        finally:
            transport.close()


def test_any_records() -> None:
    """After the handshake; key updates and data in turn. What is read is a beginning of what was sent."""
    with ThreadPoolExecutor(1) as pool:

        @settings(max_examples=40)
        @given(st.lists(st.integers(0, 3), max_size=4), damages)
        def send(updates: list[int], damage: list[tuple[str, int, bytes]]) -> None:
            accepted, peer = tcp_pair()
            with peer:
                transport = TlsTransport(accepted, CONTEXT)
                try:
                    connecting = pool.submit(KeyUpdates, peer)
                    transport.handshake(soon())
                    client = connecting.result(10)
                    records = b"".join(
                        client.records(count) + client.data(DATA) for count in updates
                    )
                    peer.sendall(damaged(records, damage))
                    peer.shutdown(socket.SHUT_WR)
                    assert (DATA * len(updates)).startswith(read_all(transport))
                finally:
                    transport.shutdown()
                    transport.close()

        send()
