"""Deep JSON is refused before it is parsed, and no other JSON is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.nesting import MAX_LEVELS, check_nesting
from telemetry_stream.metrics.sources import container_api
from telemetry_stream.mqtt import messages
from telemetry_stream.stream import received

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3000,
        "[" * 3000 + "]" * 3000,
        '{"a":' * 3000 + "1" + "}" * 3000,
        '["]",' * 3000 + "1" + "]" * 3000,
        '["\\"]",' * 3000,
        '["\\\\",' * 3000,
        "[{" * 1500 + "]}" * 1500,
        "[1," * 3000 + "x" + "]" * 3000,
        '["' + "[" * 3000,
    ],
)
def test_deep_text_is_refused(text: str) -> None:
    """Also if brackets in strings seem to close it, or if it is no JSON: the parser notices that too late."""
    for given_text in (text, text.encode()):
        with pytest.raises(ValueError, match=f"more than {MAX_LEVELS} levels"):
            check_nesting(given_text)


def test_wide_text_passes() -> None:
    """A sample of 256 cores and many devices has thousands of brackets, at few levels."""
    cores = [{"id": n, "name": '[{"\\', "of": [{}, []]} for n in range(5000)]
    check_nesting(json.dumps({"cpu": {"cores": cores}}))


def test_a_hundred_levels_pass() -> None:
    """One more does not."""
    check_nesting("[" + "[]," * 600 + "[" * (MAX_LEVELS - 1) + "]" * MAX_LEVELS)
    with pytest.raises(ValueError, match="levels"):
        check_nesting("[" + "[]," * 600 + "[" * MAX_LEVELS + "]" * (MAX_LEVELS + 1))


@given(JSON, st.booleans())
def test_usual_json_passes(value: object, ascii_only: bool) -> None:
    """With any text in it."""
    padding: list[object] = [[] for _ in range(600)]
    check_nesting(json.dumps([padding, value], ensure_ascii=ascii_only))


def test_every_foreign_text_is_checked_before_it_is_parsed() -> None:
    """That of an API of containers, of a watched host and of a front end, whatever the size of the stack."""
    text = "[" * 2000 + "]" * 2000
    with pytest.raises(container_api.ApiError, match="not JSON"):
        container_api.parse(text.encode())
    for parse in (received.decode, lambda given_text: received.cut(given_text, frozenset())):
        with pytest.raises(received.ReceivedError, match="levels"):
            parse(text)
    with pytest.raises(messages.MessageError, match="not JSON"):
        messages.parse_ask(text.encode())
