"""Plain JSON values of an embedding program's objects, and the errors for what has no JSON form."""

from __future__ import annotations

import collections
import dataclasses
import decimal
import enum
import fractions
import json
import math
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.plain import MAX_LEVELS, PlainError, plain
from telemetry_stream.metrics.sample import encode_section

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=12,
)  # fmt: skip


class Color(enum.IntEnum):
    RED = 3


class Mode(enum.StrEnum):
    FAST = "fast"


class Point(NamedTuple):
    x: int
    y: float


@dataclasses.dataclass(slots=True)
class Row:
    name: str
    at: Any


class Meters(float):
    """A float with a text of its own."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "far"


@given(JSON)
def test_a_plain_value_is_unchanged(value: object) -> None:
    """Nothing is lost or converted."""
    copy = plain(value, "x")
    assert copy == value
    assert json.dumps(copy) == json.dumps(value)  # True is not 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        (Point(1, 2.5), [1, 2.5]),
        (Row("a", [Row("b", None)]), {"name": "a", "at": [{"name": "b", "at": None}]}),
        (collections.OrderedDict(a=collections.Counter("aab")), {"a": {"a": 2, "b": 1}}),
        ({10**400: 0}, {str(10**400): 0}),
        ({1: 1, 2.5: 2, None: 4}, {"1": 1, "2.5": 2, "null": 4}),
        ({False: 1, np.int64(7): 2, Mode.FAST: 3}, {"false": 1, "7": 2, "fast": 3}),
        ([Color.RED, Mode.FAST, Meters(1.5)], [3, "fast", 1.5]),
        ([decimal.Decimal("1.25"), fractions.Fraction(1, 4)], [1.25, 0.25]),
        ([np.float64(1.5), np.float32(0.5), np.float16(2), np.longdouble(3)], [1.5, 0.5, 2.0, 3.0]),
        ([np.int8(-1), np.uint64(2**64 - 1), np.array(4), np.array(0.5)], [-1, 2**64 - 1, 4, 0.5]),
        ([np.bool_(True), np.bool_(False), np.array(True)], [True, False, True]),
    ],
)
def test_other_values_become_plain_ones(value: object, expected: object) -> None:
    """Records, enumerations, and the numbers of other packages."""
    copy = plain(value, "x")
    assert json.loads(encode_section(copy)) == expected
    assert str(copy) == str(expected)  # True is not 1, and a subclass has become int, float or str


def test_the_copy_does_not_change_later() -> None:
    """At any depth."""
    value: dict[str, Any] = {"rows": [{"n": 1}]}
    copy = plain(value, "x")
    value["rows"][0]["n"] = 2
    value["rows"].append(3)
    assert copy == {"rows": [{"n": 1}]}


def test_a_value_may_change_while_it_is_copied() -> None:
    """As another thread of the program may change it. Here it happens while an inner value is read."""
    outer: dict[str, Any] = {}

    class Changing(dict[str, int]):
        def items(self) -> Any:
            outer["later"] = 1
            return super().items()

    outer["inner"] = Changing(n=2)
    assert plain(outer, "x") == {"inner": {"n": 2}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"b": [0, math.nan]}}, "orders.a.b[1] is nan, which JSON cannot represent"),
        ({"a": math.inf}, "orders.a is inf"),
        ({"a": np.float32("nan")}, "orders.a is nan"),
        ({"a": np.float64("-inf")}, "orders.a is -inf"),
        ({"a": decimal.Decimal("NaN")}, "orders.a is nan"),
        ({"a": decimal.Decimal("sNaN")}, "orders.a is of type Decimal"),
        ({"a": fractions.Fraction(10**400)}, "orders.a is of type Fraction"),
        ([Row("a", object())], r"orders[0].at is of type object and has no JSON form; use a dict"),
        ({"a": {1, 2}}, "orders.a is of type set"),
        ({"a": b"x"}, "orders.a is of type bytes"),
        ({"a": 1j}, "orders.a is of type complex"),
        ({"a": np.array([1])}, "orders.a is of type ndarray"),
        ({"a": np.complex128(1)}, "orders.a is of type complex128"),
        ({"a": np.datetime64("2026-01-01")}, "orders.a is of type datetime64"),
        ({"a": Row}, "orders.a is of type type"),
        ({(1, 2): 3}, "orders.(1, 2) is of type tuple"),
        ({"k" * 99: object()}, f"orders.{'k' * 40} is of type object"),
        (object(), "orders is of type object"),
    ],
)
def test_a_value_without_a_json_form_is_named(value: object, message: str) -> None:
    """The error has the path of its key."""
    with pytest.raises(PlainError, match=r"^orders") as caught:
        plain(value, "orders")
    assert str(caught.value).startswith(message)


def test_an_object_that_contains_itself_is_refused() -> None:
    """Directly, or through another one."""
    mapping: dict[str, Any] = {}
    mapping["me"] = mapping
    row: list[Any] = []
    row.append({"row": row})
    for value in (mapping, row, Row("a", mapping)):
        with pytest.raises(PlainError, match="more than 32 levels, or contains itself") as caught:
            plain(value, "x")
        assert len(str(caught.value)) < 200


def nested(levels: int) -> dict[str, Any]:
    """Return so many dicts in each other."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_the_number_of_levels_is_limited() -> None:
    """Even if the program has raised Python's own limit, no stack overflows."""
    assert plain(nested(MAX_LEVELS), "x") == nested(MAX_LEVELS)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for levels in (MAX_LEVELS + 1, 3_000):
            with pytest.raises(PlainError, match=r"^x(\.a){8}… has more than 32 levels"):
                plain(nested(levels), "x")
    finally:
        sys.setrecursionlimit(usual)
