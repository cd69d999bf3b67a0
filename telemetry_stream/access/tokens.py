"""Tokens: what they look like, how they are made, kept, read from a file, and compared.

A token file has a line per token, ``name token`` or only ``token``; blank lines and lines that begin with ``#`` are let
be. Removing a line withdraws that token and no other. A token never gets into a message: errors name
the file and the line.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

# No character that a URL, a header or a cookie would have to quote; so long that nobody guesses it.
VALUE = re.compile(r"[A-Za-z0-9._~-]{16,256}")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,31}")
RULE = "16 to 256 letters, digits and . _ ~ -"

MADE_BYTES = 24  # 192 random bits, 32 characters

MAX_FILE_BYTES = 256 * 1024


class TokenError(Exception):
    """Tokens that cannot be used or kept: one sentence that names the file, and never a token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and the name by which it is told from others."""

    name: str
    value: str = field(repr=False)


def make() -> str:
    """A new token."""
    return secrets.token_urlsafe(MADE_BYTES)


def unnamed(value: str) -> Token:
    """A token without a name of its own: it gets one that stays while it does, and gives nothing of it away."""
    return Token(f"token-{hashlib.sha256(value.encode()).hexdigest()[:6]}", value)


def parse(content: str, path: str) -> tuple[Token, ...]:
    """Every token of a file's content, at least one; TokenError says what is wrong where."""
    found: dict[str, Token] = {}
    for number, line in enumerate(content.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 2 or not VALUE.fullmatch(words[-1]):
            raise TokenError(f"{path}:{number}: must be 'name token' or 'token', of {RULE}")
        token = Token(words[0], words[1]) if len(words) == 2 else unnamed(words[0])
        if not NAME.fullmatch(token.name):
            raise TokenError(f"{path}:{number}: a name has 1 to 32 letters, digits, _ and -")
        if token.name in found or any(token.value == other.value for other in found.values()):
            raise TokenError(f"{path}:{number}: this name or token has been there before")
        found[token.name] = token
    if not found:
        raise TokenError(f"{path}: there is no token in it")
    return tuple(found.values())


def read(path: str) -> tuple[Token, ...]:
    """Every token of a file; TokenError says why it cannot be used."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise TokenError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TokenError(f"{path!r}: cannot be a path") from error
    if len(content) > MAX_FILE_BYTES:
        raise TokenError(f"{path}: is larger than a token file may be")
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        log.warning("%s can be read by every user of this host: chmod o-r", path)
    try:
        return parse(content.decode("ascii"), path)
    except UnicodeDecodeError:
        raise TokenError(f"{path}: a token file has ASCII characters only") from None


def read_or_make(directory: str) -> tuple[tuple[Token, ...], bool]:
    """The tokens kept in a state directory, and whether they were made just now."""
    path = state_path(directory)
    if os.path.exists(path):
        return read(path), False
    try:
        _keep(directory, path, make())
    except FileExistsError:
        return read(path), False  # another process was faster
    except OSError as error:
        raise TokenError(f"no token can be kept in {directory}: {error.strerror}") from error
    return read(path), True


def state_path(directory: str) -> str:
    """The token file of a state directory."""
    return os.path.join(directory, "token")


def state_directory(environment: Mapping[str, str]) -> str:
    """Where systemd or the XDG base directory specification wants a program's state."""
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    home = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):  # the specification: relative ones are to be ignored
        home = os.path.expanduser("~/.local/state")
    return given or os.path.join(home, "telemetry_stream")


def maybe_matching(tokens: Iterable[Token], value: str) -> Token | None:
    """The token with this value. Takes as long for any value of a length: nothing is learned from the time."""
    found = None
    candidate = value.encode(errors="replace")
    for token in tokens:
        if hmac.compare_digest(token.value.encode(), candidate):
            found = token
    return found


def _keep(directory: str, path: str, value: str) -> None:
    """Write a token file that only its owner may read, whole or not at all, and never over another."""
    os.makedirs(directory, 0o700, exist_ok=True)
    draft = f"{path}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        os.unlink(draft)
