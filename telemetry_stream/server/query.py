"""Query parameters. Each must be known, given once and in range; else HTTPError 400 states what is allowed."""

from __future__ import annotations

import math
from collections.abc import Collection
from urllib.parse import parse_qsl

from ..net.answer import HTTPError

MAX_SEQ = 2**63 - 1
MAX_EVERY = 3_600
MAX_HISTORY_SECONDS = 86_400.0


class Query:
    """The parameters of one request."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self._values: dict[str, str] = {}
        try:
            pairs = parse_qsl(
                text, keep_blank_values=True, strict_parsing=bool(text), errors="strict"
            )
        except ValueError:
            raise _bad("The query must have the form name=value&name=value") from None
        for name, value in pairs:
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise _bad(f"Unknown parameter {quoted(name)} (allowed: {allowed})")
            if name in self._values:
                raise _bad(f"Parameter {name} is given more than once")
            self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def maybe_text(self, name: str) -> str | None:
        """Return the parameter as it is, or None if it is absent."""
        return self._values.get(name)

    def short_text(self, name: str, limit: int) -> str:
        """Return the parameter, of at most ``limit`` characters, or an empty text if it is absent."""
        value = self._values.get(name, "")
        if len(value) > limit:
            raise _bad(f"{name}: {len(value)} characters are too many (allowed: {limit})")
        return value

    def whole_number(self, name: str, default: int, low: int, high: int) -> int:
        """Return the parameter as an int from ``low`` to ``high``, or ``default`` if it is absent."""
        value = self._values.get(name)
        if value is None:
            return default
        if not (
            value.isascii() and value.isdigit() and len(value) < 20 and low <= int(value) <= high
        ):
            raise _bad(f"{name} = {quoted(value)}: must be a whole number from {low} to {high}")
        return int(value)

    def maybe_whole_number(self, name: str, low: int, high: int) -> int | None:
        """Return the parameter as an int from ``low`` to ``high``, or None if it is absent."""
        return self.whole_number(name, low, low, high) if name in self._values else None

    def list_of(self, name: str, limit: int) -> tuple[str, ...]:
        """Return the texts in the parameter, which commas separate, in sorted order; none if it is absent."""
        found = tuple(sorted({text for text in self._values.get(name, "").split(",") if text}))
        if len(found) > limit:
            raise _bad(f"{name}: {len(found)} values are too many (allowed: {limit})")
        return found

    def one_of(self, name: str, allowed: Collection[str]) -> str:
        """Return the parameter, one of ``allowed``, or the first of these if it is absent."""
        value = self._values.get(name, next(iter(allowed)))
        if value not in allowed:
            raise _bad(f"{name} = {quoted(value)}: must be one of {', '.join(allowed)}")
        return value

    def maybe_seconds(self, name: str) -> float | None:
        """Return the parameter as seconds, from 0 to a day, or None if it is absent."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= MAX_HISTORY_SECONDS:
            raise _bad(
                f"{name} = {quoted(value)}: must be a number of seconds from 0 to {MAX_HISTORY_SECONDS:.0f}"
            )
        return seconds

    def maybe_names(self, name: str, known: Collection[str]) -> tuple[str, ...] | None:
        """Return the known names in the parameter, which commas separate, in sorted order; None if it is absent."""
        value = self._values.get(name)
        if value is None:
            return None
        names = set(value.split(","))
        for unknown in sorted(names.difference(known)):
            raise _bad(f"{name}: unknown section {quoted(unknown)} (known: {', '.join(known)})")
        return tuple(sorted(names))


def is_given(text: str, name: str) -> bool:
    """Return whether a query has this parameter, before it is checked."""
    return any(pair.partition("=")[0] == name for pair in text.split("&"))


def quoted(value: str) -> str:
    """Return a value of a client for an error message."""
    return repr(value if len(value) <= 40 else value[:40] + "…")


def _bad(message: str) -> HTTPError:
    return HTTPError("400 Bad Request", message)
