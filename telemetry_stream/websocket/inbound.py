"""The receiving side of a viewer: simple-websocket's server with limits.

The messages of viewers are discarded unread. simple-websocket by itself keeps each message indefinitely, and limits
neither fragments nor pings. Everything here uses its public extension points: the socket in the environ,
``thread_class``, ``event_class``, ``handshake`` and ``pong_received``.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Protocol

from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Event, TextMessage

from .quota import Quota


class _LaterSsl(ModuleType):
    """The module ``ssl`` for simple-websocket, whose client uses it: it is imported when an attribute is read."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("ssl"), name)


def _import_without_ssl(name: str, *arguments: Any, **named: Any) -> Any:
    """Do what the statement ``import`` does."""
    return _LaterSsl(name) if name == "ssl" else builtins.__import__(name, *arguments, **named)


def _import_server() -> Any:
    """Import ``simple_websocket.ws`` without its package's ``__init__``, which also imports asyncio servers.

    Those take a fifth of the program's memory and start-up time, which is much on an embedded board; ``ssl``, which
    only its client uses, takes 1.5 MiB. The package's entry in ``sys.modules`` is removed again, so that an embedding
    program can import the whole package. All threads use those entries, and most programs have ``ssl`` somewhere. So
    ``ssl`` is not replaced there: the module gets built-in functions of its own, with another ``__import__``.
    """
    package = "simple_websocket"
    if package in sys.modules:
        return importlib.import_module(f"{package}.ws")
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"no module named {package!r}", name=package)
    parent = importlib.util.module_from_spec(spec)
    sys.modules[package] = parent
    try:
        return _import_with(f"{package}.ws", {**vars(builtins), "__import__": _import_without_ssl})
    finally:
        if sys.modules.get(package) is parent:
            del sys.modules[package]


def _import_with(name: str, functions: Mapping[str, Any]) -> Any:
    """Import a module, for whose code these are the built-in functions."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = functions
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


_simple_websocket: Any = _import_server()


class PeerSocket(Protocol):
    """The socket that simple-websocket gets, and two notifications that we add.

    ``on_pong`` is called for each pong. ``before_close_frame`` is called before the library sends a close frame: in
    reply to the peer's, or because the peer broke a rule, such as the maximum length of a message.
    """

    def send(self, data: bytes) -> int: ...
    def recv(self, size: int) -> bytes: ...
    def close(self) -> None: ...
    def on_pong(self) -> None: ...
    def before_close_frame(self, *, too_big: bool) -> None: ...


class _CountedConnection(WSConnection):
    """A wsproto connection that counts every frame, and reports texts and close frames.

    Pings and empty fragments exceed no other limit.
    """

    def __init__(
        self, quota: Quota, on_text: Callable[[str], None], before_close_frame: Callable[[], None]
    ) -> None:
        super().__init__(ConnectionType.SERVER)
        self._quota = quota
        self._on_text = on_text
        self._before_close_frame = before_close_frame

    def events(self) -> Iterator[Event]:  # type: ignore[override]  # the library only iterates
        source = self.handshake if self.connection is None else self.connection
        for event in source.events():
            self._quota.take(frames=1)
            if isinstance(event, TextMessage):
                self._on_text(event.data)
            yield event

    def send(self, event: Event) -> bytes:
        if isinstance(event, CloseConnection):
            self._before_close_frame()
        return super().send(event)


class _DiscardingList(list[Any]):
    """The library's ``input_buffer``, which keeps no message. (An empty deque has 760 bytes.)"""

    def append(self, _: Any) -> None:
        """Do nothing."""


class _NoEvent:
    """The library's ``event_class``. Only its ``receive`` waits for the event, which we never call.

    A threading.Event has a kilobyte.
    """

    def set(self) -> None:
        """Do nothing."""


class _CallersThread:
    """The library's ``thread_class``: its reader runs on the thread that calls ``run``, so no thread is hidden."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        self.run = target

    def start(self) -> None:
        """Do nothing: ``run`` is called later."""


class Inbound(_simple_websocket.Server):  # type: ignore[misc]  # the library has no types
    """The receiving side of one viewer. The constructor answers the handshake; ``read`` runs until the peer ends.

    ``key`` is a Sec-WebSocket-Key that was checked. The library makes a request of its own from the environ that it
    gets. That environ contains constants and the key, and nothing else from the peer. So no extension is negotiated,
    there is no compression, and the same frames are right for all viewers. Raises OSError if the answer cannot be sent.
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
        """Replace the library's unlimited parts, then answer 101. The library calls this before it starts a thread."""
        self.input_buffer: list[Any] = _DiscardingList()
        self.ws = _CountedConnection(self._quota, self._count_bytes, self._before_close_frame)
        super().handshake()
        # It is over. Its HTTP parser has three kilobytes, and the environ another half.
        del self.ws.handshake, self.environ

    def read(self) -> None:
        """Receive until the peer closes, breaks a rule, is silent too long or disconnects; answer pings and close."""
        self.thread.run()

    def _count_bytes(self, text: str) -> None:
        """Add the bytes that the library does not count: it counts characters, which have up to four bytes each."""
        self.incoming_message_len += len(text.encode()) - len(text)

    def _before_close_frame(self) -> None:
        self.sock.before_close_frame(too_big=self.incoming_message_len > self.max_message_size)

    @property
    def pong_received(self) -> bool:
        """The library sets this attribute at each pong."""
        return True

    @pong_received.setter
    def pong_received(self, _: bool) -> None:
        self.sock.on_pong()
