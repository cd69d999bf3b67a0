"""scripts/check covers every program in scripts/, also those without the suffix .py."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def programs(first_line: bytes) -> set[str]:
    """Return the programs whose first line begins like this."""
    return {
        f"scripts/{path.name}"
        for path in (ROOT / "scripts").iterdir()
        if path.is_file() and path.read_bytes().startswith(first_line)
    }


def matched(names: set[str], patterns: list[str]) -> set[str]:
    """Return the names that one of the patterns of paths matches."""
    return {name for name in names if any(fnmatch.fnmatch(name, one) for one in patterns)}


def test_python_programs_are_checked() -> None:
    """By ruff, which finds only the suffix .py itself, and by mypy."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    wanted = programs(b"#!/usr/bin/env python3\n")
    assert len(wanted) > 10
    assert wanted - matched(wanted, tools["ruff"]["extend-include"]) == set()
    assert wanted - matched(wanted, tools["mypy"]["files"]) == set()


def test_shell_programs_are_checked() -> None:
    """By shellcheck."""
    text = (ROOT / "scripts/check").read_text()
    _, _, listed = text.partition("scripts/{")
    checked = {f"scripts/{name}" for name in listed.partition("}")[0].split(",")}
    assert programs(b"#!/usr/bin/env bash\n") - checked == set()
