"""The parser of /proc/net/dev, and the rates between any two readings. (Other rates: test_network.)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.netdev import parse, speeds
from telemetry_stream.metrics.sources.network import Interface
from tests.metrics.sources.test_network import HEAD, line
from tests.metrics.trees import assert_sane, odd

NUMBERS = st.tuples(*[st.integers(0, 1 << 64)] * 16)


def test_the_last_colon_ends_the_name() -> None:
    """Names may contain colons, and wide counters may touch the last one."""
    content = (
        HEAD
        + line("eth0:1", (1, 2, 3, 4))
        + "eth0:68210035552"
        + " 7" * 15
        + "\n"
        + line("ibr10:30", (5, 0, 0, 0))
    )
    rows = parse(content.encode())
    assert {name: numbers[0] for name, numbers in rows.items()} == {
        "eth0:1": 1,
        "eth0": 68210035552,
        "ibr10:30": 5,
    }


@pytest.mark.parametrize("content", [b"eth0: 1 2 3\n", b"eth0:\n"])
def test_invalid_content_is_a_parse_error(content: bytes) -> None:
    """No line has its numbers."""
    with pytest.raises(ParseError):
        parse(content)


@given(odd((HEAD + line("eth0", (1, 2, 3, 4)) + line("lo", (5, 6, 7, 8))).encode()))
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """Rows have counts."""
    try:
        rows = parse(content)
    except ParseError:
        return
    for numbers in rows.values():
        assert_sane(numbers)


@given(NUMBERS, NUMBERS, st.none() | st.floats(0.001, 1e5))
def test_any_two_readings_are_sane(
    before: tuple[int, ...], after: tuple[int, ...], seconds: float | None
) -> None:
    """Whatever the counters do, nothing is negative."""
    assert_sane(Interface("eth0", None, None, True, *speeds(after, before, seconds)))
