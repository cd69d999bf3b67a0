"""The tree of a condition, its names and its calls, and the errors of each."""

from __future__ import annotations

import ast

import pytest

from telemetry_stream.alerts.names import ExpressionError
from telemetry_stream.alerts.syntax import (
    FUNCTIONS,
    MAX_CHARACTERS,
    MAX_DEPTH,
    call_of,
    not_allowed,
    parse,
    path_of,
    source_of,
    written,
)


def test_a_text_becomes_a_tree() -> None:
    """Spaces around it do not count."""
    assert isinstance(parse("  load.avg1 > 3 "), ast.Compare)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("load.avg1 >", "'load.avg1 >': invalid syntax"),
        ("a > > b", "'a > > b': invalid syntax (character 5)"),
        ("a = 1", "'a = 1': invalid syntax"),
        ("9" * MAX_CHARACTERS + "9", "has 1001 characters; at most 1000 are allowed"),
        ("a \x00", "'a \\x00'"),
    ],
)
def test_what_is_not_an_expression(text: str, reason: str) -> None:
    """The error has the text, or its length."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "path"), [("true", ["true"]), ("memory.used_percent", ["memory", "used_percent"])]
)
def test_the_parts_of_a_name(text: str, path: list[str]) -> None:
    """From the section to the field."""
    assert path_of(parse(text)) == path


@pytest.mark.parametrize("text", ["load[0].avg1", "f().x", "a" + ".b" * (MAX_DEPTH + 1)])
def test_what_is_not_a_name(text: str) -> None:
    """Items and calls are not, nor is a name with too many parts."""
    with pytest.raises(ExpressionError, match=r"is not allowed \(allowed: fields, "):
        path_of(parse(text))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_calls_of_each_function(name: str) -> None:
    """With as many arguments as it has; the error of another number shows them."""
    count = len(FUNCTIONS[name])
    call = parse(f"{name}({', '.join('abc'[:count])})")
    assert isinstance(call, ast.Call)
    assert (call_of(call)[0], len(call_of(call)[1])) == (name, count)
    for wrong in (f"{name}({', '.join('abc'[: count + 1])})", f"{name}({'a,' * (count - 1)} x=1)"):
        call = parse(wrong)
        assert isinstance(call, ast.Call)
        with pytest.raises(ExpressionError) as caught:
            call_of(call)
        assert str(caught.value) == f"use {name}({', '.join(FUNCTIONS[name])})"


@pytest.mark.parametrize("text", ["sum(a)", "a.any(b, c)", "(lambda: 1)()"])
def test_a_call_of_anything_else(text: str) -> None:
    """The error lists the functions."""
    call = parse(text)
    assert isinstance(call, ast.Call)
    with pytest.raises(ExpressionError, match="is not a call of any, all, count, known, rate, "):
        call_of(call)


def test_parts_appear_in_one_spelling() -> None:
    """A window is found again by it. In an error it is on one line, and not too long."""
    assert source_of(parse('rate( a.b,"5m" )')) == source_of(parse("rate(a.b, '5m')"))
    assert len(written(parse("1" + " + 1" * 60))) == 60
    assert str(not_allowed(parse("a[0]"))).startswith("'a[0]' is not allowed (allowed: ")


@pytest.mark.parametrize("show", [source_of, written, not_allowed])
def test_a_part_that_is_too_deep_to_be_shown(show: object) -> None:
    """The error is that of its depth."""
    with pytest.raises(ExpressionError, match="is nested more than 32 levels deep"):
        show(parse("~" * 990 + "1"))  # type: ignore[operator]
