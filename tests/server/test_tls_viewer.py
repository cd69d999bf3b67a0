"""One viewer over TLS that reads and writes at full speed, for some seconds or for those in TLS_SECONDS."""

from __future__ import annotations

import json
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream.net.tls_context import server_context
from telemetry_stream.websocket.quota import Allowance
from tests.conftest import eventually
from tests.net.pairs import CERTIFICATE
from tests.server.service import Service
from tests.websocket.peer import CLOSE, PING, PONG, TEXT, closing, frame, handshake

SECONDS = float(os.environ.get("TLS_SECONDS", "3"))
UNLIMITED = Allowance(512, 10**9, 10**12)
MESSAGES = frame(TEXT, b"x" * 300) * 20 + frame(PING, b"ping")


class Client:
    """Reads and writes on one thread without blocking, because OpenSSL does not allow two threads."""

    def __init__(self, address: tuple[str, int]) -> None:
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        plain = socket.create_connection(address, 10)
        self.sock = trusting.wrap_socket(plain, server_hostname="localhost")
        self.sock.setblocking(False)
        self.outgoing = handshake()
        self.incoming = bytearray()
        self.written = 0

    def step(self) -> None:
        """Write and read as much as possible; wait if neither is possible."""
        is_stuck = True
        try:
            sent = self.sock.send(self.outgoing[:4096]) if self.outgoing else 0
            self.outgoing, self.written = self.outgoing[sent:], self.written + sent
            is_stuck = not sent
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        try:
            self.incoming += self.sock.recv(65536)
            is_stuck = False
        except ssl.SSLWantReadError:
            pass
        if is_stuck:
            writers = [self.sock] if self.outgoing else []
            assert any(select.select([self.sock], writers, [], 10))

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield opcode and payload of each complete frame."""
        while len(self.incoming) > 1:
            length, at = self.incoming[1], 2
            if length > 125:
                at = 4 if length == 126 else 10
                length = int.from_bytes(self.incoming[2:at], "big")
            if len(self.incoming) < at + length or (length == 0 and at > 2):
                return
            opcode, payload = self.incoming[0] & 15, bytes(self.incoming[at : at + length])
            del self.incoming[: at + length]
            yield opcode, payload


def publish_until(stop: threading.Event, service: Service) -> None:
    """Publish as fast as the hub takes samples. Frames are dropped if the viewer has no room."""
    while not stop.is_set():
        service.publish(pad=2000)


@pytest.mark.timeout(SECONDS + 60)
def test_reader_and_writer_at_full_speed() -> None:
    """Frames and messages cross. Every frame is correct and in order, and the close frame is answered."""
    context = server_context(str(CERTIFICATE), str(CERTIFICATE))
    stop, numbers, pongs = threading.Event(), [0], 0
    with Service(ssl_context=context, allowance=UNLIMITED, history_seconds=0) as service:
        client = Client(service.address)
        with client.sock:
            while b"\r\n\r\n" not in client.incoming:
                client.step()
            assert client.incoming.startswith(b"HTTP/1.1 101 ")
            del client.incoming[: client.incoming.index(b"\r\n\r\n") + 4]
            publisher = threading.Thread(target=publish_until, args=(stop, service))
            publisher.start()
            end = time.monotonic() + SECONDS
            # Both directions make progress: far below the usual numbers, which are thousands per second.
            least = 10 * SECONDS
            is_open, is_over = True, False
            while is_open:
                if not client.outgoing and not is_over:
                    figures = (len(numbers), pongs, client.written / len(MESSAGES))
                    is_over = time.monotonic() > end and min(figures) > least
                    if is_over:
                        stop.set()  # the server still has megabytes to read before the close frame
                    client.outgoing = closing(1000) if is_over else MESSAGES
                client.step()
                for opcode, payload in client.frames():
                    if opcode == TEXT and (message := json.loads(payload))["type"] == "sample":
                        assert message["seq"] > numbers[-1]
                        numbers.append(message["seq"])
                    pongs += opcode == PONG
                    assert opcode in (TEXT, PING, PONG, CLOSE)
                    is_open = is_open and opcode != CLOSE
            publisher.join()
        assert eventually(lambda: service.hub.stats().ended)
        assert {str(word): n for word, n in service.hub.stats().ended.items()} == {"gone": 1}
