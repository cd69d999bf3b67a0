"""A TCP proxy between a front end and a host that a test can stall and cut."""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards every connection to ``address``. ``stall`` keeps the bytes back, ``cut`` resets all connections."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        self._is_refusing = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.accepted = 0

    @property
    def url(self) -> str:
        """The address of the host behind the proxy."""
        return f"http://127.0.0.1:{self.port}"

    def stall(self) -> None:
        """Forward nothing until ``flow``. The kernel still accepts connections."""
        self._flows.clear()

    def flow(self) -> None:
        """Forward again."""
        self._flows.set()

    def cut(self, *, refuse: bool = False) -> None:
        """Reset all connections. ``refuse``: those that come until ``accept`` as well."""
        with self._lock:
            self._is_refusing = refuse
            for sock in list(self._pairs):
                self._close(sock)

    def accept(self) -> None:
        """Forward new connections again."""
        self._is_refusing = False

    def _run(self) -> None:
        while not self._stopped:
            events = self._selector.select(0.02)
            self._flows.wait()
            with self._lock:
                for key, _ in events:
                    sock = key.fileobj
                    assert isinstance(sock, socket.socket)
                    if sock is self._server:
                        self._accept()
                    elif sock in self._pairs:
                        self._forward(sock)

    def _accept(self) -> None:
        client, _ = self._server.accept()
        self.accepted += 1
        if self._is_refusing:
            client.close()
            return
        try:
            host = socket.create_connection(self._address, timeout=10)
        except OSError:
            client.close()
            return
        for sock, other in ((client, host), (host, client)):
            self._pairs[sock] = other
            self._selector.register(sock, selectors.EVENT_READ)

    def _forward(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
            if data:
                self._pairs[sock].sendall(data)
                return
        except OSError:
            pass
        self._close(sock)

    def _close(self, sock: socket.socket) -> None:
        other = self._pairs.pop(sock, None)
        if other is None:
            return
        self._pairs.pop(other, None)
        for one in (sock, other):
            self._selector.unregister(one)
            one.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        self.flow()
        self._thread.join(10)
        self.cut()
        self._selector.close()
        self._server.close()
