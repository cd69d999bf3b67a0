"""TlsTransport: the same promises over TLS, against the standard library's client."""

from __future__ import annotations

import io
import select
import socket
import ssl
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream.net.tls import TlsTransport
from tests.net.pairs import CERTIFICATE, read_exactly, soon, tcp_pair


def server_context() -> ssl.SSLContext:
    """What a program would give its listener."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def client_of(
    sock: socket.socket, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLSocket:
    """Shake hands as a client that trusts only our certificate."""
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.maximum_version = version
    return context.wrap_socket(sock, server_hostname="localhost")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for the other sides of a story."""
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def ends(
    request: pytest.FixtureRequest, pool: ThreadPoolExecutor
) -> Iterator[tuple[TlsTransport, ssl.SSLSocket]]:
    """A transport and its client, hands shaken, both closed at the end."""
    accepted, sock = tcp_pair(send_bytes=4096)
    transport = TlsTransport(accepted, server_context())
    connecting = pool.submit(client_of, sock, request.param)
    transport.handshake(soon())
    client = connecting.result(10)
    yield transport, client
    transport.shutdown()
    transport.close()
    client.close()


def test_reader_and_writers_at_full_speed(
    ends: tuple[TlsTransport, ssl.SSLSocket], pool: ThreadPoolExecutor
) -> None:
    """One TLS object, a reader and two writers at once: every message arrives whole and in order."""
    transport, client = ends
    upstream = bytes(range(256)) * 2000

    def write(letter: bytes) -> None:
        for number in range(300):
            transport.send(
                struct.pack("!II", 1000 + number, number) + letter * (1000 + number), soon()
            )

    def read() -> bytes:
        data = bytearray()
        while len(data) < len(upstream):
            data += transport.recv(1000, soon())
        return bytes(data)

    jobs = [pool.submit(write, b"a"), pool.submit(write, b"b")]
    reading = pool.submit(read)
    downstream = pool.submit(exchange, client, upstream, 2 * sum(range(1008, 1308)))
    for job in jobs:
        job.result(10)
    assert reading.result(10) == upstream
    stream = io.BytesIO(downstream.result(10))
    seen: dict[bytes, list[int]] = {b"a": [], b"b": []}
    while header := stream.read(8):
        length, number = struct.unpack("!II", header)
        body = stream.read(length)
        assert body == body[:1] * length
        seen[body[:1]].append(number)
    assert seen == {b"a": list(range(300)), b"b": list(range(300))}


