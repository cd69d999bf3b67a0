"""The limit for requests in progress behind a proxy: that each slot is released once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.answer import HTTPError
from telemetry_stream.server.forwarded_limit import ForwardedLimit

FORWARDED = {"REMOTE_ADDR": "192.0.2.1"}
DIRECT = {**FORWARDED, "REMOTE_PORT": "5"}


def is_free(limit: ForwardedLimit) -> bool:
    """Return whether the address has a free slot."""
    try:
        answer: Any = limit.hold(FORWARDED, list)
    except HTTPError:
        return False
    answer.close()
    return True


def test_the_slot_is_released_when_the_answer_is_closed() -> None:
    """A complete answer stays a list, so that the server knows its length. Any other is closed too."""
    limit = ForwardedLimit(PerAddress(1))
    closed: list[bool] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    whole: Any = limit.hold(FORWARDED, lambda: [b"a", b"b"])
    assert (isinstance(whole, list), is_free(limit)) == (True, False)
    whole.close()
    assert is_free(limit)
    answer: Any = limit.hold(FORWARDED, pieces)
    assert next(iter(answer)) == b"a"
    assert not is_free(limit)
    answer.close()
    assert closed == [True]
    assert is_free(limit)


def test_the_slot_is_released_if_the_request_fails() -> None:
    """Whatever it raises."""
    limit = ForwardedLimit(PerAddress(1))

    def fail() -> list[bytes]:
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            limit.hold(FORWARDED, fail)
    assert is_free(limit)


def test_a_request_without_a_proxy_has_no_such_limit() -> None:
    """The listener limits its connections."""
    limit = ForwardedLimit(PerAddress(1))
    answers = [limit.hold(DIRECT, lambda: [b"a"]) for _ in range(3)]
    assert answers == [[b"a"]] * 3
    assert is_free(limit)


def test_a_refusal_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The client may repeat it at any rate."""
    limit = ForwardedLimit(PerAddress(1))
    limit.hold(FORWARDED, list)
    for _ in range(3):
        with pytest.raises(HTTPError, match="429 Too Many Requests"):
            limit.hold(FORWARDED, list)
    assert caplog.record_tuples == [
        (
            "telemetry_stream.server.forwarded_limit",
            logging.WARNING,
            "Request from 192.0.2.1 refused: Limit of 1 requests per address reached",
        )
    ]
