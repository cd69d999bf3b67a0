"""Dumps of rtnetlink."""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest
from hypothesis import given

from telemetry_stream.metrics.rtnetlink import (
    ATTRIBUTE,
    HEADER,
    NLMSG_DONE,
    NLMSG_ERROR,
    attributes,
    ends_dump,
    messages,
)
from tests.metrics.trees import odd

BODY = ATTRIBUTE.pack(7, 1) + b"abc\0" + ATTRIBUTE.pack(8, 2) + b"defg"
MESSAGE = HEADER.pack(HEADER.size + len(BODY), 20, 2, 1, 0) + BODY
DONE = HEADER.pack(20, NLMSG_DONE, 2, 1, 0) + b"\0" * 4


def test_the_last_message_ends_the_dump() -> None:
    """A buffer without it is followed by others."""
    content = MESSAGE
    assert not ends_dump(content)
    assert ends_dump(content + DONE)
    assert ends_dump(DONE)


REFUSED = (-1).to_bytes(4, sys.byteorder, signed=True)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HEADER.pack(20, NLMSG_ERROR, 0, 1, 0) + REFUSED, PermissionError),
        (HEADER.pack(20, NLMSG_ERROR, 0, 1, 0), OSError),
        (DONE[:7], OSError),
        (HEADER.pack(4, NLMSG_DONE, 0, 1, 0), OSError),
    ],
)
def test_a_refusal_and_a_broken_answer_are_errors(answer: bytes, error: type[OSError]) -> None:
    """The caller then has nothing."""
    with pytest.raises(error):
        ends_dump(answer)


@given(odd(MESSAGE + DONE))
def test_any_answer_ends_or_is_an_error(content: bytes) -> None:
    """Without a loop that does not end."""
    with suppress(OSError):
        assert ends_dump(content) in (True, False)
    for _, _, body in messages(content):
        attributes(body)


def test_attributes_by_type() -> None:
    """Each begins at a multiple of four bytes. One that is not complete is left out."""
    assert list(messages(MESSAGE)) == [(20, 2, BODY)]
    assert attributes(BODY) == {1: b"abc", 2: b"defg"}
    assert attributes(BODY[:-1]) == {1: b"abc"}
