"""Rules: a TOML file becomes checked rules, or one error with file and line.

    [[rule]]
    name = "filesystem_full"
    each = "filesystems"
    warning = "used_percent > 90"
    critical = "used_percent > 97"
    text = "{mountpoint} is {used_percent} full"

docs/alerts.md describes every key. The default rules are in defaults.toml. A rule of the user's file replaces the
default one of the same name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .names import shown
from .rule import InvalidKeyError, Rule, checked_rule

DEFAULTS = Path(__file__).with_name("defaults.toml")
MAX_FILE_BYTES = 256 * 1024
MAX_RULES = 200
FILE_KEYS = ("defaults", "disabled", "rule")


class RuleError(Exception):
    """A file of rules is not valid: one line with the file, the line, and what is allowed."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path = path
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return " ".join(f"{where}: {self.reason}".split())


def load(path: str) -> tuple[Rule, ...]:
    """Return the rules of a file and the default ones; only these if ``path`` is empty. Raises RuleError."""
    defaults = _parse(str(DEFAULTS), DEFAULTS.read_text("utf-8")).rules
    if not path:
        return defaults
    file = _parse(path, _read(path))
    names = [rule.name for rule in defaults]
    for name in file.disabled:
        if name not in names:
            reason = f"disabled: {shown(name)} is not a default rule (these are {', '.join(names)})"
            raise RuleError(path, 0, reason)
    replaced = file.disabled | {rule.name for rule in file.rules}
    kept = [rule for rule in defaults if file.has_defaults and rule.name not in replaced]
    return (*kept, *file.rules)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RuleError(path, 0, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise RuleError(path, 0, "is not a valid path") from None
    if len(content) > MAX_FILE_BYTES:
        raise RuleError(path, 0, f"is larger than {MAX_FILE_BYTES // 1024} KiB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise RuleError(path, 0, "is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class _File:
    """What a file has: its rules, whether the default ones are wanted, and which of these are not."""

    rules: tuple[Rule, ...]
    has_defaults: bool = True
    disabled: frozenset[str] = frozenset()


def _parse(path: str, text: str) -> _File:
    """Check the content of a file. Raises RuleError."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        reason = f"is not valid TOML: {error}"
        raise RuleError(path, int(found[1]) if found else 0, reason) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; nested too deep
        raise RuleError(path, 0, "is not valid TOML") from None
    lines = text.splitlines()
    try:
        has_defaults, disabled = _file_settings(content)
        tables = _tables(content)
    except InvalidKeyError as error:
        line = _line_of_key(lines, error.key)
        raise RuleError(path, line, f"{error.key}: {error.reason}") from None
    rules: list[Rule] = []
    for number, source in enumerate(tables):
        try:
            rules.append(checked_rule(source, {rule.name for rule in rules}))
        except InvalidKeyError as error:
            name = source.get("name")
            is_named = isinstance(name, str) and error.key != "name"
            whose = f"rule {shown(name)}: " if is_named else ""
            line = _line_in_rule(lines, number, error.key)
            raise RuleError(path, line, f"{whose}{error.key}: {error.reason}") from None
    return _File(tuple(rules), has_defaults, disabled)


def _file_settings(content: Mapping[str, Any]) -> tuple[bool, frozenset[str]]:
    """Return ``defaults`` and ``disabled``. Raises InvalidKeyError."""
    for key in content:
        if key not in FILE_KEYS:
            raise InvalidKeyError(key, f"unknown key (known: {', '.join(FILE_KEYS)})")
    has_defaults, disabled = content.get("defaults", True), content.get("disabled", [])
    if not isinstance(has_defaults, bool):
        raise InvalidKeyError("defaults", "must be true or false")
    if not isinstance(disabled, list) or not all(isinstance(name, str) for name in disabled):
        raise InvalidKeyError("disabled", "must be a list of names of default rules")
    return has_defaults, frozenset(disabled)


def _tables(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    tables = content.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InvalidKeyError("rule", "must be tables that begin with [[rule]]")
    if len(tables) > MAX_RULES:
        raise InvalidKeyError("rule", f"{len(tables)} rules; at most {MAX_RULES} are allowed")
    return tables


def _line_in_rule(lines: Sequence[str], number: int, key: str) -> int:
    """Return the line of a key in the rule with this number, else that of the rule; 0 if it is unknown.

    The parser of Python's library reports no lines. A line begins a table only if what is above it is valid TOML: one
    inside a text of several lines does not count.
    """
    headers = [i for i, line in enumerate(lines) if line.lstrip().startswith("[[")]
    begins = [i for i in headers if _is_toml(lines[:i])]
    if number >= len(begins):
        return 0
    begin = begins[number]
    end = begins[number + 1] if number + 1 < len(begins) else len(lines)
    line = _line_of_key(lines[begin:end], key)
    return begin + (line or 1)


def _is_toml(lines: Sequence[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return True


def _line_of_key(lines: Sequence[str], key: str) -> int:
    """Return the number of the first line that begins with the key, from 1; 0 if there is none."""
    pattern = re.compile(rf"\s*(?:\[\[?\s*(?:rule\.)?)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    return next((i for i, line in enumerate(lines, 1) if pattern.match(line)), 0)
