"""The client's side of a WebSocket, against peers that follow the rules and peers that do not."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.net.transport import Transport
from telemetry_stream.websocket import frame, outbound
from telemetry_stream.websocket.outbound import (
    BYTES_PER_FRAME,
    MAX_FRAMES,
    Outbound,
    OutboundError,
    RejectedError,
)

HEADERS = [(b"Authorization", b"Bearer 0123456789abcdef")]
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Server:
    """The other end of the connection: the test decides each byte."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.request = b""

    def answer(self, following: bytes = b"") -> None:
        """Answer the handshake, with these bytes in the same segment."""
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", self.request)
        assert key
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())  # the RFC's
        self.sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + following
        )


class ReadsFirst(Transport):
    """A transport that lets the test answer as soon as the request is sent."""

    __slots__ = ("on_sent",)
    on_sent: Callable[[], None]

    def send(self, data: bytes | memoryview, deadline: float) -> None:
        super().send(data, deadline)
        self.on_sent()


@contextmanager
def opening(
    following: bytes = b"",
    response: bytes = b"",
    *,
    ends: bool = True,
    max_message_bytes: int = 1000,
) -> Iterator[tuple[Outbound, Server]]:
    """A connection whose server answers the handshake, or gives ``response`` instead."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    server, transport = Server(theirs), ReadsFirst(ours)

    def on_sent() -> None:
        if not server.request:
            server.request = theirs.recv(4096)
            if response:
                theirs.sendall(response)
                if ends:
                    theirs.shutdown(socket.SHUT_WR)
            else:
                server.answer(following)

    transport.on_sent = on_sent
    with theirs:
        try:
            yield Outbound(transport, max_message_bytes=max_message_bytes), server
        finally:
            transport.shutdown()
            transport.close()


def opened(connection: Outbound) -> Outbound:
    """Make the handshake."""
    connection.open("web1:8750", "/ws?sections=vitals", HEADERS)
    return connection


def test_the_request_has_path_host_and_token() -> None:
    """And no extension."""
    with opening() as (connection, server):
        opened(connection)
    head = server.request.decode().lower()
    assert head.startswith("get /ws?sections=vitals http/1.1\r\n")
    assert "\r\nhost: web1:8750\r\n" in head
    assert "\r\nauthorization: bearer 0123456789abcdef\r\n" in head
    assert "extensions" not in head
    assert "origin" not in head


def test_messages_are_received_whole() -> None:
    """In one frame or several, with the answer to the handshake or later, also between pings."""
    pieces = list(frame.fragments([b'{"a":', '"ö"}'.encode()]))
    following = frame.text(b"one") + pieces[0] + frame.PING
    with opening(following) as (connection, server):
        opened(connection)
        server.sock.sendall(b"".join(pieces[1:]) + frame.text(b"three") + frame.close(1001, "x"))
        texts = [connection.maybe_message(10) for _ in range(4)]
        assert texts == ["one", '{"a":"ö"}', "three", None]
        assert connection.close_code == 1001
        assert server.sock.recv(100)[:1] == b"\x8a"  # a pong


def test_a_long_message_may_have_many_frames() -> None:
    """As a history has."""
    count = 3 * MAX_FRAMES
    pieces = [bytes([65 + number % 26]) * BYTES_PER_FRAME for number in range(count)]
    sent = b"".join(frame.fragments(pieces))
    with opening(max_message_bytes=count * BYTES_PER_FRAME) as (connection, server):
        opened(connection)
        server.sock.sendall(sent + frame.text(b"two"))
        assert connection.maybe_message(10) == b"".join(pieces).decode()
        assert connection.maybe_message(10) == "two"


@pytest.mark.parametrize("status", [400, 401, 404, 503])
def test_a_refusal_has_its_status(status: int) -> None:
    """Whatever the body contains."""
    response = f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno".encode()
    with opening(response=response) as (connection, _), pytest.raises(RejectedError) as caught:
        opened(connection)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000,
    ],
)
def test_another_protocol_is_an_error(response: bytes) -> None:
    """Also an endless head."""
    with opening(response=response) as (connection, _), pytest.raises(OutboundError):
        opened(connection)


def test_a_peer_that_disconnects_is_an_error() -> None:
    """During the handshake and later."""
    with opening(response=b"HTTP/1.1 1") as (connection, _), pytest.raises(ConnectionResetError):
        opened(connection)
    with opening() as (connection, server):
        opened(connection)
        server.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            connection.maybe_message(10)


@pytest.mark.parametrize(
    "sent",
    [
        frame.text(b"x" * 1001),
        b"".join(list(frame.fragments([b"x" * 100] * 11))[:11]),
        frame.PING * (MAX_FRAMES + 1),
        b"".join(list(frame.fragments([b""] * 100))[:100]),
        b"".join(list(frame.fragments([b"x"] * 100))[:100]),
        b"\x82\x01x",
        b"\x81\x01\xff",
        b"\xf1\x01x",
        b"\x81\x81\x00\x00\x00\x00x",
        b"\x89\x7e\x00\x80" + b"x" * 128,
        b"\x80\x01x",
        b"\x01\x01x\x81\x01x",
        b"\x83\x01x",
    ],
    ids=[
        "long",
        "fragments",
        "pings",
        "empty",
        "small",
        "binary",
        "utf-8",
        "reserved",
        "masked",
        "long ping",
        "continuation",
        "text in text",
        "opcode",
    ],
)
def test_a_peer_that_breaks_a_rule_is_an_error(sent: bytes) -> None:
    """Nothing of what it sent is used."""
    with opening() as (connection, server):
        opened(connection)
        server.sock.sendall(sent)
        with pytest.raises(OutboundError):
            connection.maybe_message(10)


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 40))
@settings(max_examples=50)
def test_frames_may_arrive_in_any_pieces(payloads: list[bytes], size: int) -> None:
    """Byte by byte or together; each frame is taken as a whole."""
    sent = b"".join(map(frame.text, payloads))
    connection = Outbound.__new__(Outbound)
    connection._data, connection._max_message_bytes = bytearray(), 1000
    found = []
    for begin in range(0, len(sent), size):
        connection._data += sent[begin : begin + size]
        while (one := connection._maybe_frame()) is not None:
            found.append(bytes(one[1]))
    assert found == payloads
    assert not connection._data


def test_a_length_that_never_comes_takes_no_memory() -> None:
    """The header announces 2^62 bytes; what arrives counts."""
    with opening() as (connection, server):
        opened(connection)
        server.sock.sendall(b"\x81\x7f\x40" + bytes(7) + b"x" * 2000)
        with pytest.raises(OutboundError, match="too much"):
            connection.maybe_message(10)


def test_silence_ends_the_connection() -> None:
    """Pings are no data: a peer that only sends them is silent."""
    with opening() as (connection, server):
        opened(connection)
        server.sock.sendall(frame.PING * 3)
        with pytest.raises(TimeoutError):
            connection.maybe_message(0.05)


def test_a_slow_handshake_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has accepted the connection and sent a part of the head."""
    monkeypatch.setattr(outbound, "HEAD_SECONDS", 0.05)
    with (
        opening(response=b"HTTP/1.1 101", ends=False) as (connection, _),
        pytest.raises(TimeoutError),
    ):
        opened(connection)
