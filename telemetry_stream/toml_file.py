"""Files in TOML that the user writes: their content, and the line of what is not valid in it.

The parser of Python's library reports no lines, so they are searched for in the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any


class TomlError(Exception):
    """A file is not valid: one line with the file, the line if it is known, and what is allowed."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path = path
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return " ".join(f"{where}: {self.reason}".split())


class InvalidKeyError(Exception):
    """The value of one key is not valid."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


class TomlFile:
    """One file. ``content`` is what it contains. Its errors are of the type ``error``."""

    def __init__(self, path: str, text: str, error: type[TomlError]) -> None:
        """Parse ``text``. Raises ``error``."""
        self.path = path
        self._error = error
        self._lines = text.splitlines()
        try:
            self.content: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as failure:
            found = re.search(r"at line (\d+)", str(failure))
            reason = f"is not valid TOML: {failure}"
            raise error(path, int(found[1]) if found else 0, reason) from None
        except (ValueError, RecursionError):  # a number of thousands of digits; nested too deep
            raise error(path, 0, "is not valid TOML") from None

    @classmethod
    def read(cls, path: str, max_bytes: int, error: type[TomlError]) -> TomlFile:
        """Read and parse a file of at most ``max_bytes``. Raises ``error``."""
        try:
            with open(path, "rb") as file:
                content = file.read(max_bytes + 1)
        except OSError as failure:
            raise error(path, 0, f"cannot be read: {failure.strerror}") from None
        except ValueError:
            raise error(path, 0, "is not a valid path") from None
        if len(content) > max_bytes:
            raise error(path, 0, f"is larger than {max_bytes // 1024} KiB")
        try:
            return cls(path, content.decode(), error)
        except UnicodeDecodeError:
            raise error(path, 0, "is not UTF-8") from None

    def tables(self, name: str, limit: int) -> list[dict[str, Any]]:
        """Return the tables that begin with ``[[name]]``, at most ``limit``. Raises InvalidKeyError."""
        tables = self.content.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise InvalidKeyError(name, f"must be tables that begin with [[{name}]]")
        if len(tables) > limit:
            raise InvalidKeyError(name, f"{len(tables)} {name}s; at most {limit} are allowed")
        return tables

    def error(self, failure: InvalidKeyError) -> TomlError:
        """Return the error for a key of the whole file."""
        line = _line_of_key(self._lines, failure.key)
        return self._error(self.path, line, f"{failure.key}: {failure.reason}")

    def error_in_table(self, number: int, failure: InvalidKeyError, whose: str) -> TomlError:
        """Return the error for a key of the table with this number, which ``whose`` names."""
        line = self._line_in_table(number, failure.key)
        return self._error(self.path, line, f"{whose}{failure.key}: {failure.reason}")

    def _line_in_table(self, number: int, key: str) -> int:
        """Return the line of a key in the table with this number, else that of the table; 0 if it is unknown.

        A line begins a table only if what is above it is valid TOML: one inside a text of several lines does not count.
        """
        headers = [i for i, line in enumerate(self._lines) if line.lstrip().startswith("[[")]
        begins = [i for i in headers if _is_toml(self._lines[:i])]
        if number >= len(begins):
            return 0
        begin = begins[number]
        end = begins[number + 1] if number + 1 < len(begins) else len(self._lines)
        line = _line_of_key(self._lines[begin:end], key)
        return begin + (line or 1)


def _is_toml(lines: Sequence[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return True


def _line_of_key(lines: Sequence[str], key: str) -> int:
    """Return the number of the first line that begins with the key, from 1; 0 if there is none."""
    pattern = re.compile(rf"\s*(?:\[\[?\s*(?:\w+\.)?)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    return next((i for i, line in enumerate(lines, 1) if pattern.match(line)), 0)
