"""Validation of one setting: how it is described, and how a value is parsed and checked.

The table of settings is in ``table.py``. Every invalid value raises one :class:`SettingsError` of one line, which never
contains a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import Field, field
from typing import Any, NamedTuple

MAX_SHOWN_CHARACTERS = 200  # of a value: enough for any usual path, whose end matters most


class SettingsError(ValueError):
    """An invalid value: which setting, the value, where it comes from, and what is allowed."""

    def __init__(self, name: str, value: object, origin: str, allowed: str) -> None:
        """``origin`` is for example ``--port``; ``allowed`` is the end of a sentence."""
        super().__init__(name, value, origin, allowed)
        self.name = name
        self.value = value
        self.origin = origin
        self.allowed = allowed

    def __str__(self) -> str:
        """Return one line, whatever the texts contain."""
        # An address may have been given with a password.
        shown = re.sub(r"//[^/@\s]+@", "//(secret)@", repr(self.value))
        if len(shown) > MAX_SHOWN_CHARACTERS:
            shown = shown[: MAX_SHOWN_CHARACTERS - 3] + "..."
        return " ".join(f"{self.name} = {shown} from {self.origin}: {self.allowed}".split())


class Form(NamedTuple):
    """The required form of a text: a pattern, the same in words, a placeholder, and what a directory must contain."""

    pattern: str
    words: str
    placeholder: str
    # "": the directory must exist; None: the text is no directory, or may be a new one.
    contains: str | None = None


_NAME = r"[A-Za-z0-9._:%-]+"
_ORIGIN = r"https?://[A-Za-z0-9.:\[\]-]+"
_NETWORK = r"(?:loopback|[0-9A-Fa-f.:]+(?:/[0-9]+)?)"
_ANCESTOR = r"(?:'self'|[A-Za-z0-9.:*/\[\]-]+)"
_PATH = r"[^\0\r\n]*"
_BROKER = r"mqtts?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f.:]+\])(?::[0-9]{1,5})?"

HOST = Form(_NAME, "an address or a host name, without brackets", "HOST")
HOSTS = Form(rf"(?:{_NAME}(?:,{_NAME})*)?", "host names, separated by commas", "NAMES")
ORIGINS = Form(
    rf"(?:{_ORIGIN}(?:,{_ORIGIN})*)?",
    "origins such as https://home.example, separated by commas",
    "ORIGINS",
)
ANCESTORS = Form(
    rf"'none'|{_ANCESTOR}(?: {_ANCESTOR})*",
    "'none', 'self', or origins, separated by spaces",
    "ORIGINS",
)
PROXIES = Form(
    rf"(?:{_NETWORK}(?:,{_NETWORK})*)?",
    "loopback, addresses or networks, separated by commas",
    "ADDRESSES",
)
BROKERS = Form(
    rf"(?:{_BROKER}(?:,{_BROKER})*)?",
    "addresses such as mqtts://broker:8883, separated by commas",
    "BROKERS",
)
TEXT = Form(r"[^\0\r\n]{0,256}", "a text of at most 256 characters", "TEXT")
LEVEL = Form(r"[A-Za-z0-9_.-]{1,64}", "1 to 64 letters, digits and . _ -", "NAME")
PATH = Form(_PATH, "a path", "FILE")
NEW_DIRECTORY = Form(_PATH, "a path", "DIR")
DIRECTORY = Form(r"[^\0]+", "an existing directory", "DIR", contains="")
# Every procfs has this file. Most directories that are given by mistake, such as / and /host, have not.
PROCFS = Form(r"[^\0]+", "a directory where procfs is mounted", "DIR", contains="stat")
_TAG = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_URL = r"https?://[A-Za-z0-9._:%\[\]/~-]+"

URLS = Form(
    rf"(?:{_URL}(?:,{_URL})*)?", "URLs such as https://web1:8750, separated by commas", "URLS"
)
_CONTAINER_API = (
    r"(?:unix:///[^,\0\r\n]+|tcp://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f.:]+\])(?::[0-9]{1,5})?)"
)
CONTAINER_APIS = Form(
    rf"(?:{_CONTAINER_API}(?:,{_CONTAINER_API})*)?",
    "addresses such as unix:///run/docker.sock or tcp://127.0.0.1:2375, separated by commas",
    "ADDRESSES",
)
TAGS = Form(rf"(?:{_TAG}(?:,{_TAG})*)?", "names, separated by commas", "NAMES")
LABEL = Form(rf"(?:{_TAG})?", "a name of letters, digits and . _ -", "NAME")
HOST_ID = Form(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63})?", "1 to 64 letters, digits and . _ -", "ID")
TOKEN = Form(r"(?:[A-Za-z0-9._~-]{16,256})?", "16 to 256 letters, digits and . _ ~ -", "TOKEN")


def setting(
    default: Any,
    description: str,
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    one_of: Sequence[str] | None = None,
    form: Form = HOST,
    secret: bool = False,
) -> Any:
    """Describe one row of the table, whose type is that of ``default``. A secret has no flag: other users see flags."""
    row = {"description": description, "unit": unit, "low": low, "high": high, "one_of": one_of}
    return field(default=default, metadata={**row, "form": form, "secret": secret}, repr=not secret)


def limits(row: Field[Any]) -> str:
    """Return the allowed values of a row in words, for errors and for ``--help``."""
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


def placeholder(row: Field[Any]) -> str:
    """Return the placeholder of a row's value in ``--help``."""
    about = row.metadata
    if about["one_of"] is not None:
        return row.name.rsplit("_", 1)[-1].upper()
    if about["low"] is not None:
        return (about["unit"] or "n").upper()
    form: Form = about["form"]
    return form.placeholder


def shown_default(row: Field[Any]) -> str:
    """Return a row's default as text for people."""
    if isinstance(row.default, float):
        return f"{row.default:g}"
    return str(row.default).lower() or "none"


def parsed(row: Field[Any], text: str, origin: str) -> object:
    """Parse the text of a flag or variable as the row's type. Raises SettingsError."""
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
        # TOML files and people write 1 for 1.0; above 2**53 it is out of every range.
        value = float(value)
    fits = type(value) is kind
    if fits and about["low"] is not None:
        fits = about["low"] <= value <= about["high"]  # false for nan
    elif fits and about["one_of"] is not None:
        fits = value in about["one_of"]
    elif fits and kind is str:
        form: Form = about["form"]
        fits = re.fullmatch(form.pattern, value) is not None
        if fits and form.contains is not None:
            fits = os.path.exists(os.path.join(value, form.contains))
    if not fits:
        shown = "(secret)" if about["secret"] else value
        raise SettingsError(row.name, shown, origin, f"must be {limits(row)}")
    return value
