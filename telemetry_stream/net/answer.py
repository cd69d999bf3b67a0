"""Complete HTTP answers: JSON and errors from a WSGI application, and refusals that are ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

Headers = tuple[tuple[str, str], ...]

JSON_HEADERS: Headers = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
)
LINES_HEADERS: Headers = (("Content-Type", "application/x-ndjson"), *JSON_HEADERS[1:])


class Answer(NamedTuple):
    """A complete answer. ``status`` has code and reason, such as ``200 OK``."""

    status: str
    headers: Headers = ()
    body: bytes = b""


class HTTPError(Exception):
    """An answer with an error status, such as ``404 Not Found``.

    ``message`` is one sentence for the client. ``headers`` are sent in addition to those of every JSON answer.
    """

    def __init__(self, status: str, message: str, headers: Headers = ()) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers


def respond(start_response: StartResponse, answer: Answer) -> list[bytes]:
    """Respond with ``answer``, unchanged."""
    start_response(answer.status, list(answer.headers))
    return [answer.body]


def respond_json(start_response: StartResponse, body: bytes) -> list[bytes]:
    """Respond 200 with a complete JSON text."""
    start_response("200 OK", list(JSON_HEADERS))
    return [body]


def respond_json_pieces(
    start_response: StartResponse, pieces: Iterator[bytes], *, is_compressed: bool
) -> Iterable[bytes]:
    """Respond 200 with a JSON text, plain or in gzip form, whose pieces are produced while the client reads."""
    encoding = [("Content-Encoding", "gzip")] if is_compressed else []
    start_response("200 OK", [*JSON_HEADERS, *encoding, ("Vary", "Accept-Encoding")])
    return pieces


def respond_error(start_response: StartResponse, failure: HTTPError) -> list[bytes]:
    """Respond with the status of ``failure`` and ``{"error": message}``."""
    start_response(failure.status, [*JSON_HEADERS, *failure.headers])
    return [error_body(failure.message)]


def error_body(message: str) -> bytes:
    """Return the body of every error answer: ``{"error": message}``, in ASCII."""
    return json.dumps({"error": message}).encode()


def refusal(status: str, message: str, headers: Headers) -> bytes:
    """Return a complete HTTP/1.1 response that refuses a connection and closes it, as the bytes to send.

    Made once and sent without waiting, when there is no thread to run an application.
    """
    body = error_body(message)
    fields = (
        ("Retry-After", "10"),
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        *headers,
        ("Content-Length", str(len(body))),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body
