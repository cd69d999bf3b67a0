"""The table of log lines in docs/operations.md has every line about how frames are sent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "telemetry_stream/net/batch.py"
LEVELS = ("info", "warning")


def lines() -> list[tuple[str, str]]:
    """Return the level and the text of each call of the logger."""
    found = []
    for node in ast.walk(ast.parse(SOURCE.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            text = ast.literal_eval(node.args[0]) if node.func.attr in LEVELS else ""
            if text:
                found.append((node.func.attr, text.replace("%s", "…")))
    return found


@pytest.mark.parametrize(("level", "text"), lines())
def test_a_line_has_a_row_with_its_level(level: str, text: str) -> None:
    """None of them is logged at the start: io_uring is tried by the first frame for a crowd."""
    content = (ROOT / "docs/operations.md").read_text()
    (row,) = (row for row in content.splitlines() if row.startswith(f"| `{text}` | {level} |"))
    assert "at the start" not in row


def test_there_are_such_lines() -> None:
    """Otherwise this module would test nothing."""
    assert len(lines()) == 3
