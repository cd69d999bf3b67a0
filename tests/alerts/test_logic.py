"""Kleene's logic: unknown stays unknown unless the other values decide."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.alerts import logic
from telemetry_stream.alerts.logic import Rows, Value

VALUES = (True, False, None)
NAMES = ("a", "b", "c")


def named(name: str) -> Value:
    """Return the function that reads one of the values."""
    return lambda rows: rows.sections[name]


def conditions() -> st.SearchStrategy[Value]:
    """Return every condition of and, or, not over three values."""
    return st.recursive(
        st.sampled_from([named(name) for name in NAMES]),
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(logic.every),
            st.lists(inner, min_size=2, max_size=3).map(logic.some),
            inner.map(logic.negated),
        ),
        max_leaves=8,
    )


@given(conditions(), st.tuples(*[st.sampled_from(VALUES)] * 3))
def test_a_known_result_holds_for_whatever_is_unknown(
    condition: Value, values: tuple[bool | None, ...]
) -> None:
    """If the result is true or false, it is so for each value that an unknown one could have."""
    result = condition(Rows(dict(zip(NAMES, values, strict=True))))
    choices = [(value,) if value is not None else (True, False) for value in values]
    completed = {
        condition(Rows(dict(zip(NAMES, chosen, strict=True))))
        for chosen in itertools.product(*choices)
    }
    assert None not in completed
    assert result is None or completed == {result}


@pytest.mark.parametrize(
    ("combine", "decisive"), [(logic.every, False), (logic.some, True)], ids=["and", "or"]
)
def test_one_decisive_part_is_enough(combine: Callable[..., Value], decisive: bool) -> None:
    """``and`` is false with a false part, ``or`` is true with a true one; otherwise unknown wins."""
    for one, other in itertools.product(VALUES, VALUES):
        result = combine([logic.constant(one), logic.constant(other)])(Rows({}))
        if decisive in (one, other):
            assert result is decisive
        elif None in (one, other):
            assert result is None
        else:
            assert result is not decisive


def row(rows: Rows) -> Any:
    """Return the row of the list, which is a truth value here."""
    return rows.row1


@pytest.mark.parametrize(
    ("table", "any_result", "all_result", "count"),
    [
        ((), False, True, 0),
        ((False, False), False, False, 0),
        ((True, False, True), True, False, 2),
        ((True, True), True, True, 2),
        ((None, True), True, None, None),
        ((None, False), None, False, None),
        (None, None, None, None),
    ],
)
def test_lists(
    table: tuple[bool | None, ...] | None,
    any_result: bool | None,
    all_result: bool | None,
    count: int | None,
) -> None:
    """An unknown row matters only if the others do not decide. A count needs all of them."""
    found = logic.constant(table)
    assert logic.any_of(found, "row1", row)(Rows({})) is any_result
    assert logic.all_of(found, "row1", row)(Rows({})) is all_result
    assert logic.count_of(found, "row1", row)(Rows({})) == count


def test_calculations_without_a_result_are_unknown() -> None:
    """A division by zero, a result above the limit, and an unknown part."""

    def divide(one: float | None, other: float) -> Any:
        parts = logic.constant(one), logic.constant(other)
        return logic.calculated(operator.truediv, *parts)(Rows({}))

    assert divide(6, 4) == 1.5
    assert divide(1, 0) is None
    assert divide(None, 1) is None
    assert divide(1e299, 1e-9) is None
    assert divide(10**400, 3) is None


def test_known_is_never_unknown() -> None:
    """Zero and false are known."""
    assert logic.known(logic.constant(0))(Rows({})) is True
    assert logic.known(logic.constant(False))(Rows({})) is True
    assert logic.known(logic.constant(None))(Rows({})) is False
