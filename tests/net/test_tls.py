"""TlsTransport: what differs from plain TCP, against the standard library's client and OpenSSL's."""

from __future__ import annotations

import io
import select
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from telemetry_stream.net import tls
from telemetry_stream.net.tls import TlsTransport
from telemetry_stream.net.transport import Transport
from tests.net.key_updates import KeyUpdates
from tests.net.pairs import LimitedSocket, read_exactly, soon, tcp_pair
from tests.net.tls_pairs import CONTEXT, tls_ends

TlsEnds = tuple[TlsTransport, ssl.SSLSocket]


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def secured(request: pytest.FixtureRequest, pool: ThreadPoolExecutor) -> Iterator[TlsEnds]:
    """A transport with a small send buffer, and its client."""
    accepted, sock = tcp_pair(send_bytes=4096)
    transport, client = tls_ends(accepted, sock, pool, request.param)
    client.settimeout(10)
    yield transport, client
    transport.shutdown()
    transport.close()
    client.close()


def test_reader_and_writers_at_full_speed(secured: TlsEnds, pool: ThreadPoolExecutor) -> None:
    """One TLS object, a reader and two writers at the same time: every message arrives whole and in order."""
    transport, client = secured
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
    """Write ``upstream`` and read ``expected`` bytes on one thread, as a TLS client must."""
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
    secured: TlsEnds, pool: ThreadPoolExecutor
) -> None:
    """When try_send fills the buffer, 0 means that none of the data is sent, and less than all that all of it is."""
    transport, client = secured
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
    try:
        while True:
            sock.send(bytes(1000))
    except BlockingIOError:
        pass


def test_full_buffer_takes_nothing_of_a_try_send(pool: ThreadPoolExecutor) -> None:
    """A record that does not fit is not made: it could not be taken back, and 0 would be wrong."""
    accepted, sock = tcp_pair(send_bytes=4096)
    transport, client = tls_ends(accepted, sock, pool)
    fill(accepted)  # not through the transport, which then has no unsent bytes
    assert transport.try_send(b"refused") == 0
    assert "unsent=0" in repr(transport)
    transport.shutdown()
    transport.close()
    client.close()


def test_record_that_is_made_and_does_not_fit_is_kept_and_counts_as_taken(
    pool: ThreadPoolExecutor,
) -> None:
    """If poll reports room and send finds none, the frame is neither lost nor sent twice."""
    accepted, sock = tcp_pair()
    limited = LimitedSocket(accepted)
    transport, client = tls_ends(limited, sock, pool)
    limited.room = 0
    assert transport.try_send(b"taken") == 1
    assert transport.try_send(b"refused") == 0
    limited.room = 1000
    transport.send(b", sent", soon())
    assert read_exactly(client, 11) == b"taken, sent"
    transport.shutdown()
    transport.close()
    client.close()


def test_partial_record_is_never_reported_as_complete(pool: ThreadPoolExecutor) -> None:
    """A record is longer than its data: if only its last bytes do not fit, the count is still below all."""
    accepted, sock = tcp_pair()
    limited = LimitedSocket(accepted)
    transport, client = tls_ends(limited, sock, pool)
    data = bytes(range(200))
    limited.room = len(data) + 10
    assert 0 < transport.try_send(data) < len(data)
    limited.room = 1000
    transport.send(b"", soon())
    assert read_exactly(client, len(data)) == data
    limited.room = 0
    assert transport.try_send(b"x") == 0  # of one byte there is no part to report
    transport.shutdown()
    transport.close()
    client.close()


def test_decrypted_bytes_are_returned_without_polling(secured: TlsEnds) -> None:
    """The rest of a record that is larger than one read does not wait for the next record."""
    transport, client = secured
    client.sendall(bytes(range(200)))
    assert b"".join(transport.recv(1, soon()) for _ in range(200)) == bytes(range(200))


