"""Invented hosts: served on one port for --watch, or published to a broker. Each sends its vitals once per second."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import selectors
import socket
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def hello(number: int) -> bytes:
    """Return the hello of an invented host."""
    host = {"id": f"{number:016x}", "name": f"host-{number}.example", "kernel": "6.12.0"}
    fields = {"type": "hello", "protocol": 1, "host": host, "stream": f"{number:032x}"}
    return json.dumps({**fields, "interval_seconds": 1.0, "seq": 0, "tags": ["eu", "web"]}).encode()


def vitals(seq: int) -> str:
    """Return the fields of the vitals of an invented host. ``rx`` is the monotonic time, in milliseconds."""
    return (
        f'"cpu":{seq * 7 % 1000 / 10},"memory":48.2,"swap":0.0,"load":0.41,"pressure":1.5,"disk":12.0,'
        f'"filesystem":71.4,"rx":{time.monotonic_ns() // 1_000_000},"tx":20312,"celsius":54.5'
    )


def sample(number: int, seq: int) -> bytes:
    """Return a sample with the vitals of an invented host."""
    return (
        f'{{"type":"sample","stream":"{number:032x}","seq":{seq},"host":"{number:016x}","time_unix":{time.time():.3f},'
        f'"uptime_seconds":3564762.5,"interval_seconds":1.0003,"vitals":{{{vitals(seq)}}},'
        '"sources":{"vitals":{"state":"ok","took_seconds":2e-05}}}'
    ).encode()


def framed(payload: bytes) -> bytes:
    """Return a text frame of a server."""
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


class InventedHosts:
    """Serves invented hosts on one port, which a path tells apart, and sends the vitals of each once per second."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._server.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._open: dict[int, socket.socket] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def urls(self) -> str:
        """The value of --watch."""
        return ",".join(f"http://127.0.0.1:{self.port}/{number}" for number in range(self._count))

    def connected(self) -> int:
        """Return how many hosts are watched."""
        return len(self._open)

    def _run(self) -> None:
        begin, sent = time.monotonic(), 0
        while not self._stop.is_set():
            due = begin + sent / self._count
            for key, _ in self._selector.select(max(0.0, due - time.monotonic())):
                if key.fileobj is self._server:
                    self._selector.register(self._server.accept()[0], selectors.EVENT_READ)
                else:
                    self._read(key.fileobj)  # type: ignore[arg-type]
            while begin + sent / self._count <= time.monotonic():
                number, seq = sent % self._count, sent // self._count + 1
                if number in self._open:
                    self._send(number, framed(sample(number, seq)))
                sent += 1

    def _send(self, number: int, data: bytes) -> None:
        try:
            self._open[number].send(data)
        except OSError:  # the program has stopped
            del self._open[number]

    def _read(self, sock: socket.socket) -> None:
        head = sock.recv(4096)
        found = re.match(rb"GET /(\d+)/ws(?s:.*)\r\n[Ss]ec-[Ww]eb[Ss]ocket-[Kk]ey: (\S+)", head)
        if not found:
            self._selector.unregister(sock)
            sock.close()
            return
        accept = base64.b64encode(hashlib.sha1(found[2] + GUID).digest())  # noqa: S324  # the RFC's
        number = int(found[1])
        sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + framed(hello(number))
        )
        self._open[number] = sock

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()
        for sock in (self._server, *self._open.values()):
            sock.close()


def packet(first: int, body: bytes) -> bytes:
    """Return an MQTT packet (MQTT 3.1.1, section 2.2)."""
    length, size = b"", len(body)
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (128 if size else 0)])
        if not size:
            return bytes([first]) + length + body


def publication(number: int, name: str, payload: bytes, *, retain: bool = False) -> bytes:
    """Return the packet of an invented host."""
    topic = f"ts/1/default/{number:016x}/{name}".encode()
    return packet(0x31 if retain else 0x30, len(topic).to_bytes(2, "big") + topic + payload)


def flat(number: int, seq: int) -> bytes:
    """Return the vitals of an invented host, as agents publish them."""
    head = f'{{"stream":"{number:032x}","seq":{seq},"time_unix":{time.time():.3f},'
    return f"{head}{vitals(seq)}}}".encode()


class InventedAgents:
    """Publishes invented hosts on one connection to a broker, the vitals of each once per second."""

    def __init__(self, port: int, count: int) -> None:
        self._count = count
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._sock.sendall(packet(0x10, b"\0\4MQTT\4\2\0\0\0\6agents"))
        self._sock.recv(4)
        for number in range(count):
            self._sock.sendall(publication(number, "hello", hello(number), retain=True))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        begin, sent = time.monotonic(), 0
        while not self._stop.wait(max(0.0, begin + sent / self._count - time.monotonic())):
            due = int((time.monotonic() - begin) * self._count) + 1
            packets = [
                publication(
                    one % self._count, "vitals", flat(one % self._count, one // self._count + 1)
                )
                for one in range(sent, due)
            ]
            self._sock.sendall(b"".join(packets))
            sent = due

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()
        self._sock.close()
