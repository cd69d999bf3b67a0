"""The sentences themselves. (That they fit the records: test_definitions.)"""

from __future__ import annotations

from telemetry_stream.metrics.meanings import MEANINGS


def test_each_is_a_phrase_that_fits_into_a_table() -> None:
    """Not empty, on one line, no bar that would end the cell, no full stop: the tables have none."""
    for group, fields in MEANINGS.items():
        for name, meaning in fields.items():
            assert meaning.strip() == meaning != "", (group, name)
            assert not set(meaning) & set("|\n"), (group, name)
            assert not meaning.removesuffix("...").endswith("."), (group, name)


def test_both_kinds_of_pressure_are_told_apart() -> None:
    """some is one task, full is all of them."""
    assert "some task" in MEANINGS["pressure.*"]["some_percent"]
    assert "every task" in MEANINGS["pressure.*"]["full_percent"]