def exchange(client: ssl.SSLSocket, upstream: bytes, expected: int) -> bytes:
    """Write ``upstream`` and read ``expected`` bytes from one thread, as a TLS client must."""
    received = bytearray()
    client.setblocking(False)
    while upstream or len(received) < expected:
        blocked = 0
        try:
            upstream = upstream[client.send(upstream[:1000]) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            blocked += 1
        try:
            received += client.recv(65536)
        except ssl.SSLWantReadError:
            blocked += 1
        if blocked == 2:
            select.select([client], [client] if upstream else [], [], 10)
    client.settimeout(10)
    return bytes(received)


def test_partial_record_is_kept_and_nothing_is_sent_twice(
    ends: tuple[TlsTransport, ssl.SSLSocket], pool: ThreadPoolExecutor
) -> None:
    """try_send over a full buffer: 0 means not a byte of it, less than all means all of it later."""
    transport, client = ends
    sent: list[bytes] = []
    while taken := transport.try_send(data := b"%08d" % len(sent) * 600):
        sent.append(data)
        if taken < len(data):
            break
    assert transport.try_send(b"refused") == 0
    reading = pool.submit(read_exactly, client, sum(map(len, sent)) + 4)
    transport.send(b"last", soon())
    assert reading.result(10) == b"".join(sent) + b"last"


def fill(sock: socket.socket) -> None:
    """Write until the buffer is full."""
    while True:
        sock.send(bytes(1000))


def test_full_buffer_takes_nothing_of_a_try_send(
    ends: tuple[TlsTransport, ssl.SSLSocket],
) -> None:
    """A record that cannot begin to go is not made: 0 would be a lie, since it could not be taken back."""
    transport, _ = ends
    with pytest.raises(BlockingIOError):
        fill(transport._sock)  # beneath the transport, which thus has no rest of its own
    assert transport.try_send(b"refused") == 0
    assert "rest=0" in repr(transport)


class Promising:
    """A poll that always says yes."""

    def poll(self, _: int) -> list[tuple[int, int]]:
        return [(0, select.POLLOUT)]


def test_record_that_is_made_and_does_not_fit_is_kept_and_counts_as_taken(
    ends: tuple[TlsTransport, ssl.SSLSocket], pool: ThreadPoolExecutor
) -> None:
    """Should poll ever promise more than there is: the frame is neither lost nor sent twice."""
    transport, client = ends
    client.settimeout(10)
    with pytest.raises(BlockingIOError):
        fill(transport._sock)
    transport._poller = Promising()  # type: ignore[assignment]
    assert transport.try_send(b"taken") == 1
    assert "rest=0" not in repr(transport)
    assert transport.try_send(b"refused") == 0


def test_all_that_is_decrypted_is_handed_out_without_polling(
    ends: tuple[TlsTransport, ssl.SSLSocket],
) -> None:
    """A record larger than the reads does not wait for the next one."""
    transport, client = ends
    client.sendall(bytes(range(200)))
    assert b"".join(transport.recv(1, soon()) for _ in range(200)) == bytes(range(200))


@pytest.mark.parametrize("last_words", [False, True])
def test_polite_end_is_seen_by_both(
    ends: tuple[TlsTransport, ssl.SSLSocket], pool: ThreadPoolExecutor, *, last_words: bool
) -> None:
    """close says close_notify behind the last message, and a client's close_notify reads as the end."""
    transport, client = ends
    if last_words:
        transport.last_words(b"goodbye")
        assert transport.try_send(b"more") == 0
        with pytest.raises(OSError, match="ended"):
            transport.send(b"more", soon())
    else:
        transport.send(b"goodbye", soon())
    closing = pool.submit(transport.close)
    assert read_exactly(client, 100) == b"goodbye"  # SSLEOFError would say: cut off
    client.close()
    closing.result(10)


def test_clients_close_notify_reads_as_the_end(
    ends: tuple[TlsTransport, ssl.SSLSocket], pool: ThreadPoolExecutor
) -> None:
    """A proper end is b"", as in plain text."""
    transport, client = ends
    client.settimeout(10)
    unwrapping = pool.submit(client.unwrap)
    assert transport.recv(10, soon()) == b""
    closing = pool.submit(transport.close)
    unwrapping.result(10).close()
    closing.result(10)


def test_stream_that_is_cut_off_is_an_error(ends: tuple[TlsTransport, ssl.SSLSocket]) -> None:
    """An end without close_notify may be an attacker's. It is no SSLEOFError in each Python that there is."""
    transport, client = ends
    client.shutdown(socket.SHUT_WR)
    with pytest.raises(ssl.SSLError, match="UNEXPECTED_EOF"):
        transport.recv(10, soon())


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ssl.SSLError),
        (b"", ConnectionResetError),
        (b"\x16\x03\x01", ConnectionResetError),
    ],
)
def test_handshake_with_something_else_fails(said: bytes, error: type[OSError]) -> None:
    """Plain HTTP on a TLS port, and a peer that leaves, are OSErrors."""
    accepted, peer = tcp_pair()
    transport = TlsTransport(accepted, server_context())
    peer.sendall(said)
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(error):
        transport.handshake(soon())
    transport.close()
    peer.close()


def test_handshake_has_a_deadline() -> None:
    """A peer that says nothing does not keep the thread."""
    accepted, peer = tcp_pair()
    transport = TlsTransport(accepted, server_context())
    with pytest.raises(TimeoutError):
        transport.handshake(soon(0.05))
    transport.shutdown()
    transport.close()
    peer.close()


def test_everything_fails_calmly_after_the_end(ends: tuple[TlsTransport, ssl.SSLSocket]) -> None:
    """A late caller gets OSError."""
    transport, _ = ends
    transport.shutdown()
    transport.close()
    for call in (
        lambda: transport.try_send(b"late"),
        lambda: transport.send(b"late", soon()),
        lambda: transport.recv(1, soon()),
    ):
        with pytest.raises(OSError, match=r"ended|closed|descriptor"):
            call()
