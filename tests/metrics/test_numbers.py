"""Numbers that other monitors got wrong, as their users reported them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.numbers import Played, case_names, complaint, load


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user can read: a case may be played as another user than root."""
    with tempfile.TemporaryDirectory(prefix="numbers_") as path:
        Path(path).chmod(0o755)
        yield Path(path).resolve()


@pytest.mark.parametrize("name", case_names())
def test_a_reported_number_is_right(name: str, public: Path) -> None:
    """The file of the case has the report, and the reason why the value is right."""
    case = load(name)
    played = Played(case, public)
    complaints = [complaint(check, played) for check in case["checks"]]
    assert not [each for each in complaints if each], case["why"]
