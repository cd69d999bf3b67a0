"""HTTP/1.1 on one connection: h11 reads the requests, a WSGI application answers them.

Relies on h11 for the grammar and for keep-alive, on ``wsgi`` for everything between the head of a request and the end
of its response, and on the transport for deadlines. The transport is not closed here: its owner closes it when
``serve`` has returned.

Strategy: strictness before features. A request head has one absolute deadline, which counts while bytes arrive, and a
limited size. A request body is never read, because no route takes one. Its bytes must not be parsed as the next
request, so the connection ends after the response. It also ends after every error.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import h11

from .transport import Transport
from .wsgi import ConnectionHandler, Exchange, PeerGoneError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger(__name__)

# Bytes per read; also by how many bytes a head may pass its limit before that is noticed.
RECV_BYTES = 4096

# The answers to requests that h11, environ.py and this module refuse.
BAD_REQUEST = "400 Bad Request"
REFUSALS = {
    408: "408 Request Timeout",
    431: "431 Request Header Fields Too Large",
    501: "501 Not Implemented",
    505: "505 HTTP Version Not Supported",
}


class Limits(NamedTuple):
    """Limits of one connection."""

    # For a complete request head: from the start of the connection, and later from the first byte of the head.
    head_seconds: float
    max_head_bytes: int
    max_requests: int
    idle_seconds: float = 15.0  # between an answer and the first byte of the next request
    write_seconds: float = 10.0  # for each piece of a response


def serve(
    transport: Transport,
    app: WSGIApplication,
    limits: Limits,
    headers: Sequence[tuple[str, str]],
) -> None:
    """Answer requests until either side ends the connection. If ``app`` takes it over, run the handler that it gave.

    ``headers`` are sent with every response, errors included.

    Runs on the connection's thread. Raises nothing that a peer or ``app`` can cause. An exception of the handler
    passes, unless it is OSError.
    """
    handler = _maybe_handler(transport, app, limits, headers)
    if handler is None:
        return
    try:
        handler(transport)
    except OSError as error:
        log.debug("Connection to %s lost: %s", transport.peer, error)


def _maybe_handler(
    transport: Transport,
    app: WSGIApplication,
    limits: Limits,
    headers: Sequence[tuple[str, str]],
) -> ConnectionHandler | None:
    """Answer requests until the connection ends, or until ``app`` takes it over; then return its handler."""
    connection = h11.Connection(h11.SERVER, limits.max_head_bytes)
    try:
        for number in range(1, limits.max_requests + 1):
            exchange = Exchange(
                transport,
                connection,
                keep_alive=number < limits.max_requests,
                write_seconds=limits.write_seconds,
                headers=headers,
            )
            if not _accept(transport, connection, exchange, limits, is_first=number == 1):
                break
            exchange.run(app)
            if exchange.handler is not None:
                return exchange.handler
            if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                break
            connection.start_next_cycle()
    except PeerGoneError as error:
        log.debug("Connection to %s lost: %s", transport.peer, error)
    return None


def _accept(
    transport: Transport,
    connection: h11.Connection,
    exchange: Exchange,
    limits: Limits,
    *,
    is_first: bool,
) -> bool:
    """Read the head of the next request into ``exchange``. Return False if there is none, or if it is refused.

    A request of 900 headers takes 300 KB. It must not stay in memory until the next one arrives: here nothing keeps it
    but the exchange, which forgets it when it has been answered.
    """
    try:
        request = _maybe_read_head(transport, connection, limits, is_first=is_first)
        if request is None:
            return False
        exchange.accept(request)
    except h11.RemoteProtocolError as error:
        log.debug("Request of %s refused: %s", transport.peer, _message(error))
        exchange.refuse(REFUSALS.get(error.error_status_hint, BAD_REQUEST), _message(error))
        return False
    return True


def _maybe_read_head(
    transport: Transport,
    connection: h11.Connection,
    limits: Limits,
    *,
    is_first: bool,
) -> h11.Request | None:
    """Read the head of the next request. Return None if the peer sends none."""
    # There is no idle time before the first head of a connection, or if a part of the head has arrived already.
    begun = is_first or bool(connection.trailing_data[0])
    deadline = time.monotonic() + (limits.head_seconds if begun else limits.idle_seconds)
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        try:
            data = transport.recv(RECV_BYTES, deadline)
        except TimeoutError:
            if not connection.trailing_data[0]:
                return None
            raise h11.RemoteProtocolError(
                "Request head took too long", error_status_hint=408
            ) from None
        except OSError as error:
            raise PeerGoneError(str(error)) from error
        if not data:
            return None  # a part of a head is not answered: the peer has closed its side
        if not begun:
            begun = True
            deadline = time.monotonic() + limits.head_seconds
        connection.receive_data(data)


def _message(error: h11.RemoteProtocolError) -> str:
    """Return the error without the bytes of the request, which h11 appends and which may contain a token."""
    if error.error_status_hint == 431:
        return "Request head is too large"
    message = str(error).partition(": bytearray(")[0].partition(": b'")[0]
    return message[:1].upper() + message[1:]
