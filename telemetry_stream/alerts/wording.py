"""The text of an alert: a sentence of the rule, with values in braces, written with their units.

    {mountpoint} is {used_percent} full; full in {available_bytes / rate(used_bytes, '1h'):seconds}

Between the braces is an expression; a unit may follow it. A single field has its own unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..escape import escaped
from .expression import Compiler, Expression
from .logic import Rows
from .names import ExpressionError, shown

MAX_CHARACTERS = 300  # of the text in the rule
MAX_SHOWN_CHARACTERS = 128  # of a text that a host has chosen, such as a mountpoint
MAX_VALUES = 8
PLACEHOLDER = re.compile(r"\{([^{}]*?)(?::([a-z_]+))?\}")

BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def _bytes(value: float) -> str:
    unit = 0
    while abs(value) >= 1023.5 and unit < len(BINARY) - 1:
        value, unit = value / 1024, unit + 1
    return f"{_number(value)} {BINARY[unit]}"


def _duration(seconds: float) -> str:
    """Return two units of a duration, such as ``3 h 20 min``."""
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    if whole < 60:
        return f"{sign}{_number(abs(seconds)) if abs(seconds) < 10 else whole} s"
    for name, size, below, part in (
        ("min", 60, "s", 1),
        ("h", 3600, "min", 60),
        ("d", 86_400, "h", 3600),
    ):
        if whole < size * {"min": 60, "h": 24, "d": 10**12}[name]:
            rest = whole % size // part
            return f"{sign}{whole // size} {name}" + (f" {rest} {below}" if rest else "")
    return f"{sign}{_number(seconds)} s"


def _number(value: float) -> str:
    """Return three digits at least, without zeros at the end."""
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text if "e" not in text else f"{value:.3f}".rstrip("0").rstrip(".")


UNITS: Mapping[str, Callable[[float], str]] = {
    "percent": lambda value: f"{value:.1f}".removesuffix(".0") + " %",
    "percent_of_host": lambda value: f"{value:.1f}".removesuffix(".0") + " %",
    "bytes": _bytes,
    "bytes_per_second": lambda value: f"{_bytes(value)}/s",
    "per_second": lambda value: f"{_number(value)}/s",
    "seconds": _duration,
    "ms": lambda value: f"{_number(value)} ms",
    "us": lambda value: f"{_number(value)} µs",
    "celsius": lambda value: f"{_number(value)} °C",
    "cores": lambda value: f"{_number(value)} cores",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """A compiled text. ``parts`` are texts, and values with their names and units."""

    parts: tuple[str | tuple[str, str, Expression], ...]

    def render(self, rows: Rows) -> tuple[str, dict[str, Any]]:
        """Return the text for the rows that are evaluated now, and its values by their names."""
        text, values = "", {}
        for part in self.parts:
            if isinstance(part, str):
                text += part
                continue
            name, unit, expression = part
            value = expression.value(rows)
            values[name] = round(value, 3) if isinstance(value, float) else value
            text += written(value, unit)
        return text, values


def written(value: object, unit: str) -> str:
    """Return a value for people: with its unit, or ``unknown``."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        write = UNITS.get(unit)
        return f"{_number(value)} {unit}".strip() if write is None else write(value)
    return escaped(str(value)[:MAX_SHOWN_CHARACTERS])


def compile_wording(text: str, compiler: Compiler) -> Wording:
    """Compile the text of a rule. Raises ExpressionError."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    parts: list[str | tuple[str, str, Expression]] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(_plain(text[end : match.start()]))
        expression = compiler.expression(match[1])
        unit = match[2] or expression.unit
        if match[2] is not None and match[2] not in UNITS:
            raise ExpressionError(f"{shown(match[2])} is not a unit (units: {', '.join(UNITS)})")
        parts.append((match[1].strip(), unit, expression))
        end = match.end()
    parts.append(_plain(text[end:]))
    found = tuple(part for part in parts if part)
    if sum(not isinstance(part, str) for part in found) > MAX_VALUES:
        raise ExpressionError(f"has more than {MAX_VALUES} values in braces")
    return Wording(found)


def _plain(text: str) -> str:
    if "{" in text or "}" in text:
        raise ExpressionError(f"{shown(text)} has a brace without its pair")
    return escaped(text)
