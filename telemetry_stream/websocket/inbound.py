"""What a viewer may send, and simple-websocket's server tamed to it.

Viewers have nothing to say. Their messages are counted and thrown away unread, and one that talks too much is ended:
the library keeps every message for ever, bounds no fragments and no pings, and one flooding peer takes a whole core.
The seams used are public: the socket in the environ, ``thread_class``, ``handshake`` and ``pong_received``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Event, TextMessage


def _import_server() -> Any:
    """Import ``simple_websocket.ws`` without its package's door, which brings asyncio for servers that we are not.

    That is a fifth of the whole program's memory and start-up time, and embedded boards have neither to give. The
    package is left as it was: a program that embeds us and imports it gets all of it.
    """
    door = "simple_websocket"
    if door in sys.modules:
        return importlib.import_module(f"{door}.ws")
    spec = importlib.util.find_spec(door)
    if spec is None:
        raise ModuleNotFoundError(f"no module named {door!r}", name=door)
    sys.modules[door] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(f"{door}.ws")
    finally:
        del sys.modules[door]


_simple_websocket: Any = _import_server()


class Allowance(NamedTuple):
    """What a peer may send: bytes in one message; frames of every kind and bytes in each second.

    A second is counted from its first frame.
    """

    message_bytes: int = 512
    frames_per_second: int = 20
    bytes_per_second: int = 16 * 1024


class QuotaExceededError(OSError):
    """The peer sends too much. An OSError, because those end the library's reader in an orderly way."""


class Quota:
    """Counts what a peer sends against its allowance."""

    def __init__(self, allowance: Allowance = Allowance()) -> None:  # noqa: B008  # immutable
        self.allowance = allowance
        self.exceeded = False
        self._window_ends = 0.0
        self._frames = 0
        self._bytes = 0

    def take(self, *, frames: int = 0, size: int = 0) -> None:
        """Count what came; QuotaExceededError past what one second may bring."""
        _, max_frames, max_bytes = self.allowance
        now = time.monotonic()
        if now >= self._window_ends:
            self._window_ends = now + 1.0
            self._frames = self._bytes = 0
        self._frames += frames
        self._bytes += size
        if self._frames > max_frames or self._bytes > max_bytes:
            self.exceeded = True
            raise QuotaExceededError(
                f"more than {max_frames} frames or {max_bytes} bytes in a second"
            )


class PeerSocket(Protocol):
    """What the library takes for a socket.

    ``pong`` is told of each pong, and ``closing`` before the library sends a close frame: as a reply, or over a broken
    rule, which may be a message that is too big.
    """

    def send(self, data: bytes) -> int: ...
    def recv(self, size: int) -> bytes: ...
    def close(self) -> None: ...
    def pong(self) -> None: ...
    def closing(self, *, too_big: bool) -> None: ...


class _CountedConnection(WSConnection):
    """Counts every frame that wsproto has read: pings and empty fragments trip no other limit. Announces text, and its
    close.
    """

    def __init__(
        self, quota: Quota, on_text: Callable[[str], None], on_closing: Callable[[], None]
    ) -> None:
        super().__init__(ConnectionType.SERVER)
        self._quota = quota
        self._on_text = on_text
        self._on_closing = on_closing

    def events(self) -> Iterator[Event]:  # type: ignore[override]  # the library only iterates
        source = self.handshake if self.connection is None else self.connection
        for event in source.events():
            self._quota.take(frames=1)
            if isinstance(event, TextMessage):
                self._on_text(event.data)
            yield event

    def send(self, event: Event) -> bytes:
        if isinstance(event, CloseConnection):
            self._on_closing()
        return super().send(event)


class _Discarding(list[Any]):
    """Given as ``input_buffer``: takes every message and keeps none. (A deque of no length takes 760 bytes.)"""

    def append(self, _: Any) -> None:
        """Do nothing."""


class _NoEvent:
    """Given as ``event_class``: tells of messages for ``receive``, which nobody calls; an Event takes a kilobyte."""

    def set(self) -> None:
        """Do nothing."""


class _CallersThread:
    """Given as ``thread_class``: the reader runs in the thread that calls ``run``, and none is hidden."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        self.run = target

    def start(self) -> None:
        """Do nothing: see the class."""


class Inbound(_simple_websocket.Server):  # type: ignore[misc]  # the library has no types
    """The receiving side of one viewer: answers the handshake when made, then ``read`` until the peer ends.

    ``key`` is a Sec-WebSocket-Key that has been checked. The library builds a request of its own from the environ it
    is given, so it gets constants and that key and nothing that a peer wrote: no extension is negotiated, hence no
    compression, and one frame fits all viewers. Raises OSError if the answer cannot be sent.
    """

    def __init__(self, peer: PeerSocket, key: str, quota: Quota) -> None:
        self._quota = quota
        super().__init__(
            {
                "werkzeug.socket": peer,
                "HTTP_HOST": "localhost",
                "HTTP_UPGRADE": "websocket",
                "HTTP_CONNECTION": "Upgrade",
                "HTTP_SEC_WEBSOCKET_KEY": key,
                "HTTP_SEC_WEBSOCKET_VERSION": "13",
            },
            max_message_size=quota.allowance.message_bytes,
            thread_class=_CallersThread,
            event_class=_NoEvent,
        )

    def handshake(self) -> None:
        """Swap in the bounded parts, then answer 101. The library calls this before it would start its thread."""
        self.input_buffer: list[Any] = _Discarding()
        self.ws = _CountedConnection(self._quota, self._count_bytes, self._closing)
        super().handshake()
        del self.ws.handshake  # served its purpose, and holds an HTTP parser's three kilobytes

    def read(self) -> None:
        """Receive until the peer closes, breaks a rule, falls silent or vanishes; pongs and close are answered."""
        self.thread.run()

    def _count_bytes(self, text: str) -> None:
        """Add what the library will not: it counts characters, of which each may be four bytes."""
        self.incoming_message_len += len(text.encode()) - len(text)

    def _closing(self) -> None:
        self.sock.closing(too_big=self.incoming_message_len > self.max_message_size)

    @property
    def pong_received(self) -> bool:
        """Set by the library at each pong, which is how the peer's sign of life is seen."""
        return True

    @pong_received.setter
    def pong_received(self, _: bool) -> None:
        self.sock.pong()
