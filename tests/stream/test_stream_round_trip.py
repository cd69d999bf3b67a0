"""There and back: what the stream says of a sample is that sample again."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import RESERVED, Sample, SourceState, decode_sample
from telemetry_stream.metrics.sources import RECORDS
from tests.metrics.trees import Tree
from tests.stream.streaming import streaming

numbers = st.floats(allow_nan=False, allow_infinity=False)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a record's annotation."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(
            kind, **{field.name: of(hints[field.name]) for field in fields(kind) if field.init}
        )
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*map(of, arguments))
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    if kind is float:
        return numbers
    return plain_json if kind is object else st.from_type(kind)


states = st.builds(
    SourceState,
    state=st.sampled_from(["ok", "absent", "failed", "stale", "psutil"]),
    took_seconds=st.floats(0, 100),
    reason=st.none() | st.text(),
    age_seconds=st.none() | st.floats(0, 1e6),
)
custom_names = st.text().filter(lambda name: name not in RESERVED and name not in RECORDS)
samples = st.builds(
    Sample,
    host=st.text(),
    time_unix=numbers,
    uptime_seconds=st.none() | numbers,
    interval_seconds=st.none() | numbers,
    sections=st.builds(
        lambda known, custom: {**known, **custom},
        st.fixed_dictionaries({}, optional={name: of(kind) for name, kind in RECORDS.items()}),
        st.dictionaries(
            custom_names, st.dictionaries(st.text(), plain_json, max_size=3), max_size=2
        ),
    ),
    sources=st.dictionaries(st.text(), states, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(made=samples)
def test_round_trip_is_exact(made: Sample) -> None:
    """What the wire says is the sample, to the last bit and any name."""
    with streaming() as stream:
        stream.publish(made)
        text = stream.maybe_latest()
        assert text is not None
        assert decode_sample(text) == made
        assert b"\n" not in text


def test_round_trip_of_a_collected_sample(tmp_path: Any) -> None:
    """The real collector's, of a small host."""
    tree = Tree(tmp_path)
    tree.put("proc/loadavg", "0.50 1.25 2.00 3/400 1234\n")
    tree.put("proc/uptime", "9512.31 18820.30\n")
    collected = tree.collector().collect()
    tree.close()
    with streaming() as stream:
        stream.publish(collected)
        assert "load" in collected.sections
        assert decode_sample(stream.maybe_latest() or b"") == collected
