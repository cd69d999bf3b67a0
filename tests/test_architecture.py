"""docs/architecture.md names files and functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.test_layers import MAY_IMPORT

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "telemetry_stream"
STEP = re.compile(r"^\|[^|]*\| `([\w/]+\.py)` \| `([\w.]+)` \| `(ts-[\w-]+)` \|$", re.MULTILINE)
STEPS = STEP.findall((ROOT / "docs" / "architecture.md").read_text("utf-8"))


def functions(path: Path) -> set[str]:
    """The names of all functions and methods that a file defines, such as ``Hub.broadcast``."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{item.name}"
                for item in node.body
                if isinstance(item, ast.FunctionDef)
            }
    return found


def test_the_page_describes_the_three_paths() -> None:
    """A row that is written in another form would not be checked, so their number is."""
    rows = (ROOT / "docs" / "architecture.md").read_text("utf-8").count("| `ts-")
    assert len(STEPS) == rows >= 20


@pytest.mark.parametrize(("file", "function", "thread"), STEPS)
def test_a_step_names_an_existing_function(file: str, function: str, thread: str) -> None:
    """In the named file of the package, and a thread name that some file starts or renames to."""
    assert function in functions(PACKAGE / file)
    prefix = re.sub(r"\d+.*", "", thread)
    assert any(prefix in path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))


def test_the_page_lists_every_part_with_its_imports() -> None:
    """The table has exactly the parts of MAY_IMPORT, and a part's last column is what it may import."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \|[^|]*\| (.*) \|$", page, re.MULTILINE)
    listed = {part: set(re.findall(r"`(\w+)`", imports)) for part, imports in rows}
    assert listed == {part: allowed for part, allowed in MAY_IMPORT.items() if part != "__main__"}
