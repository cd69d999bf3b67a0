"""The JSON of a sample's sections."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import RESERVED, LongList, SourceState, encode_section
from telemetry_stream.metrics.sources import SECTIONS
from telemetry_stream.metrics.sources.cpu import Core, Cpu
from telemetry_stream.metrics.sources.cpu_shares import SHARES

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


@given(CPU)
def test_the_json_of_a_record_is_exact(cpu: Cpu) -> None:
    """Records in records, null and every digit: the decoded JSON is the record as a dict, in the same order."""
    expected = dataclasses.asdict(cpu)
    decoded = json.loads(encode_section(cpu))
    assert decoded == {**expected, "cores": list(expected["cores"])}
    assert list(decoded) == list(expected)


@given(st.dictionaries(st.text(), st.lists(st.none() | st.text()), max_size=3))
def test_any_text_is_written(section: dict[str, list[str | None]]) -> None:
    """The section of an embedding program may have any names and texts."""
    assert json.loads(encode_section(section)) == section


def test_the_text_of_a_long_list_has_the_rows_that_are_shown() -> None:
    """All are in the list itself."""
    rows = LongList([{"id": 1}, {"id": 2}, {"id": 3}], [{"id": 2}])
    assert encode_section(rows) == '[{"id":2}]'
    assert rows == ({"id": 1}, {"id": 2}, {"id": 3})


def test_the_text_is_compact_and_in_the_order_of_the_fields() -> None:
    """The names are the fields of the record. null is written."""
    assert encode_section(SourceState("ok", 0.25)) == (
        '{"state":"ok","took_seconds":0.25,"reason":null,"age_seconds":null}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": object()}, {1, 2}])
def test_a_value_without_a_json_form_is_an_error(value: object) -> None:
    """It never becomes part of a frame, which no viewer could parse."""
    with pytest.raises((ValueError, TypeError)):
        encode_section(value)


@dataclass(frozen=True, slots=True)
class Extra:
    value: float


def test_an_embedding_program_s_record_may_be_a_dataclass() -> None:
    """It is written as an object."""
    assert encode_section(Extra(1.5)) == '{"value":1.5}'


def test_no_section_has_a_reserved_name() -> None:
    """Sections stand beside the other fields of a message."""
    assert not RESERVED & {section.name for section in SECTIONS}
