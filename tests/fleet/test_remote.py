"""What hosts send is checked, and texts that are shown are escaped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.fleet.remote import (
    FIELDS,
    ForeignHostError,
    IncompatibleError,
    identity_of,
    maybe_text,
    maybe_vitals,
    numbers_of,
)
from telemetry_stream.stream.received import ReceivedError
from tests.fleet.reports import message

HELLO: dict[str, Any] = {
    "type": "hello",
    "protocol": 1,
    "version": "9.9",
    "host": {"id": "host-1", "name": "box", "kernel": "6.1", "cores": 4, "os": "Debian"},
    "stream": "run-1",
    "interval_seconds": 0.5,
    "seq": 7,
    "site": "east",
    "tags": ["db", "eu"],
}


def test_a_hello_becomes_an_identity() -> None:
    """Site and tags are optional."""
    found = identity_of(HELLO)
    assert (found.host.id, found.host.name, found.host.cores) == ("host-1", "box", 4)
    assert (found.stream, found.interval_seconds) == ("run-1", 0.5)
    assert (found.site, found.tags) == ("east", ("db", "eu"))
    plain = identity_of({key: HELLO[key] for key in HELLO if key not in ("site", "tags")})
    assert (plain.site, plain.tags) == ("", ())


def test_texts_of_a_hello_are_escaped_and_cut() -> None:
    """Bidirectional and control characters are shown as escapes. Markup is text, which the page shows as text."""
    host = {
        "id": "host-1",
        "name": "\u202e<b>x</b>\n\x1b[2J",
        "kernel": 5,
        "cores": True,
        "os": "o" * 10_000,
    }
    tags = ["\u2066a", 7, "", *["t"] * 1000]
    found = identity_of({**HELLO, "host": host, "tags": tags, "site": []})
    assert found.host.name == "\\u202e<b>x</b>\\x0a\\x1b[2J"
    assert (found.host.kernel, found.host.cores, len(found.host.os or "")) == ("", None, 128)
    assert found.tags[0] == "\\u2066a"
    assert (len(found.tags), found.site) == (30, "")
    assert identity_of({**HELLO, "host": {"id": "host-1", "name": " "}}).host.name == "host-1"


@pytest.mark.parametrize("protocol", [2, 0, "1", None, [1]])
def test_another_protocol_is_incompatible(protocol: object) -> None:
    """A front end must not guess what its messages mean."""
    with pytest.raises(IncompatibleError):
        identity_of({**HELLO, "protocol": protocol})


@pytest.mark.parametrize(
    "change",
    [
        {"type": "sample"},
        {"host": "host-1"},
        {"host": {}},
        {"host": {"id": "<script>"}},
        {"host": {"id": "x" * 65}},
        {"host": {"id": ["host-1"]}},
        {"stream": None},
        {"stream": "run 1"},
        {"interval_seconds": None},
        {"interval_seconds": "1"},
    ],
)
def test_a_broken_hello_is_refused(change: dict[str, Any]) -> None:
    """As a whole."""
    with pytest.raises(ReceivedError):
        identity_of({**HELLO, **change})


def test_an_impossible_interval_is_limited() -> None:
    """Otherwise a host could be live for a year without data."""
    assert identity_of({**HELLO, "interval_seconds": 1e9}).interval_seconds == 60.0
    assert identity_of({**HELLO, "interval_seconds": -1}).interval_seconds == 0.1


def test_vitals_are_numbers_or_unknown() -> None:
    """Unknown fields are ignored; a field of another type is unknown."""
    text = message(7, vitals={"cpu": 12.5, "memory": "x", "swap": True, "rx": 10**400, "later": 1})
    found = maybe_vitals(text, "host-1")
    assert found is not None
    assert (found.stream, found.seq, found.time_unix) == ("run-1", 7, 1007.0)
    assert found.numbers == (12.5, *(None,) * (len(FIELDS) - 1))


def test_messages_without_vitals_are_skipped() -> None:
    """Those of an embedding program, and a sample from before vitals were requested."""
    assert maybe_vitals('{"type":"note"}', "host-1") is None
    assert maybe_vitals(message(1), "host-1") is None


def test_a_sample_of_another_host_is_refused() -> None:
    """Whatever it contains: a host must not stand for another one."""
    with pytest.raises(ForeignHostError):
        maybe_vitals(message(1, host="host-2", vitals={}), "host-1")


@pytest.mark.parametrize("change", [{"vitals": 5}, {"seq": 0}, {"stream": 1}, {"time_unix": None}])
def test_broken_vitals_are_refused(change: dict[str, Any]) -> None:
    """As a whole."""
    with pytest.raises(ReceivedError):
        maybe_vitals(json.dumps({**json.loads(message(1, vitals={})), **change}), "host-1")


def test_long_vitals_are_refused() -> None:
    """Before they are decoded: a host could use our time with them."""
    with pytest.raises(ReceivedError, match="too long"):
        maybe_vitals(message(1, vitals={"x" * 4096: 1}), "host-1")


KEYS = st.text() | st.sampled_from([*HELLO, *FIELDS])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(KEYS, below),
    max_leaves=20,
)


@given(ANYTHING)
def test_nothing_but_the_known_errors_is_raised(value: Any) -> None:
    """Whatever a host sends in place of a message or a part of it."""
    attempts = (
        lambda: identity_of(value),
        lambda: identity_of({**HELLO, "host": value}),
        lambda: identity_of({**HELLO, "tags": value, "site": value, "interval_seconds": value}),
        lambda: maybe_vitals(json.dumps(value), "host-1"),
        lambda: maybe_vitals(
            json.dumps({**json.loads(message(1, vitals={})), "vitals": value}), "host-1"
        ),
    )
    for attempt in attempts:
        try:
            attempt()
        except (ReceivedError, IncompatibleError):
            pass
    if isinstance(value, dict):
        assert all(number is None or abs(number) < 1e300 for number in numbers_of(value))
    assert maybe_text(value) != ""
