"""Escaping: what is shown as it is, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.escape import escaped


@pytest.mark.parametrize("text", ["", "nginx: worker", "größe", "日本語", "עברית", "\\x1b", "🚀"])
def test_usual_text_is_shown_as_it_is(text: str) -> None:
    """In any script, and also with backslashes."""
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\rd\0", r"a\x0ab\x09c\x0dd\x00"),
        ("\x1b]0;title\x07\x7f\x9b", r"\x1b]0;title\x07\x7f\x9b"),
        ("a\x85b\u2028c\u2029", r"a\x85b\u2028c\u2029"),
        ("\u202eexe.\u202c\u2066x\u2069\u200f\u061c", r"\u202eexe.\u202c\u2066x\u2069\u200f\u061c"),
        ("ro\u200bot\u200d\u2060\ufeff\xad", r"ro\u200bot\u200d\u2060\ufeff\xad"),
        ("a\u3164\u115f\u034f\ufe0f", r"a\u3164\u115f\u034f\ufe0f"),
        ("\U000e0041\U000e0100", r"\U000e0041\U000e0100"),
        ("\udcff", r"\udcff"),
        ("a\xa0b", r"a\xa0b"),
    ],
)
def test_what_could_deceive_is_escaped(text: str, shown: str) -> None:
    """Control, bidirectional and zero-width characters, line breaks, and bytes that are not UTF-8."""
    assert escaped(text) == shown


@given(st.text())
def test_the_result_is_one_printable_line(text: str) -> None:
    """Whatever a client sends. Escaping it again changes nothing."""
    shown = escaped(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert escaped(shown) == shown
