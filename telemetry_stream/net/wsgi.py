"""One request answered by a WSGI application (PEP 3333): its response, or the whole connection.

Relies on an h11 connection that has read a request's head, on ``environ`` for what an application gets to see of it,
and on the transport under it. Request bodies are not read: an application sees an empty ``wsgi.input``. Which routes
there are and who may use them is the application's.

``environ["telemetry_stream.headers"]`` is a list of headers that go out with whatever answers this request, errors and
a hijacked head included: the server's own, to which an application may add. Where it names one itself, its own counts.

``environ["telemetry_stream.hijack"]`` gives an application the connection itself, as Go's http.Hijacker does:
``hijack(successor, status=None, headers=())``. With a status that response head is written first, for a body that ends
with the connection. From then on nothing is written here, and when the application has returned,
``successor(transport)`` runs on the same thread; bytes that came behind the request are its first to read. It is called
rather than returned to, so that a connection that lives on for days does not hold its request and parser for as long.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any
from wsgiref.handlers import format_date_time
from wsgiref.types import WSGIApplication

import h11

from .environ import announces_body, environ_of
from .transport import Transport

log = logging.getLogger(__name__)

HIJACK = "telemetry_stream.hijack"
HEADERS = "telemetry_stream.headers"

# A long body goes out in pieces with a write deadline each: a slow line gets it, a stuck one holds no more than this.
PIECE_BYTES = 64 * 1024

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


Successor = Callable[[Transport], object]


class PeerGoneError(Exception):
    """The answer could not be written: the peer has left, or did not read it in time."""


class Exchange:
    """A request and the answer to it. Lives on the connection's thread."""

    def __init__(
        self,
        transport: Transport,
        connection: h11.Connection,
        *,
        keep_alive: bool,
        write_seconds: float,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._environ: dict[str, Any] = {}
        self._method = ""
        self._keep_alive = keep_alive
        self._write_seconds = write_seconds
        self._headers = list(headers)
        self._head: h11.Response | None = None
        self._begun = False  # something of the answer is out
        self.successor: Successor | None = None  # who has hijacked the connection

    def accept(self, request: h11.Request) -> None:
        """Take the request; h11.RemoteProtocolError says what is wrong with it."""
        self._method = request.method.decode("ascii")
        self._environ = environ_of(request, self._transport)
        self._environ |= {HIJACK: self._hijack, HEADERS: self._headers}
        if announces_body(request):
            if self._method in ("GET", "HEAD"):
                raise h11.RemoteProtocolError(f"{self._method} takes no body")
            self._keep_alive = False  # the body that we do not read would be the next request
        else:
            self._connection.next_event()  # EndOfMessage

    def run(self, app: WSGIApplication) -> None:
        """Let ``app`` answer. An exception of its own becomes a 500 while that can still be said, and else an answer
        whose end is missing.

        Afterwards the h11 connection is in DONE when it can carry another request. Raises PeerGoneError.
        """
        # The environ refers to us: let go of it, so that both can be freed at the hand-over and not by the collector.
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
                self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")

    def refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer with a JSON error; no other request is taken on this connection."""
        self._keep_alive = False
        body = json.dumps({"error": message}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self._head = self._response(f"{status.value} {status.phrase}", headers)
        if self._method != "HEAD":
            self._write(body)
        self._send(h11.EndOfMessage())

    def _answer(self, pieces: Iterable[bytes]) -> None:
        """Write the application's response, piece by piece."""
        if isinstance(pieces, (list, tuple)):
            self._set_length(sum(map(len, pieces)))
        for piece in pieces:
            if self._method == "HEAD":
                break  # the application has said its head by now
            self._write(piece)
        if not self._hijacked:
            self._send(h11.EndOfMessage())

    def _start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: ExcInfo | None = None,
        /,
    ) -> Any:
        if self._hijacked:
            raise RuntimeError("the connection has been hijacked")
        if exc_info is not None and exc_info[1] is not None:
            if self._begun:
                raise exc_info[1]
        elif self._head is not None:
            raise RuntimeError("start_response has been called already")
        self._head = self._response(status, headers)
        return self._write

    def _response(self, status: str, headers: Sequence[tuple[str, str]]) -> h11.Response:
        code, _, reason = status.partition(" ")
        named = {name.lower() for name, _ in headers}
        named.discard("vary")  # is a list, to which the server's own may add
        extra = [(name, value) for name, value in self._headers if name.lower() not in named]
        if "date" not in named:
            extra.append(("Date", format_date_time(time.time())))
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
        """Say how long the body is where the application left that to us."""
        head = self._head
        if head is None or head.status_code in (
            204,
            304,
        ):  # these have no body (RFC 9110 section 8.6)
            return
        if self._method == "HEAD" and length == 0:
            return  # says nothing of the body that a GET would get
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in head.headers):
            return
        self._head = h11.Response(
            status_code=head.status_code,
            reason=head.reason,
            headers=[*head.headers.raw_items(), (b"Content-Length", b"%d" % length)],
        )

    def _write(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            self._send(h11.Data(data=data[start : start + PIECE_BYTES]))

    def _send(self, event: h11.Data | h11.EndOfMessage) -> None:
        """Write ``event``, behind the head if that is still to come."""
        if self._hijacked:
            raise RuntimeError("the connection has been hijacked")
        if self._head is None:
            raise RuntimeError("the application has not called start_response")
        out = b"" if self._begun else self._connection.send(self._head)
        out += self._connection.send(event)
        self._begun = True
        self._write_out(out)

    def _hijack(
        self,
        successor: Successor,
        status: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        if self._hijacked or self._head is not None:
            raise RuntimeError("the answer has begun already")
        self.successor = successor
        if status is not None:
            self._keep_alive = False
            head = self._response(status, headers)
            lines = [b"HTTP/1.1 %d %s" % (head.status_code, head.reason)]
            lines += [b"%s: %s" % item for item in head.headers.raw_items()]
            self._write_out(b"\r\n".join([*lines, b"", b""]))
        self._transport.unread(self._connection.trailing_data[0])

    @property
    def _hijacked(self) -> bool:
        return self.successor is not None

    def _write_out(self, data: bytes) -> None:
        try:
            self._transport.send(data, time.monotonic() + self._write_seconds)
        except OSError as error:
            raise PeerGoneError(str(error)) from error
