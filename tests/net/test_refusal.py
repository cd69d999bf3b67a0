"""Ready-made answers are whole ones."""

from __future__ import annotations

import json

import h11
import pytest

from telemetry_stream.net.refusal import REFUSAL, REFUSAL_OF_ADDRESS, refusal
from telemetry_stream.server.answer import security_headers


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (REFUSAL, 503, "too many connections"),
        (REFUSAL_OF_ADDRESS, 429, "too many connections from your address"),
        (refusal(b"418 Teapot", b"short and stout"), 418, "short and stout"),
    ],
)
def test_refusal_is_an_answer_like_any_other(answer: bytes, status: int, message: str) -> None:
    """h11 reads it to its end; it says when to come again, and has the names of the security headers."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    head, body, end = (client.next_event() for _ in range(3))
    assert isinstance(head, h11.Response)
    assert isinstance(body, h11.Data)
    assert isinstance(end, h11.EndOfMessage)
    assert (head.status_code, json.loads(bytes(body.data))) == (status, {"error": message})
    names = {name.decode() for name, _ in head.headers}
    assert {name.lower() for name, _ in security_headers()} | {"retry-after"} <= names
    assert client.trailing_data == (b"", False)
