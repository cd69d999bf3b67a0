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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..toml_file import InvalidKeyError, TomlError, TomlFile
from .names import shown
from .rule import Rule, checked_rule

DEFAULTS = Path(__file__).with_name("defaults.toml")
MAX_FILE_BYTES = 256 * 1024
MAX_RULES = 200
MAX_WINDOWS = 64
FILE_KEYS = ("defaults", "disabled", "rule")


class RuleError(TomlError):
    """A file of rules is not valid."""


def load(path: str) -> tuple[Rule, ...]:
    """Return the rules of a file and the default ones; only these if ``path`` is empty. Raises RuleError."""
    defaults = _parse(TomlFile(str(DEFAULTS), DEFAULTS.read_text("utf-8"), RuleError)).rules
    if not path:
        return defaults
    file = TomlFile.read(path, MAX_FILE_BYTES, RuleError)
    own = _parse(file)
    names = [rule.name for rule in defaults]
    for name in sorted(own.disabled.difference(names)):
        reason = f"{shown(name)} is not a default rule (these are {', '.join(names)})"
        raise file.error(InvalidKeyError("disabled", reason))
    replaced = own.disabled | {rule.name for rule in own.rules}
    kept = [rule for rule in defaults if own.has_defaults and rule.name not in replaced]
    return (*kept, *own.rules)


@dataclass(frozen=True, slots=True)
class _File:
    """What a file has: its rules, whether the default ones are wanted, and which of these are not."""

    rules: tuple[Rule, ...]
    has_defaults: bool = True
    disabled: frozenset[str] = frozenset()


def _parse(file: TomlFile) -> _File:
    """Check the content of a file. Raises RuleError."""
    try:
        has_defaults, disabled = _file_settings(file.content)
        tables = file.tables("rule", MAX_RULES)
    except InvalidKeyError as error:
        raise file.error(error) from None
    rules: list[Rule] = []
    for number, source in enumerate(tables):
        try:
            rules.append(checked_rule(source, {rule.name for rule in rules}))
            _check_windows(rules)
        except InvalidKeyError as error:
            name = source.get("name")
            is_named = isinstance(name, str) and error.key != "name"
            whose = f"rule {shown(name)}: " if is_named else ""
            raise file.error_in_table(number, error, whose) from None
    return _File(tuple(rules), has_defaults, disabled)


def _check_windows(rules: Sequence[Rule]) -> None:
    """Raise InvalidKeyError if the last rule is one with too many windows. Each keeps up to half a MiB."""
    if rules[-1].windows and sum(len(rule.windows) for rule in rules) > MAX_WINDOWS:
        reason = f"more than {MAX_WINDOWS} different rate(...) and average(...) in this file"
        raise InvalidKeyError("name", reason)


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
