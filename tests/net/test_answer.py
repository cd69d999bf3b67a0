"""Answers of routes, and refusals that are ready to be sent."""

from __future__ import annotations

import json
from typing import Any

import h11
import pytest

from telemetry_stream.net.answer import (
    Answer,
    HTTPError,
    refusal,
    respond,
    respond_error,
    respond_json,
    respond_json_pieces,
)


class Response:
    """Records the call of ``start_response``."""

    def __call__(self, status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        self.status = status
        self.headers = headers
        return None


def test_json_is_not_cached() -> None:
    """A sample is outdated after a second."""
    response = Response()
    assert respond_json(response, b'{"a":1}') == [b'{"a":1}']
    assert response.status == "200 OK"
    assert dict(response.headers) == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
    }


def test_pieces_are_produced_while_the_client_reads() -> None:
    """None is taken from the iterator before it is written."""
    produced = []

    def pieces() -> Any:
        for n in range(3):
            produced.append(n)
            yield b"%d" % n

    response = Response()
    answer = respond_json_pieces(response, pieces(), is_compressed=False)
    assert response.status == "200 OK"
    assert produced == []
    assert b"".join(answer) == b"012"


def test_error_is_json_with_its_own_headers() -> None:
    """Any sentence can be an error message."""
    response = Response()
    failure = HTTPError("503 Service Unavailable", 'no "größe" \n', (("Retry-After", "1"),))
    body = b"".join(respond_error(response, failure))
    assert json.loads(body) == {"error": 'no "größe" \n'}
    assert response.status == "503 Service Unavailable"
    assert dict(response.headers)["Retry-After"] == "1"
    assert dict(response.headers)["Content-Type"] == "application/json"
    assert "no" in str(failure)


def test_answer_is_sent_unchanged() -> None:
    """Status, headers and body."""
    response = Response()
    answer = Answer("303 See Other", (("Location", "/"),), b"body")
    assert respond(response, answer) == [b"body"]
    assert (response.status, response.headers) == ("303 See Other", [("Location", "/")])


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_refusal_is_a_complete_response(status: str) -> None:
    """h11 reads it to its end. It has Retry-After, the headers given, and a JSON error."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(refusal(status, 'too "many"', (("X-Policy", "strict"),)))
    head, body, end = (client.next_event() for _ in range(3))
    assert isinstance(head, h11.Response)
    assert isinstance(body, h11.Data)
    assert isinstance(end, h11.EndOfMessage)
    assert head.status_code == int(status[:3])
    assert json.loads(bytes(body.data)) == {"error": 'too "many"'}
    assert (b"x-policy", b"strict") in list(head.headers)
    assert (b"retry-after", b"10") in list(head.headers)
    assert client.their_state is h11.MUST_CLOSE
    assert client.trailing_data == (b"", False)
