"""The table of one receiver in a file: each method checks the value of one key.

No error shows the value of a key that may be a secret, or that may have got one by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..alerts.duration import seconds_of
from ..alerts.names import ExpressionError, shown
from ..toml_file import InvalidKeyError
from .secret import Secret, SecretError

MAX_LIST = 100
MAX_TEXT_CHARACTERS = 1000
DAY = 86_400.0
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Keys that people try for what must not be in the file.
INLINE_SECRETS = ("token", "password", "secret", "key", "api_key", "access_token")


class Table:
    """The table of one receiver. Each method checks one key, and raises InvalidKeyError."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.source = source
        self.defaults: Mapping[str, Any] = {}

    def check_keys(self, known: Iterable[str]) -> None:
        for key in self.source:
            if key in INLINE_SECRETS:
                allowed = f"a secret is not written here; use {key}_file or {key}_env"
                if f"{key}_file" not in known:
                    allowed = (
                        "a secret is not written here; use token_file, password_file or url_file"
                    )
                raise InvalidKeyError(key, allowed)
            if key not in known:
                raise InvalidKeyError(key, f"unknown key (known: {', '.join(known)})")

    def _get(self, key: str, default: Any) -> Any:
        return self.source.get(key, self.defaults.get(key, default))

    def optional(self, key: str) -> str:
        """Return a text, "" if it is absent. An error does not show it."""
        value = self.source.get(key, "")
        if (
            not isinstance(value, str)
            or len(value) > MAX_TEXT_CHARACTERS
            or not value.isprintable()
        ):
            raise InvalidKeyError(key, "must be a text of printable characters")
        return value

    def text(self, key: str, pattern: re.Pattern[str], words: str) -> str:
        value = self.source.get(key)
        if value is None:
            raise InvalidKeyError(key, f"is missing; it must be {words}")
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise InvalidKeyError(key, f"{shown(value)} must be {words}")
        return value

    def one_of(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.source.get(key, default)
        if value not in allowed:
            what = "is missing; it" if value is None else shown(value)
            raise InvalidKeyError(key, f"{what} must be one of {', '.join(allowed)}")
        return str(value)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.source.get(key, list(default))
        if (
            not isinstance(value, list)
            or len(value) > MAX_LIST
            or not all(
                isinstance(text, str) and 0 < len(text) <= MAX_TEXT_CHARACTERS for text in value
            )
            or any("\0" in text for text in value)
        ):
            raise InvalidKeyError(key, f"must be a list of up to {MAX_LIST} texts")
        return tuple(value)

    def labels(self) -> Mapping[str, str]:
        value = self.source.get("labels", {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise InvalidKeyError("labels", 'must be texts, such as { team = "database" }')
        return value

    def number(self, key: str, default: int, low: int, high: int) -> int:
        value = self._get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise InvalidKeyError(
                key, f"{shown(value)} must be a whole number from {low} to {high}"
            )
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise InvalidKeyError(key, "must be true or false")
        return value

    def seconds(self, key: str, default: str, low: float, high: float) -> float:
        try:
            return seconds_of(self._get(key, default), low, high)
        except ExpressionError as error:
            raise InvalidKeyError(key, str(error)) from None

    def remind_seconds(self) -> float:
        found = self.seconds("remind", "0s", 0, 30 * DAY)
        if 0 < found < 60:
            raise InvalidKeyError("remind", "must be 0s, or 1m at least")
        return found

    def maybe_secret(self, name: str) -> Secret | None:
        """Return a secret that can be read, None if it is not given."""
        file, variable = self.optional(f"{name}_file"), self.optional(f"{name}_env")
        if not (file or variable):
            return None
        key = f"{name}_file" if file else f"{name}_env"
        if file and variable:
            raise InvalidKeyError(key, f"give one of {name}_file and {name}_env")
        if variable and not VARIABLE.fullmatch(variable):
            # What is written here by mistake may be the secret itself.
            raise InvalidKeyError(key, "must be the name of an environment variable")
        secret = Secret(file, variable)
        try:
            secret.read()
        except SecretError as error:
            raise InvalidKeyError(key, str(error)) from None
        return secret
