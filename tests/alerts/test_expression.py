"""Expressions: what they mean, and one clear error for everything that is not one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.alerts.expression import Compiler
from telemetry_stream.alerts.logic import Rows
from telemetry_stream.alerts.names import ExpressionError, find_list
from telemetry_stream.alerts.syntax import MAX_CHARACTERS
from tests.alerts.samples import cpu, filesystem, filesystems, load_of, memory

SECTIONS = {
    "load": load_of(4.0),
    "memory": memory(72.5, total_bytes=1000, used_bytes=725, dirty_bytes=0),
    "cpu": cpu(10.0, 95.0, None),
    "filesystems": filesystems(root=50.0, home=95.0),
}


def value(text: str) -> Any:
    """Return the value of an expression for the sample above."""
    return Compiler().expression(text).value(Rows(SECTIONS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("load.avg1 > 3", True),
        ("load.avg1 > 4", False),
        ("load.avg1 >= 4 and load.avg1 <= 4", True),
        ("3 < load.avg1 < 4", False),
        ("load.avg5 > 3", None),
        ("load.avg5 > 3 or load.avg1 > 3", True),
        ("load.avg5 > 3 and load.avg1 > 5", False),
        ("not load.avg5 > 3", None),
        ("swap.used_percent > 3", None),
        ("100 * memory.used_bytes / memory.total_bytes", 72.5),
        ("-memory.used_bytes + 5", -720),
        ("memory.used_bytes / memory.dirty_bytes > 1", None),
        ("memory.available_estimated == false", True),
        ("known(load.avg5) or known(swap.used_bytes)", False),
        ("known(load.avg1)", True),
        ("any(filesystems, used_percent > 90)", True),
        ("all(filesystems, used_percent > 90)", False),
        ("count(filesystems, used_percent > 10) == 2", True),
        ("any(cpu.cores, usage_percent > 90)", True),
        ("all(cpu.cores, usage_percent > 5)", None),
        ("count(cpu.cores, usage_percent > 90)", None),
        ("any(disks, util_percent > 90)", None),
        ("any(filesystems, mountpoint == '/home' and used_percent > load.avg1)", True),
        ("any(filesystems, any(cpu.cores, usage_percent > used_percent + 40))", True),
        ("any(filesystems, fstype in ('ext4', 'xfs'))", True),
        ("any(filesystems, fstype not in ['ext4'])", False),
        ("any(filesystems, 'hom' in mountpoint)", True),
    ],
)
def test_values(text: str, expected: object) -> None:
    """Comparisons, logic, arithmetic, lists and texts; null and missing sections are unknown."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("condition", "margin", "value_at", "expected"),
    [
        ("used_percent > 90", 1, 89.5, True),
        ("used_percent > 90", 1, 89.0, False),
        ("used_percent >= 90", 1, 89.0, True),
        ("used_percent < 10", 1, 10.5, True),
        ("not used_percent < 90", 1, 89.5, True),
        ("not used_percent < 90", 1, 88.5, False),
        ("used_percent > inodes_used_percent", 5, 46.0, True),
        ("any(filesystems, used_percent > 96)", 2, 0.0, True),
        ("count(filesystems, used_percent > 95) > 0.6", 0.5, 0.0, False),
        ("(used_percent > 90) == true", 1, 89.5, False),
    ],
)
def test_a_margin_relaxes_each_order(
    condition: str, margin: float, value_at: float, expected: bool
) -> None:
    """Inside ``not`` in the other direction; not in what is counted, and not in an equality."""
    group, _ = find_list(["filesystems"], ())
    rows = Rows(SECTIONS)
    rows.row1 = filesystem("/", value_at, inodes_used_percent=50.0)
    assert Compiler(group).condition(condition, margin)(rows) is expected
    if value_at and "inodes" not in condition:
        assert Compiler(group).condition(condition)(rows) is False or not expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid syntax"),
        ("load.avg1 >", "invalid syntax"),
        ("load.avg1 = 3", "invalid syntax"),
        ("load.avg1 > '3'", "'load.avg1' is a number, and \"'3'\" is a text; only values of the"),
        ("load.avg1", "'load.avg1' is a number; a condition compares values"),
        ("load.avg1 and true", "'load.avg1' is a number; 'and' requires a condition"),
        ("system.view > 'a'", "'system.view' is a text; < and > compare numbers"),
        ("system.view + 'a' == 'b'", "'system.view' is a text; '+ - * /' requires a number"),
        ("load.avg1 is 3", "'is' is not allowed (use ==;"),
        ("load.avg1 ** 9 > 1", "'load.avg1 ** 9' is not allowed (allowed: fields, numbers,"),
        ("9 // 2 > 1", "is not allowed"),
        ("[1, 2] == 3", "is not allowed"),
        ("(lambda: true)()", "is not a call of any, all, count, known, rate, average"),
        ("load.__class__ == 1", "load has no field '__class__'"),
        ("__import__('os').system('x')", "is not a call of any,"),
        ("{}.x > 1", "'{}' is not allowed"),
        ("load.avg1[0] > 1", "is not allowed"),
        ("None == load.avg1", "'None' is not allowed"),
        ("1j > 2", "'1j' is not allowed"),
        ("1e999 > 2", "has a number that is not below 1e+300"),
        (f"{'9' * 400} > load.avg1", "has a number that is not below 1e+300"),
        ("any(filesystems)", "use any(list, condition)"),
        ("any(load, avg1 > 1)", "load is not a list (lists: "),
        ("any(filesystems, mountpoint)", "'mountpoint' is a text; 'any' requires a condition"),
        ("any(filesystems, x=1)", "use any(list, condition)"),
        ("rate(load.avg1) > 1", "use rate(number, '5m')"),
        ("rate(load.avg1, 5) > 1", "5 must be a number and s, m, h or d, such as '30s' or '5m'"),
        ("rate(load.avg1, '8d') > 1", "from 1s to 1d"),
        ("rate(load.avg1, load.avg5) > 1", "use rate(number, '5m')"),
        ("rate(rate(load.avg1, '5m'), '5m') > 1", "rate is not allowed inside any, all,"),
        ("any(filesystems, rate(used_bytes, '5m') > 1)", "rate is not allowed inside any, all,"),
        ("known(1, 2)", "use known(field)"),
        ("sum(load.avg1) > 1", "is not a call of any, all, count, known, rate, average"),
        ("load.avg1 in (1, load.avg5)", "must have only constants, each a number"),
        ("load.avg1 in ('a', 1)", "must have only constants, each a number"),
        ("load.avg1 in load.avg5", "must be a text, or constants such as ('ext4', 'xfs')"),
        ("(x := 3) > 1", "is not allowed"),
        ("true if true else false", "is not allowed"),
        ("f'{load.avg1}' == 'a'", "is not allowed"),
        ("load.avg1 > 1\nload.avg1 > 1", "invalid syntax"),
        ("load.avg1 > 1 \x00", ""),
        ("load.avg1 > '\ud800'", ""),
    ],
)
def test_errors_are_one_sentence_with_what_is_allowed(text: str, reason: str) -> None:
    """Every mistake, and every way out of the language."""
    with pytest.raises(ExpressionError) as caught:
        Compiler().condition(text)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "text",
    [
        "true" + " and true" * 1_000_000,
        "(" * 400 + "true" + ")" * 400,
        "not " * 200 + "true",
        "-" * 900 + "1 > 0",
        "~" * 990 + "1",
        "any(" + "~" * 980 + "1, 1)",
        "any(filesystems, " + "~" * 970 + "1)",
        "1 is " + "~" * 980 + "1",
        "1 in (" + "~" * 980 + "1,)",
        "load" + "**1" * 330,
        "load" + "[0]" * 330,
        "load" + "()" * 490,
        "lambda:" * 140 + "1",
        "rate(" + "~" * 980 + "1, '5m')",
        "rate(1, " + "~" * 980 + "1)",
        "1" + " + 1" * 200 + " > 0",
        "load" + ".a" * 400 + " > 1",
        "any(filesystems, " * 5 + "true" + ")" * 5,
        "a" * 2_000_000,
        "9" * 5000 + " > 1",
        "'" + "x" * 990 + "' == 1",
    ],
    ids=str.split,
)
def test_hostile_texts_are_refused_quickly(text: str) -> None:
    """Too long, too deep, or with a number of thousands of digits: a short error, and no deep recursion."""
    with pytest.raises(ExpressionError) as caught:
        Compiler().condition(text)
    assert len(str(caught.value)) < 700


@given(st.text(max_size=60) | st.text("loadv1memry.() <>=!'\"andort0123,[]{}", max_size=60))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    """Nothing else is raised, and no warning."""
    with suppress(ExpressionError):
        Compiler().condition(text)(Rows(SECTIONS))


def test_the_longest_conditions_work() -> None:
    """Up to the limit of characters."""
    text = "load.avg1 > 3" + " and load.avg1 > 3" * ((MAX_CHARACTERS - 13) // 18)
    assert value(text) is True


def test_sections_and_windows_are_noted() -> None:
    """A window that is used twice exists once."""
    compiler = Compiler()
    compiler.condition("rate(load.avg1, '5m') > 1 and any(cpu.cores, usage_percent > 1)")
    compiler.condition("rate(load.avg1, '5m') > 2 or average(load.avg1, '5m') > 1")
    assert compiler.sections == {"load", "cpu"}
    assert len(compiler.windows) == 2


def test_units_are_those_of_single_fields() -> None:
    """A calculation has none."""
    compiler = Compiler()
    assert compiler.expression("memory.used_percent").unit == "percent"
    assert compiler.expression("load.avg1").unit == "tasks"
    assert compiler.expression("memory.used_percent * 2").unit == ""
