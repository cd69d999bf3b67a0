"""The answer of a WSGI application (PEP 3333) to one request, or its takeover of the connection.

Relies on an h11 connection that has read the head of a request, on ``environ`` for the variables that an application
gets, and on the transport under it. Request bodies are not read: an application gets an empty ``wsgi.input``. Routes
and access control are those of the application.

``environ["telemetry_stream.headers"]`` is the list of headers that are sent with every answer to this request, errors
and the head of a takeover included. The server fills it, and the application may append. If the application sets one of
these headers itself, only its own is sent.

``environ["telemetry_stream.waiting"]()`` is a context manager for a block in which the application waits. Meanwhile
other requests are answered: see ``permit``.

``environ["telemetry_stream.hijack"]`` lets an application take over the connection, as Go's http.Hijacker does:
``hijack(handler, status=None, headers=())``. After this call nothing is written here. When the application has
returned, ``handler(transport)`` runs on the same thread; its first reads return the bytes that arrived after the
request. With a status, a response head is written first, for a body that ends with the connection. The handler runs
after this module has returned, so that a connection which stays open for days does not keep its request and its parser
in memory.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import h11

from .answer import error_body
from .environ import announces_body, environ_of
from .transport import Transport

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger(__name__)

HIJACK = "telemetry_stream.hijack"
HEADERS = "telemetry_stream.headers"
WAITING = "telemetry_stream.waiting"

# A long body is written in parts, each with its own write deadline. So a slow client gets all of it.
PART_BYTES = 64 * 1024

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

ConnectionHandler = Callable[[Transport], object]


# The names in dates (RFC 9110 section 5.6.7).
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class PeerGoneError(Exception):
    """The connection ends: the peer has left or did not read the answer in time, or the application gives it up."""


class Exchange:
    """One request and the answer to it. Used by the connection's thread only."""

    def __init__(
        self,
        transport: Transport,
        connection: h11.Connection,
        *,
        keep_alive: bool,
        write_seconds: float,
        headers: Sequence[tuple[str, str]],
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._environ: dict[str, Any] = {}
        self._method = ""
        self._keep_alive = keep_alive
        self._write_seconds = write_seconds
        self._headers = list(headers)
        self._head: h11.Response | None = None
        self._begun = False  # a part of the response has been written
        # Set when the application takes over the connection.
        self.handler: ConnectionHandler | None = None

    def accept(self, request: h11.Request) -> None:
        """Prepare the answer to ``request``. Raises h11.RemoteProtocolError if it is invalid."""
        self._method = request.method.decode("ascii")
        self._environ = environ_of(request, self._transport)
        self._environ |= {
            HIJACK: self._hijack,
            HEADERS: self._headers,
            WAITING: self._transport.permits.released,
        }
        if announces_body(request):
            if self._method in ("GET", "HEAD"):
                raise h11.RemoteProtocolError(f"{self._method} must not have a body")
            # The body is not read, and must not be parsed as the next request.
            self._keep_alive = False
        else:
            self._connection.next_event()  # EndOfMessage

    def run(self, app: WSGIApplication) -> None:
        """Run ``app`` and write its response. Raises PeerGoneError.

        If ``app`` raises, the answer is a 500; if the head has already been written, the end of the response is
        missing. Afterwards both sides of the h11 connection are in DONE if it can carry another request.
        """
        # The environ refers to this object. Dropping the reference to the environ breaks the cycle, so that both are
        # freed before a handler runs, without the garbage collector.
        environ, self._environ = self._environ, {}
        try:
            pieces = app(environ, self._start_response)
            try:
                if not self._hijacked:
                    self._answer(pieces)
            finally:
                close = getattr(pieces, "close", None)
                if close is not None:
                    close()
        except PeerGoneError:
            raise
        except Exception:
            log.exception("%s %r failed", self._method, environ["PATH_INFO"])
            if not self._hijacked and self._connection.our_state is h11.SEND_RESPONSE:
                self.refuse("500 Internal Server Error", "Internal error")

    def refuse(self, status: str, message: str) -> None:
        """Answer with a JSON error, after which the connection ends."""
        self._keep_alive = False
        body = error_body(message)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self._head = self._response(status, headers)
        if self._method != "HEAD":
            self._write(body)
        self._write_out(self._serialized(h11.EndOfMessage()))

    def _answer(self, pieces: Iterable[bytes]) -> None:
        """Write the response of the application, piece by piece."""
        if isinstance(pieces, (list, tuple)):
            self._set_length(sum(map(len, pieces)))
        if self._method == "HEAD":
            next(iter(pieces), None)  # it comes after start_response, so the head is known
        else:
            # With map, a piece is not kept beside its serialized form while that is written to a slow client.
            for data in map(self._serialized_piece, pieces):
                self._write_out(data)
                self._transport.permits.pass_on()
        if not self._hijacked:
            self._write_out(self._serialized(h11.EndOfMessage()))

    def _start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: ExcInfo | None = None,
        /,
    ) -> Any:
        if self._hijacked:
            raise RuntimeError("the application has taken over the connection")
        if exc_info is not None and exc_info[1] is not None:
            if self._begun:
                raise exc_info[1]
        elif self._head is not None:
            raise RuntimeError("start_response has already been called")
        self._head = self._response(status, headers)
        return self._write

    def _response(self, status: str, headers: Sequence[tuple[str, str]]) -> h11.Response:
        code, _, reason = status.partition(" ")
        named = {name.lower() for name, _ in headers}
        named.discard("vary")  # a list, which the server may extend
        extra = [(name, value) for name, value in self._headers if name.lower() not in named]
        if "date" not in named:
            extra.append(("Date", http_date(time.time())))
        if not self._keep_alive and "connection" not in named:
            extra.append(("Connection", "close"))
        return h11.Response(
            status_code=int(code),
            reason=reason.encode("latin-1"),
            headers=[
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in (*headers, *extra)
            ],
        )

    def _set_length(self, length: int) -> None:
        """Add Content-Length if the application did not send it."""
        head = self._head
        if head is None or head.status_code in (204, 304):
            return  # these have no body (RFC 9110 section 8.6)
        if self._method == "HEAD" and length == 0:
            return  # the body of the same GET may have another length
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in head.headers):
            return
        self._head = h11.Response(
            status_code=head.status_code,
            reason=head.reason,
            headers=[*head.headers.raw_items(), (b"Content-Length", b"%d" % length)],
        )

    def _write(self, data: bytes) -> None:
        self._write_out(self._serialized_piece(data))

    def _serialized_piece(self, data: bytes) -> bytes:
        return self._serialized(h11.Data(data=data)) if data else b""

    def _serialized(self, event: h11.Data | h11.EndOfMessage) -> bytes:
        """Return the bytes of ``event``, after those of the head if that has not been written."""
        if self._hijacked:
            raise RuntimeError("the application has taken over the connection")
        if self._head is None:
            raise RuntimeError("the application has not called start_response")
        if self._begun:
            return self._connection.send(event)
        head = self._connection.send(self._head)
        self._begun = True
        return head + self._connection.send(event)

    def _hijack(
        self,
        handler: ConnectionHandler,
        status: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        if self._hijacked or self._head is not None:
            raise RuntimeError("the response has already started")
        self.handler = handler
        if status is not None:
            self._keep_alive = False
            head = self._response(status, headers)
            lines = [b"HTTP/1.1 %d %s" % (head.status_code, head.reason)]
            lines += [b"%s: %s" % item for item in head.headers.raw_items()]
            self._write_out(b"\r\n".join([*lines, b"", b""]))
        self._transport.unread(self._connection.trailing_data[0])

    @property
    def _hijacked(self) -> bool:
        return self.handler is not None

    def _write_out(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            for start in range(0, len(data), PART_BYTES):
                part = view[start : start + PART_BYTES]
                self._transport.send(part, time.monotonic() + self._write_seconds)
        except OSError as error:
            raise PeerGoneError(str(error)) from error


def http_date(seconds: float) -> str:
    """Return a time since 1970 as in the header Date (RFC 9110 section 5.6.7).

    wsgiref has this, too, but takes 0.2 MiB of memory.
    """
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    return f"{DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} GMT"