@contextmanager
def s_client(option: str) -> Iterator[tuple[TlsTransport, subprocess.Popen[bytes]]]:
    """OpenSSL's client, which prints every TLS message and has commands for special ones; and a transport."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", address, "-msg", option],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with client:
            accepted, _ = server.accept()
            transport = TlsTransport(accepted, CONTEXT)
            try:
                transport.handshake(soon())
                yield transport, client
            finally:
                transport.shutdown()
                transport.close()
                client.kill()


def command(client: subprocess.Popen[bytes], line: bytes) -> None:
    """Write one line of input: a command of s_client, or data."""
    assert client.stdin is not None
    client.stdin.write(line)
    client.stdin.flush()


def has_printed(client: subprocess.Popen[bytes], text: bytes) -> bool:
    """Whether the client prints a line with ``text`` before it ends."""
    assert client.stdout is not None
    return any(text in line for line in client.stdout)


def test_alert_is_sent_while_nothing_else_is_written() -> None:
    """A client that requests a renegotiation waits for the answer. The next read sends the refusal."""
    with s_client("-tls1_2") as (transport, client):
        command(client, b"R\n")
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            transport.recv(100, soon())  # the client gives up because of the alert
        transport.shutdown()
        assert has_printed(client, b"<<< TLS 1.2, Alert [length 0002], warning no_renegotiation")


def test_key_update_is_answered_by_the_next_write() -> None:
    """It must be, before any other data (RFC 8446 section 4.6.3); both directions continue with new keys."""
    with s_client("-tls1_3") as (transport, client):
        command(client, b"K\n")
        assert has_printed(client, b">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
        command(client, b"upstream\n")
        assert transport.recv(100, soon()) == b"upstream\n"
        transport.send(b"downstream\n", soon())
        assert has_printed(client, b"<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
        assert has_printed(client, b"downstream")


@contextmanager
def flooded(pool: ThreadPoolExecutor) -> Iterator[tuple[TlsTransport, socket.socket, KeyUpdates]]:
    """A transport, and a client that can send key updates."""
    accepted, sock = tcp_pair()
    with sock:
        transport = TlsTransport(accepted, CONTEXT)
        connecting = pool.submit(KeyUpdates, sock)
        try:
            transport.handshake(soon())
            yield transport, sock, connecting.result(10)
        finally:
            transport.shutdown()
            transport.close()


def test_flood_of_key_updates_ends_the_connection(pool: ThreadPoolExecutor) -> None:
    """Without data, more than 64 KiB are refused."""
    with flooded(pool) as (transport, sock, client):
        sending = pool.submit(sock.sendall, client.records(5000))
        with pytest.raises(ConnectionAbortedError):
            transport.recv(100, soon())
        transport.shutdown()
        assert sending.exception(10) is None or isinstance(sending.exception(), OSError)


def test_flood_of_key_updates_does_not_extend_the_deadline(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read ends at its deadline although there are more records to read, and the next one returns their data."""
    monkeypatch.setattr(tls, "RECV_BYTES", 27)  # a key update
    with flooded(pool) as (transport, sock, client):
        sock.sendall(client.records(100))
        with pytest.raises(TimeoutError):
            transport.recv(100, soon(0.0))
        assert transport._overhead_bytes < 50 * 27
        sock.sendall(client.data(b"data"))
        assert transport.recv(100, soon()) == b"data"


def test_key_updates_beside_data_are_limited(pool: ThreadPoolExecutor) -> None:
    """A little data between them does not help. Data alone has no limit."""
    with flooded(pool) as (transport, sock, client):
        for _ in range(30):
            sock.sendall(client.data(b"x" * 16_000))
            assert transport.recv(16_000, soon()) == b"x" * 16_000

        def exchange() -> None:
            for _ in range(100):
                sock.sendall(client.records(100) + client.data(b"x"))
                assert transport.recv(100, soon()) == b"x"

        with pytest.raises(ConnectionAbortedError):
            exchange()


@pytest.mark.parametrize("is_final", [False, True], ids=["send", "send_final"])
def test_close_ends_the_stream_properly(
    secured: TlsEnds, pool: ThreadPoolExecutor, *, is_final: bool
) -> None:
    """close sends close_notify after the last message; without it the client would raise SSLEOFError."""
    transport, client = secured
    if is_final:
        transport.send_final(b"the end")
    else:
        transport.send(b"the end", soon())
    closing = pool.submit(transport.close)
    assert read_exactly(client, 100) == b"the end"
    client.close()
    closing.result(10)


def test_client_s_close_notify_is_the_end_of_the_stream(
    secured: TlsEnds, pool: ThreadPoolExecutor
) -> None:
    """A regular end is b"", as in plain text."""
    transport, client = secured
    unwrapping = pool.submit(client.unwrap)
    assert transport.recv(10, soon()) == b""
    closing = pool.submit(transport.close)
    unwrapping.result(10).close()
    closing.result(10)


def test_stream_that_is_cut_off_is_an_error(secured: TlsEnds) -> None:
    """An end without close_notify may be an attacker's. Not every Python version raises SSLEOFError for it."""
    transport, client = secured
    client.shutdown(socket.SHUT_WR)
    with pytest.raises(ssl.SSLError, match="UNEXPECTED_EOF"):
        transport.recv(10, soon())


def test_every_call_fails_with_oserror_after_the_end(secured: TlsEnds) -> None:
    """As in plain text."""
    transport: Transport = secured[0]
    transport.shutdown()
    transport.close()
    for call in (
        lambda: transport.try_send(b"late"),
        lambda: transport.send(b"late", soon()),
        lambda: transport.recv(1, soon()),
    ):
        with pytest.raises(OSError, match=r"ended|closed|descriptor"):
            call()
