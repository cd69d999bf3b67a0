"""A sample as JSON, there and back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import (
    RESERVED,
    Sample,
    SourceState,
    decode_sample,
    encode_section,
)
from telemetry_stream.metrics.sources import RECORDS
from telemetry_stream.metrics.sources.cpu import SHARES, Core, Cpu
from telemetry_stream.metrics.sources.load import Load

NUMBER = st.none() | st.floats(0, 1e6).map(lambda value: round(value, 3))
SHARE = dict.fromkeys(SHARES, NUMBER)
CPU = st.builds(
    Cpu,
    online_count=st.integers(1, 512),
    context_switches_per_second=NUMBER,
    interrupts_per_second=NUMBER,
    forks_per_second=NUMBER,
    cores=st.lists(st.builds(Core, id=st.integers(0, 511), **SHARE), max_size=3).map(tuple),
    **SHARE,
)


def frame(sample: Sample) -> str:
    """A sample message, put together as the stream does it."""
    head = {
        "type": "sample",
        "stream": "run",
        "host": sample.host,
        "seq": 7,
        "time_unix": sample.time_unix,
        "uptime_seconds": sample.uptime_seconds,
        "interval_seconds": sample.interval_seconds,
    }
    parts = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in head.items()]
    parts += [
        f"{json.dumps(name)}:{encode_section(value)}" for name, value in sample.sections.items()
    ]
    parts.append(f'"sources":{encode_section(sample.sources)}')
    return "{" + ",".join(parts) + "}"


@given(CPU, NUMBER, st.text(), st.none() | st.text())
def test_the_round_trip_is_exact(
    cpu: Cpu, interval: float | None, name: str, reason: str | None
) -> None:
    """Records inside records, unknown numbers, odd names and foreign sections come back as they went."""
    sample = Sample(
        host=name,
        time_unix=1764000000.123,
        uptime_seconds=None,
        interval_seconds=interval,
        sections={
            "cpu": cpu,
            "load": Load(1.0, 2.0, 3.0, None, 1, 2, None, 4),
            "mine": {name: [1, None]},
        },
        sources={
            "cpu": SourceState("ok", 0.0001),
            "swap": SourceState("failed", 0.5, reason),
            "mine": SourceState("stale", 0.0, None, 2.5),
        },
    )
    assert decode_sample(frame(sample)) == sample


def test_the_text_is_compact_and_in_the_order_of_the_fields() -> None:
    """Names are the records' fields; null is said and not left out."""
    assert encode_section(SourceState("ok", 0.25)) == (
        '{"state":"ok","took_seconds":0.25,"reason":null,"age_seconds":null}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": object()}, {1, 2}])
def test_what_json_cannot_say_is_an_error(value: object) -> None:
    """A frame that no viewer can parse never leaves."""
    with pytest.raises((ValueError, TypeError)):
        encode_section(value)


@dataclass(frozen=True, slots=True)
class Foreign:
    value: float


def test_an_embedding_programs_record_may_be_a_dataclass() -> None:
    """Whatever dataclass a foreign source returns is written as an object."""
    assert encode_section(Foreign(1.5)) == '{"value":1.5}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"host":"x"}',
        '{"host":"x","time_unix":1,"uptime_seconds":1,"interval_seconds":1,"sources":3}',
    ],
)
def test_what_is_no_sample_is_a_value_error(text: str) -> None:
    """One kind of error for everything that is not a sample."""
    with pytest.raises(ValueError, match=r".*"):
        decode_sample(text)


def test_fields_of_a_later_version_are_ignored() -> None:
    """A viewer of this version understands a server that says more."""
    text = (
        '{"host":"x","time_unix":1,"uptime_seconds":1,"interval_seconds":1,"sources":{},'
        '"sockets":{"used":5,"novel":6}}'
    )
    assert decode_sample(text).sections == {"sockets": RECORDS["sockets"](5)}


def test_no_section_has_a_reserved_name() -> None:
    """A frame's own words are no sections."""
    assert not RESERVED & RECORDS.keys()
