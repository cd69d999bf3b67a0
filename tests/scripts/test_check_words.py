"""scripts/check-words finds discouraged words in prose and in names."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts/check-words"))
discouraged, findings, exceptions = SCRIPT["discouraged"], SCRIPT["findings"], SCRIPT["EXCEPTIONS"]

WORDS = {"told": "notify", "let go": "release", "goodbye": "close frame"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A viewer is told.", "told"),
        ("TOLD_SECONDS = 1", "told"),
        ("self._told = None", "told"),
        ("const lastTold = 0", "told"),
        ("def _say_goodbye(self):", "goodbye"),
        ("sayGoodbye()", "goodbye"),
        ("they let go of it", "let go"),
        ("def let_go():", "let go"),
        ("const letGo = 1", "let go"),
        ("    # so that they let\n    # go of it", "let go"),
    ],
)
def test_a_discouraged_word_is_found_in_prose_and_in_names(text: str, word: str) -> None:
    """The line has the path, the line number, the word and what to write instead."""
    assert list(findings("a.py", f"\n{text}", WORDS)) == [f"a.py:2: {word}: write {WORDS[word]}"]


@pytest.mark.parametrize("text", ["retold", "tolder", "let it go", "letter gone"])
def test_a_part_of_another_word_is_not_found(text: str) -> None:
    """Only whole words count."""
    assert list(findings("a.py", text, WORDS)) == []


def test_an_exception_allows_its_words_in_its_files_only() -> None:
    """Other words in the file and other files are still checked."""
    rows = [(r"notes/.*", "told", "quoted")]
    assert list(findings("notes/a.md", "told", WORDS, rows)) == []
    assert len(list(findings("notes/a.md", "let go", WORDS, rows))) == 1
    assert len(list(findings("a.md", "told", WORDS, rows))) == 1


def test_the_table_of_the_glossary_is_the_list() -> None:
    """Its left column has words separated by commas; the table of terms before it is not read."""
    glossary = """
| term | meaning |
|---|---|
| hub | the part |

| instead of | write |
|---|---|
| told, let go | notify |
| goodbye | close frame |
"""
    assert discouraged(glossary) == {"told": "notify", "let go": "notify", "goodbye": "close frame"}


def test_the_glossary_is_in_order() -> None:
    """Each row of its two tables has two cells, and the terms are sorted, so that each is found and stands once."""
    rows = re.findall(r"^\|.*\|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert [row for row in rows if row.count("|") != 3] == []
    terms = [row.split("|")[1].strip().lower() for row in rows[2 : rows.index("|---|---|", 2) - 1]]
    assert terms == sorted(set(terms))
    assert len(terms) > 40


def test_each_exception_has_a_reason_and_allows_words_of_the_list() -> None:
    """An exception for a word that is not discouraged is not needed any more."""
    words = discouraged((ROOT / "docs/glossary.md").read_text("utf-8"))
    for _, allowed, reason in exceptions:
        assert reason
        assert any(re.fullmatch(allowed, word) for word in words)
