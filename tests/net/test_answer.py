"""What the routes' answers look like."""

from __future__ import annotations

import json
from typing import Any

from telemetry_stream.net.answer import (
    Answer,
    HTTPError,
    error,
    json_body,
    json_pieces,
    whole,
)


class Response:
    """Takes ``start_response``."""

    def __call__(self, status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        self.status = status
        self.headers = headers
        return None


def test_json_is_neither_kept_nor_guessed_at() -> None:
    """A sample is old after a second, and no browser shall take it for a page."""
    response = Response()
    assert json_body(response, b'{"a":1}', "203 Whatever") == [b'{"a":1}']
    assert response.status == "203 Whatever"
    assert dict(response.headers) == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
    }


def test_pieces_are_not_drawn_before_they_are_written() -> None:
    """The answer is made as the reader takes it."""
    drawn = []

    def pieces() -> Any:
        for n in range(3):
            drawn.append(n)
            yield b"%d" % n

    response = Response()
    answer = json_pieces(response, pieces())
    assert response.status == "200 OK"
    assert drawn == []
    assert b"".join(answer) == b"012"


def test_error_says_what_was_wrong() -> None:
    """As JSON, whatever the sentence holds, with the error's own headers."""
    response = Response()
    failure = HTTPError("503 Service Unavailable", 'no "größe" \n', (("Retry-After", "1"),))
    body = b"".join(error(response, failure))
    assert json.loads(body) == {"error": 'no "größe" \n'}
    assert response.status == "503 Service Unavailable"
    assert dict(response.headers)["Retry-After"] == "1"
    assert dict(response.headers)["Content-Type"] == "application/json"
    assert "no" in str(failure)


def test_whole_answer_goes_out_as_it_is() -> None:
    """Status, headers and body."""
    response = Response()
    answer = Answer("303 See Other", (("Location", "/"),), b"body")
    assert whole(response, answer) == [b"body"]
    assert (response.status, response.headers) == ("303 See Other", [("Location", "/")])
