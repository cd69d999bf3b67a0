"""The payloads: what is published, and what is accepted."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import encode_section
from telemetry_stream.metrics.sources.vitals import Vitals
from telemetry_stream.mqtt import messages
from telemetry_stream.mqtt.messages import Ask, HostState, MessageError, Want

PREDICATE = "(is|has) "  # what follows "it" in the log
STREAM = "5f0c9a3e71d24b865f0c9a3e71d24b86"


def test_hello_has_what_belongs_to_no_viewer() -> None:
    """With the labels of the host, whatever they contain."""
    wire = {"type": "hello", "stream": "s", "seq": 4, "every": 1, "sections": None, "user": None}
    wire["tags"] = ["<b>"]
    found = json.loads(messages.hello(wire))
    assert found == {"type": "hello", "stream": "s", "seq": 4, "tags": ["<b>"]}


def test_the_largest_vitals_have_256_bytes() -> None:
    """With the longest numbers that can occur at the same time."""
    most = 200 * 10**9
    largest = Vitals(100.0, 100.0, 100.0, 99999.99, 100.0, 100.0, 100.0, most, most, -273.1)
    sample = {
        "type": "sample",
        "stream": STREAM,
        "seq": 9_999_999_999,
        "time_unix": 1764000042.125,
        "vitals": json.loads(encode_section(largest)),
        "sources": {},
    }
    payload = messages.vitals(sample)
    assert len(payload) <= 256
    assert list(json.loads(payload))[:4] == ["stream", "seq", "time_unix", "cpu"]


def test_state_and_sample() -> None:
    """A state can be parsed again, and a sample is compressed."""
    assert messages.parse_state(messages.state("gone", STREAM)) == HostState("gone", STREAM)
    assert zlib.decompress(messages.compressed(b"{}" * 100)) == b"{}" * 100


@pytest.mark.parametrize(
    ("payload", "want"),
    [
        (
            '{"front":"f-1","sections":["processes"],"seconds":30}',
            Want("f-1", frozenset({"processes"}), 30),
        ),
        ('{"front":"f","seconds":0}', Want("f", frozenset(), 0)),
        ('{"front":"f","seconds":1e9,"more":[]}', Want("f", frozenset(), 60)),
    ],
)
def test_a_want_is_parsed(payload: str, want: Want) -> None:
    """A lease is at most a minute; unknown fields are ignored."""
    assert messages.parse_want(payload.encode()) == want


@pytest.mark.parametrize(
    ("payload", "ask"),
    [
        (f'{{"front":"f","stream":"{STREAM}","since":7,"seconds":60}}', Ask("f", STREAM, 7, 60)),
        ('{"front":"f"}', Ask("f", None, 0, None)),
        ('{"front":"f","seconds":1e300}', Ask("f", None, 0, 86_400)),
    ],
)
def test_an_ask_is_parsed(payload: str, ask: Ask) -> None:
    """Without ``since`` it asks for everything."""
    assert messages.parse_ask(payload.encode()) == ask


BAD = [
    "",
    "null",
    "[]",
    "[" * 4000,
    '{"front":"a/b","seconds":1}',
    '{"front":"+","seconds":1}',
    '{"front":"","seconds":1}',
    '{"front":1,"seconds":1}',
    '{"seconds":1}',
    '{"front":"f","seconds":-1}',
    '{"front":"f","seconds":"30"}',
    '{"front":"f","seconds":true}',
    '{"front":"f","seconds":NaN}',
    '{"front":"f","seconds":1e999}',
    '{"front":"f","seconds":1,"pad":"' + "x" * 5000 + '"}',
]


@pytest.mark.parametrize("payload", BAD)
def test_invalid_requests_are_refused(payload: str) -> None:
    """Of both kinds."""
    for parse in (messages.parse_want, messages.parse_ask):
        with pytest.raises(MessageError, match=PREDICATE):
            parse(payload.encode())


@pytest.mark.parametrize(
    "field",
    [
        '"sections":"cpu"',
        '"sections":[1]',
        '"sections":["' + "x" * 65 + '"]',
        '"sections":' + json.dumps(["x"] * 33),
    ],
)
def test_invalid_sections_are_refused(field: str) -> None:
    """A list of a few short names is expected."""
    with pytest.raises(MessageError, match=PREDICATE):
        messages.parse_want(f'{{"front":"f","seconds":1,{field}}}'.encode())


@pytest.mark.parametrize(
    "field",
    [
        '"since":-1',
        '"since":1.5',
        '"since":true',
        '"since":"1"',
        '"since":1' + "0" * 19,
        '"stream":"a b"',
    ],
)
def test_an_invalid_place_is_refused(field: str) -> None:
    """A number of a sample, and the id of a run."""
    with pytest.raises(MessageError, match=PREDICATE):
        messages.parse_ask(f'{{"front":"f",{field}}}'.encode())


@pytest.mark.parametrize(
    "payload",
    [
        '{"state":"live"}',
        '{"state":"x","stream":"s"}',
        '{"state":[],"stream":"s"}',
        '{"stream":"s"}',
    ],
)
def test_an_invalid_state_is_refused(payload: str) -> None:
    """It has a known state, and the id of a run."""
    with pytest.raises(MessageError, match=PREDICATE):
        messages.parse_state(payload.encode())


@given(
    st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["front", "seconds", "since", "stream", "state", "sections"]),
                    inner,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_bytes_are_parsed_or_refused(payload: bytes) -> None:
    """No other exception."""
    for parse in (messages.parse_want, messages.parse_ask, messages.parse_state):
        try:
            parse(payload)
        except MessageError:
            continue
