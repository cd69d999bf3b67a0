"""HTTP/1.1 for one connection: requests read by h11, answered by a WSGI application.

Relies on h11 for the grammar and for keep-alive, on ``wsgi`` for what happens between a request's head and its
answer, and on the transport for deadlines. The transport stays its owner's: ``serve`` returns, the owner closes it.

Strategy: strictness before features. A head has one absolute deadline, however it drips, and a bounded size. No
request body is ever read: this server has nothing that takes one, and an unread body must not be parsed as the next
request, so the connection ends behind it. After any error it ends too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple
from wsgiref.types import WSGIApplication

import h11

from .transport import Transport
from .wsgi import Exchange, PeerGoneError, Successor

log = logging.getLogger(__name__)

RECV_BYTES = 4096  # also how far a head may pass its limit before it is seen


class Limits(NamedTuple):
    """What a connection may take: seconds, bytes, and a number of requests."""

    head_seconds: float = (
        10.0  # for a whole request head, from the connection's start or the head's first byte
    )
    idle_seconds: float = 15.0  # to wait for a next request
    write_seconds: float = 10.0  # for each piece of an answer
    max_head_bytes: int = 16 * 1024
    max_requests: int = 1000


def serve(
    transport: Transport,
    app: WSGIApplication,
    limits: Limits = Limits(),  # noqa: B008  # immutable
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """Answer requests until either side ends the connection, or ``app`` has handed it to a successor; then run that.

    ``headers`` go out with every answer, errors included.

    Runs on the connection's thread and raises nothing that a peer or ``app`` can cause; what a successor raises beside
    OSError passes.
    """
    successor = _maybe_successor(transport, app, limits, headers)
    if successor is None:
        return
    try:
        successor(transport)
    except OSError as error:
        log.debug("%s left: %s", transport.peer, error)


def _maybe_successor(
    transport: Transport,
    app: WSGIApplication,
    limits: Limits,
    headers: Sequence[tuple[str, str]],
) -> Successor | None:
    """Answer requests until the connection ends, or is handed over: then return the successor."""
    connection = h11.Connection(h11.SERVER, limits.max_head_bytes)
    exchange = None
    try:
        for number in range(1, limits.max_requests + 1):
            exchange = Exchange(
                transport,
                connection,
                keep_alive=number < limits.max_requests,
                write_seconds=limits.write_seconds,
                headers=headers,
            )
            try:
                request = _maybe_read_head(
                    transport,
                    connection,
                    limits.head_seconds,
                    None if number == 1 else limits.idle_seconds,
                )
                if request is None:
                    break
                exchange.accept(request)
            except h11.RemoteProtocolError as error:
                log.debug("%s refused: %s", transport.peer, _sentence(error))
                exchange.refuse(HTTPStatus(error.error_status_hint), _sentence(error))
                break
            exchange.run(app)
            if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                break
            connection.start_next_cycle()
    except PeerGoneError as error:
        log.debug("%s left: %s", transport.peer, error)
        return None
    return exchange.successor if exchange else None


def _maybe_read_head(
    transport: Transport,
    connection: h11.Connection,
    head_seconds: float,
    idle_seconds: float | None,
) -> h11.Request | None:
    """Read the next request's head; None when the peer has none to send.

    ``idle_seconds`` is None for the first request, whose clock runs from the start.
    """
    begun = idle_seconds is None or bool(connection.trailing_data[0])
    deadline = time.monotonic() + (head_seconds if begun or idle_seconds is None else idle_seconds)
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
                "request head took too long", error_status_hint=408
            ) from None
        except OSError as error:
            raise PeerGoneError(str(error)) from error
        if not data:
            return None  # not even half a head is worth an answer: the peer has stopped speaking
        if not begun:
            begun = True
            deadline = time.monotonic() + head_seconds
        connection.receive_data(data)


def _sentence(error: h11.RemoteProtocolError) -> str:
    """Say what is wrong without the request's own bytes, which may hold a token, and which h11 likes to show."""
    if error.error_status_hint == 431:
        return "request head is too large"
    return str(error).partition(": bytearray(")[0].partition(": b'")[0]
