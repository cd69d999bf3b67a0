"""Answers that a WSGI application gives whole: JSON, errors, and ready-made responses."""

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
    """A whole answer, ready to be sent."""

    status: str
    headers: Headers = ()
    body: bytes = b""


class HTTPError(Exception):
    """An answer that is an error: ``status`` as ``404 Not Found``, a sentence, and headers beside the usual."""

    def __init__(self, status: str, message: str, headers: Headers = ()) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers


def whole(start_response: StartResponse, answer: Answer) -> list[bytes]:
    """Answer as it is."""
    start_response(answer.status, list(answer.headers))
    return [answer.body]


def json_body(start_response: StartResponse, body: bytes, status: str = "200 OK") -> list[bytes]:
    """Answer with a whole JSON text."""
    start_response(status, list(JSON_HEADERS))
    return [body]


def json_pieces(start_response: StartResponse, pieces: Iterator[bytes]) -> Iterable[bytes]:
    """Answer with a JSON text that is made as the reader takes it."""
    start_response("200 OK", list(JSON_HEADERS))
    return pieces


def error(start_response: StartResponse, failure: HTTPError) -> list[bytes]:
    """Answer ``{"error": message}``."""
    start_response(failure.status, [*JSON_HEADERS, *failure.headers])
    return [json.dumps({"error": failure.message}).encode()]
