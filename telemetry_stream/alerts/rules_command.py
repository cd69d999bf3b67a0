"""``telemetry-stream rules``: checks a file of rules, or lists all rules with their conditions."""

from __future__ import annotations

from collections.abc import Sequence

from .rule import SEVERITIES, Rule
from .rules import load

USAGE = "use 'rules check FILE' or 'rules list [FILE]'"


class UsageError(Exception):
    """The arguments are not valid: one line with what is allowed."""


def run(arguments: Sequence[str]) -> str:
    """Return what the command prints. Raises UsageError or RuleError."""
    if len(arguments) == 2 and arguments[0] == "check":
        count = len(load(arguments[1]))
        return f"{arguments[1]}: valid; {count} rules with the default ones"
    if arguments and arguments[0] == "list" and len(arguments) <= 2:
        return "\n\n".join(map(_described, load("".join(arguments[1:]))))
    raise UsageError(f"rules: {USAGE}")


def _described(rule: Rule) -> str:
    source = rule.source
    head = f"{rule.name}, for each of {source['each']}" if rule.table else rule.name
    lines = [f"  {key}: {source[key]}" for key in ("where", *SEVERITIES) if key in source]
    times = f"  fires after {rule.for_seconds:g} s, resolves after {rule.resolve_seconds:g} s"
    return "\n".join([head, *lines, times])
