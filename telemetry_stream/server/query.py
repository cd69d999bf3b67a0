"""Query parameters: each known, given once, and in range, or an HTTPError 400 that says what is allowed."""

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
            raise _bad("the query must look like name=value&name=value") from None
        for name, value in pairs:
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise _bad(f"no parameter {_shown(name)} here; there are: {allowed}")
            if name in self._values:
                raise _bad(f"parameter {name} is given twice")
            self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """The parameter as it is, or None."""
        return self._values.get(name)

    def whole_number(self, name: str, default: int, low: int, high: int) -> int:
        """The parameter as an int from ``low`` to ``high``."""
        value = self._values.get(name)
        if value is None:
            return default
        if not (
            value.isascii() and value.isdigit() and len(value) < 20 and low <= int(value) <= high
        ):
            raise _bad(f"{name} = {_shown(value)}: must be a whole number from {low} to {high}")
        return int(value)

    def maybe_seconds(self, name: str) -> float | None:
        """The parameter as seconds from 0 to a day, or None if it is not given."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= MAX_HISTORY_SECONDS:
            raise _bad(
                f"{name} = {_shown(value)}: must be seconds from 0 to {MAX_HISTORY_SECONDS:.0f}"
            )
        return seconds

    def maybe_names(self, name: str, known: Collection[str]) -> tuple[str, ...] | None:
        """The parameter as a list of known names separated by commas, sorted; None if it is not given."""
        value = self._values.get(name)
        if value is None:
            return None
        names = set(value.split(","))
        for unknown in sorted(names.difference(known)):
            raise _bad(f"{name}: no section {_shown(unknown)}; there are: {', '.join(known)}")
        return tuple(sorted(names))


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")


def _bad(message: str) -> HTTPError:
    return HTTPError("400 Bad Request", message)
