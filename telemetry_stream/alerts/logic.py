"""The operations of conditions, with three values: true, false, and None, which is unknown (Kleene's logic).

A value is a function of the rows that are evaluated now. Each operation here makes such a function from others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_LEVELS = 4  # of lists that enclose an expression
NO_LIMIT = 2**62  # steps


class TooManyStepsError(Exception):
    """The evaluation of a rule would take too long, because the lists of this host are too long for it."""


class Rows:
    """What is evaluated now: the sections by name, and the row of each list that encloses an expression.

    ``row1`` is of the rule's list, ``row2`` of any, all or count in it, and so on. They are attributes, so that
    operator.attrgetter reads a field in one call. ``steps`` is how much of the evaluation of the present rule is left.
    """

    __slots__ = ("row1", "row2", "row3", "row4", "sections", "steps")

    def __init__(self, sections: Mapping[str, Any]) -> None:
        self.sections = sections
        self.row1: Any = None
        self.steps = NO_LIMIT

    def spend(self, steps: int) -> None:
        """Note that so many steps follow. Raises TooManyStepsError before they are made."""
        if steps > self.steps:
            raise TooManyStepsError
        self.steps -= steps


Value = Callable[[Rows], Any]

STEPS_OF_ROW = 5  # beside the condition
MAX_NUMBER = 1e300  # a larger result is unknown


def constant(value: object) -> Value:
    """Return the function whose result is always ``value``."""
    return lambda _: value


def every(parts: Sequence[Value]) -> Value:
    """``and``: false if any part is false, else unknown if any is unknown."""

    def value(rows: Rows) -> bool | None:
        result: bool | None = True
        for part in parts:
            found = part(rows)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return value


def some(parts: Sequence[Value]) -> Value:
    """``or``: true if any part is true, else unknown if any is unknown."""

    def value(rows: Rows) -> bool | None:
        result: bool | None = False
        for part in parts:
            found = part(rows)
            if found is True:
                return True
            if found is None:
                result = None
        return result

    return value


def negated(part: Value) -> Value:
    """``not``: unknown stays unknown."""

    def value(rows: Rows) -> bool | None:
        found = part(rows)
        return None if found is None else not found

    return value


def known(part: Value) -> Value:
    """Whether a value is known: true or false, never unknown."""
    return lambda rows: part(rows) is not None


def compared(compare: Callable[[Any, Any], bool], left: Value, right: Value) -> Value:
    """Return a comparison. It is unknown if a side is."""

    def value(rows: Rows) -> bool | None:
        one = left(rows)
        if one is None:
            return None
        other = right(rows)
        return None if other is None else compare(one, other)

    return value


# Comparisons with a constant. Most conditions are one, and a function for each operator takes three quarters
# of the time.
WITH_CONSTANT: Mapping[str, Callable[[Value, Any], Value]] = {
    ">": lambda left, limit: lambda rows: None if (one := left(rows)) is None else one > limit,
    ">=": lambda left, limit: lambda rows: None if (one := left(rows)) is None else one >= limit,
    "<": lambda left, limit: lambda rows: None if (one := left(rows)) is None else one < limit,
    "<=": lambda left, limit: lambda rows: None if (one := left(rows)) is None else one <= limit,
    "in": lambda left, among: lambda rows: None if (one := left(rows)) is None else one in among,
}


def calculated(calculate: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    """Return a calculation. A division by zero and a result that is out of range are unknown."""

    def value(rows: Rows) -> float | None:
        one, other = left(rows), right(rows)
        if one is None or other is None:
            return None
        try:
            result = calculate(one, other)
        except (ZeroDivisionError, OverflowError):
            return None
        return result if -MAX_NUMBER < result < MAX_NUMBER else None

    return value


def any_of(table: Value, row: str, condition: Value, steps: int = 1) -> Value:
    """Whether the condition is true for a row of the list, which is ``row`` of Rows meanwhile.

    An unknown list is unknown, an empty one is false. The condition takes so many ``steps`` for each row.
    """

    def value(rows: Rows) -> bool | None:
        found = table(rows)
        if found is None:
            return None
        rows.spend(len(found) * (STEPS_OF_ROW + steps))
        result: bool | None = False
        for one in found:
            setattr(rows, row, one)
            is_true = condition(rows)
            if is_true is True:
                return True
            if is_true is None:
                result = None
        return result

    return value


def all_of(table: Value, row: str, condition: Value, steps: int = 1) -> Value:
    """Whether the condition is true for each row of the list. An unknown list is unknown, an empty one is true."""
    return negated(any_of(table, row, negated(condition), steps))


def count_of(table: Value, row: str, condition: Value, steps: int = 1) -> Value:
    """The number of rows of the list for which the condition is true; unknown if it is unknown for any row."""

    def value(rows: Rows) -> int | None:
        found = table(rows)
        if found is None:
            return None
        rows.spend(len(found) * (STEPS_OF_ROW + steps))
        count = 0
        for one in found:
            setattr(rows, row, one)
            is_true = condition(rows)
            if is_true is None:
                return None
            count += is_true
        return count

    return value
