"""One setting: how a row of the table is described, and how a value for it is read, checked and refused.

The table itself is in ``settings``. Every wrong value is one :class:`SettingsError` of one line, and a secret is never
in that line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import Field, field
from typing import Any, NamedTuple

LONGEST_SHOWN = 200  # of a value: whole for any usual path, whose end is what tells


class SettingsError(ValueError):
    """A value that cannot be used: which setting, what it was, where it came from, and what is allowed."""

    def __init__(self, name: str, value: object, origin: str, allowed: str) -> None:
        """Take ``origin`` such as ``--port``, and ``allowed`` as the end of a sentence."""
        super().__init__(name, value, origin, allowed)
        self.name = name
        self.value = value
        self.origin = origin
        self.allowed = allowed

    def __str__(self) -> str:
        """Say it in one line, whatever the texts hold."""
        shown = repr(self.value)
        if len(shown) > LONGEST_SHOWN:
            shown = shown[: LONGEST_SHOWN - 3] + "..."
        return " ".join(f"{self.name} = {shown} from {self.origin}: {self.allowed}".split())


class Form(NamedTuple):
    """What a text must look like: a pattern, and the same in words; and whether such a directory must exist."""

    pattern: str
    words: str
    directory: bool = False


_NAME = r"[A-Za-z0-9._:%-]+"
_ORIGIN = r"https?://[A-Za-z0-9.:\[\]-]+"
_NETWORK = r"(?:loopback|[0-9A-Fa-f.:]+(?:/[0-9]+)?)"

HOST = Form(_NAME, "an address or a host name, without brackets")
HOSTS = Form(rf"(?:{_NAME}(?:,{_NAME})*)?", "host names with commas between them")
ORIGINS = Form(
    rf"(?:{_ORIGIN}(?:,{_ORIGIN})*)?", "origins such as https://home.example with commas between"
)
ANCESTORS = Form(
    r"'none'|(?:'self'|[A-Za-z0-9.:*/\[\]-]+)(?: (?:'self'|[A-Za-z0-9.:*/\[\]-]+))*",
    "'none', 'self', or origins with spaces between",
)
PROXIES = Form(
    rf"(?:{_NETWORK}(?:,{_NETWORK})*)?",
    "loopback, addresses or networks with commas between",
)
PATH = Form(r"[^\0\r\n]*", "a path")
DIRECTORY = Form(r"[^\0]+", "a directory that exists", directory=True)
TOKEN = Form(r"(?:[A-Za-z0-9._~-]{16,256})?", "16 to 256 letters, digits and . _ ~ -")


def setting(
    default: Any,
    means: str,
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    one_of: Sequence[str] | None = None,
    form: Form = HOST,
    secret: bool = False,
) -> Any:
    """Describe one row of the table; its type is that of ``default``. A secret is no flag: other users see those."""
    row = {"means": means, "unit": unit, "low": low, "high": high, "one_of": one_of}
    return field(default=default, metadata={**row, "form": form, "secret": secret}, repr=not secret)


def limits(row: Field[Any]) -> str:
    """What a row's value may be, in words: the end of an error, and of the line in ``--help``."""
    about = row.metadata
    if about["one_of"] is not None:
        return "one of " + ", ".join(about["one_of"])
    if about["low"] is not None:
        kind = "a whole number" if isinstance(row.default, int) else "a number"
        unit = f" of {about['unit']}" if about["unit"] else ""
        return f"{kind}{unit} from {about['low']} to {about['high']}"
    if isinstance(row.default, bool):
        return "true or false"
    words: str = about["form"].words
    return words


def shown_default(row: Field[Any]) -> str:
    """A row's default for people."""
    if isinstance(row.default, float):
        return f"{row.default:g}"
    return str(row.default).lower() or "none"


def parsed(row: Field[Any], text: str, origin: str) -> object:
    """Read the text of a flag or variable as the row's type."""
    try:
        if isinstance(row.default, bool):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        kind: type = type(row.default)
        return kind(text)
    except (KeyError, ValueError):
        raise SettingsError(row.name, text, origin, f"must be {limits(row)}") from None


def checked(row: Field[Any], value: Any, origin: str) -> Any:
    """Return the value as the row's type, or raise SettingsError."""
    about, kind = row.metadata, type(row.default)
    if kind is float and type(value) is int and abs(value) < 2**53:
        # TOML and people write 1 for 1.0; past 2**53 it is out of every range anyway.
        value = float(value)
    fits = type(value) is kind
    if fits and about["low"] is not None:
        fits = about["low"] <= value <= about["high"]  # false for nan
    elif fits and about["one_of"] is not None:
        fits = value in about["one_of"]
    elif fits and kind is str:
        form: Form = about["form"]
        fits = re.fullmatch(form.pattern, value) is not None
        fits = fits and (not form.directory or os.path.isdir(value))
    if not fits:
        shown = "(secret)" if about["secret"] else value
        raise SettingsError(row.name, shown, origin, f"must be {limits(row)}")
    return value
