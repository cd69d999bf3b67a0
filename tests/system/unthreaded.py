"""The ``websockets`` package without its threads, for viewers over TLS.

The package's own client reads and writes one SSLSocket from two threads. About one in a thousand of these clients never
got the answer to its handshake (websockets 17.4, CPython 3.11). With one thread, none of a thousand failed.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State
from websockets.uri import parse_uri


class UnthreadedViewer:
    """A viewer on a connected socket, which the caller closes."""

    def __init__(self, sock: socket.socket, url: str, headers: Mapping[str, str]) -> None:
        self.sock = sock
        self.protocol = ClientProtocol(parse_uri(url))
        request = self.protocol.connect()
        request.headers.update(headers)
        self.protocol.send_request(request)
        self.events: deque[Event] = deque()
        while self.protocol.state is State.CONNECTING:
            self.exchange()
        if self.protocol.handshake_exc is not None:
            raise self.protocol.handshake_exc
        self.events.popleft()  # the response

    def exchange(self) -> None:
        """Write the pending bytes of the protocol, and read once."""
        for data in self.protocol.data_to_send():
            if data:
                self.sock.sendall(data)
        if data := self.sock.recv(65536):
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        self.events.extend(self.protocol.events_received())

    def read(self) -> dict[str, Any]:
        """Return the next message. Alerts are skipped: a busy host has some at any time."""
        while True:
            while not self.events:
                assert self.protocol.state is not State.CLOSED, self.protocol.close_code
                self.exchange()
            event = self.events.popleft()
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                found: dict[str, Any] = json.loads(bytes(event.data))
                if found["type"] != "alerts":
                    return found

    def send(self, text: str) -> None:
        """Send a message."""
        self.protocol.send_text(text.encode())
        for data in self.protocol.data_to_send():
            self.sock.sendall(data)

    def close_code(self) -> int | None:
        """Read to the close frame; return its code, or None."""
        while self.protocol.close_rcvd is None and self.protocol.state is not State.CLOSED:
            self.exchange()
        return None if self.protocol.close_rcvd is None else self.protocol.close_rcvd.code
