"""Secrets: where they are, never what they are. They are read for each attempt, so a replaced file is used at once."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .. import permissions

MAX_FILE_BYTES = 64 * 1024
MAX_CHARACTERS = 4096


class SecretError(Exception):
    """A secret is not available: one sentence with the file or the variable, without its content."""


@dataclass(frozen=True, slots=True)
class Secret:
    """The first line of a file, or an environment variable."""

    file: str = ""
    variable: str = ""

    def read(self) -> str:
        """Return the secret: printable ASCII, so that it cannot begin another header. Raises SecretError."""
        if self.variable:
            place, value = f"the variable {self.variable}", os.environ.get(self.variable, "")
        else:
            place = self.file
            try:
                text, _ = permissions.read_text(self.file, MAX_FILE_BYTES)
            except permissions.UnreadableError as error:
                raise SecretError(str(error)) from None
            value = text.partition("\n")[0].strip()
        if not value:
            raise SecretError(f"{place} has no secret")
        if len(value) > MAX_CHARACTERS or not (value.isascii() and value.isprintable()):
            raise SecretError(
                f"{place} must have up to {MAX_CHARACTERS} printable characters in its first line"
            )
        return value
