"""A value of an embedding program as JSON has it: checked, and copied, so that it cannot change or fail later.

Strategy. The JSON encoder stops at a value without a JSON form but does not report where it is, refuses numbers of
other packages, and follows an object that contains itself until the stack is full. So this module walks through the
value before it is encoded. The walk ends at a fixed depth, and names the key of what it refuses.
"""

from __future__ import annotations

import dataclasses
import json
import math
import operator
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, TypeAlias

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

# Receivers limit the depth too: .NET's System.Text.Json to 64. A history adds three levels to a section.
MAX_LEVELS = 32
SHOWN_STEPS = 8  # of the path in an error: enough for any real section
SHOWN_CHARACTERS = 40  # of each key in it

_UNCHANGED = frozenset({NoneType, bool, int, str})
_FORMS = "a dict, a dataclass, a list, a tuple, a text, a number, a bool or None"


class PlainError(ValueError):
    """A value of an embedding program has no JSON form: its path, and the reason."""


class _RefusedError(Exception):
    """A value without a JSON form: the reason, and the steps of its path, the last one first."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.steps: list[str] = []


def plain(value: object, name: str) -> Plain:
    """Return a copy of ``value`` that consists of plain JSON values. ``name`` is its name in errors.

    Accepts mappings, dataclasses, lists, tuples, and numbers of any package, numpy's scalars among them. Raises
    PlainError with the path of the first value that has no JSON form.
    """
    try:
        return _copied(value, MAX_LEVELS)
    except _RefusedError as error:
        steps = error.steps[::-1]
        path = "".join(steps[:SHOWN_STEPS]) + "…" * (len(steps) > SHOWN_STEPS)
        raise PlainError(f"{name}{path} {error}") from None


def _copied(value: Any, levels: int) -> Plain:
    kind = type(value)
    if kind in _UNCHANGED or (kind is float and math.isfinite(value)):
        unchanged: Plain = value
        return unchanged
    if (items := _maybe_items(value)) is not None:
        _check(levels)
        record: dict[str, Plain] = {}
        for key, item in items:
            try:
                record[_key(key)] = _copied(item, levels - 1)
            except _RefusedError as error:
                error.steps.append(f".{str(key)[:SHOWN_CHARACTERS]}")
                raise
        return record
    if isinstance(value, list | tuple):
        _check(levels)
        row: list[Plain] = []
        for index, item in enumerate(tuple(value)):
            try:
                row.append(_copied(item, levels - 1))
            except _RefusedError as error:
                error.steps.append(f"[{index}]")
                raise
        return row
    return _scalar(value)


def _check(levels: int) -> None:
    if not levels:
        raise _RefusedError(f"has more than {MAX_LEVELS} levels, or contains itself")


def _maybe_items(value: Any) -> Iterable[tuple[object, object]] | None:
    """Return the keys and values of a mapping or a dataclass, which another thread cannot change any more."""
    if isinstance(value, Mapping):
        return list(value.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return None


def _key(key: object) -> str:
    """Return a key as a text, as the JSON encoder writes it."""
    if type(key) is str:
        return key
    scalar = _scalar(key)
    return scalar if isinstance(scalar, str) else json.dumps(scalar)


def _scalar(value: Any) -> bool | int | float | str | None:
    """Return None, a bool, a number or a text as a value of exactly this type."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    number = _maybe_number(value)
    if number is None:
        raise _RefusedError(f"is of type {type(value).__name__} and has no JSON form; use {_FORMS}")
    if isinstance(number, float) and not math.isfinite(number):
        raise _RefusedError(f"is {number}, which JSON cannot represent; use None if it is unknown")
    return number


def _maybe_number(value: Any) -> bool | int | float | None:
    """Return a number of any package as Python's own, or None: integers have ``__index__``, others ``__float__``."""
    if isinstance(value, int):
        return int.__index__(value)
    from numbers import Complex, Real  # noqa: PLC0415  # for numbers of other packages only

    is_array = getattr(value, "shape", ()) != ()
    if is_array or (isinstance(value, Complex) and not isinstance(value, Real)):
        return None
    if str(getattr(value, "dtype", "")).endswith("bool"):
        return bool(value)
    for convert in (operator.index, float):
        if hasattr(type(value), f"__{convert.__name__}__"):
            try:
                return convert(value)
            except (TypeError, ValueError, OverflowError):  # an array of floats has __index__ too
                continue
    return None
