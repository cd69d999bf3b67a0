"""Tokens: their form, and how they are generated, saved, read from a file and compared.

A token file has one token per line, as ``name token`` or only ``token``; blank lines and lines that begin with ``#``
are ignored. Removing a line revokes that token and no other. No message contains a token: errors give the file and the
line.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .. import permissions

log = logging.getLogger(__name__)

# URLs, headers and cookies can contain these characters without quoting. 16 of them are too many to guess.
VALUE = re.compile(r"[A-Za-z0-9._~-]{16,256}")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,31}")
RULE = "16 to 256 letters, digits and . _ ~ -"
NAME_RULE = "1 to 32 letters, digits, _ and -"

GENERATED_BYTES = 24  # 192 random bits, 32 characters

MAX_FILE_BYTES = 256 * 1024


class TokenError(Exception):
    """Tokens cannot be used or saved. The text is one sentence that names the file, and never a token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A secret value, and a name for logs and reports. Tokens with the same value are equal, whatever their names.

    ``id`` stands for the token in login cookies, so that a login stays valid when other lines of the file, or the name,
    change. It is derived from the value by a keyed hash. Only a browser that has logged in with the token receives it.
    """

    name: str = field(compare=False)
    value: str = field(repr=False)
    id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the id."""
        digest = hmac.digest(self.value.encode(), b"telemetry_stream token id", "sha256")
        object.__setattr__(self, "id", digest[:8].hex())


def generate() -> str:
    """Return the value of a new random token."""
    import secrets  # noqa: PLC0415  # imports random, 0.2 MiB; most starts find a token or need none

    return secrets.token_urlsafe(GENERATED_BYTES)


def token_line(names: Sequence[str]) -> str:
    """Return a line for a token file: a new token, with the name if there is one. Raises TokenError."""
    if len(names) > 1 or not all(map(NAME.fullmatch, names)):
        raise TokenError(f"token: expected at most one name, of {NAME_RULE}")
    return " ".join([*names, generate()])


def parse(content: str, path: str) -> tuple[Token, ...]:
    """Return every token in the content of the file ``path``. Raises TokenError.

    A token without a name is named after its line, for example ``token-3``: logs and reports show names, so a name must
    not be derived from the value.
    """
    found: dict[str, Token] = {}
    for number, line in enumerate(content.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 2 or not VALUE.fullmatch(words[-1]):
            raise TokenError(f"{path}:{number}: expected 'name token' or 'token'; the token {RULE}")
        token = Token(words[0] if len(words) == 2 else f"token-{number}", words[-1])
        if not NAME.fullmatch(token.name):
            raise TokenError(f"{path}:{number}: the name must be {NAME_RULE}")
        if token.name in found or any(token.value == other.value for other in found.values()):
            raise TokenError(f"{path}:{number}: duplicate name or token")
        found[token.name] = token
    return tuple(found.values())


def read(path: str) -> tuple[Token, ...]:
    """Return every token in a file; none if it contains no token. Raises TokenError."""
    try:
        text, status = permissions.read_text(path, MAX_FILE_BYTES)
    except permissions.UnreadableError as error:
        raise TokenError(str(error)) from error
    if stat.S_ISREG(status.st_mode):
        _check_access(path, status)
    return parse(text, path)


def _check_access(path: str, status: os.stat_result) -> None:
    """Raise TokenError if another user than root can write this file; warn if any user can read it.

    Another user may own it without write permission, because the secrets of a container keep their owner on the host.
    That is a warning, because an owner can change the permissions.
    """
    is_foreign = status.st_uid not in (0, os.geteuid())
    if is_foreign and status.st_mode & stat.S_IWUSR:
        raise TokenError(
            f"{path}: belongs to user id {status.st_uid}, who could add tokens (use chown or chmod a-w)"
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise TokenError(f"{path}: other users could add tokens (use chmod go-w)")
    if is_foreign:
        log.warning("%s belongs to user id %d, who could make it writable", path, status.st_uid)
    if status.st_mode & stat.S_IROTH:
        advice = permissions.how_to_restrict(path, status)
        log.warning("%s is readable by every user of this host (use %s)", path, advice)


def read_or_create(directory: str) -> tuple[tuple[Token, ...], bool]:
    """Return the tokens saved in a state directory, and whether this call created them. Raises TokenError."""
    path = state_path(directory)
    if os.path.exists(path):
        return read(path), False
    try:
        _save(directory, path, generate())
    except FileExistsError:
        return read(path), False  # another process was faster
    except OSError as error:
        raise TokenError(f"cannot save a token in {directory}: {error.strerror}") from error
    return read(path), True


def state_path(directory: str) -> str:
    """Return the token file of a state directory."""
    return os.path.join(directory, "token")


def state_directory(environment: Mapping[str, str]) -> str:
    """Return this program's state directory, from systemd.exec(5) or the XDG Base Directory Specification."""
    from_systemd = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    home = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):  # XDG: relative paths must be ignored
        home = os.path.expanduser("~/.local/state")
    return from_systemd or os.path.join(home, "telemetry_stream")


def maybe_matching(tokens: Iterable[Token], value: str) -> Token | None:
    """Return the token with this value.

    All tokens are compared, each in constant time, so that the response time reveals nothing about them.
    """
    found = None
    candidate = value.encode(errors="replace")
    for token in tokens:
        if hmac.compare_digest(token.value.encode(), candidate):
            found = token
    return found


def _save(directory: str, path: str, value: str) -> None:
    """Write a token file that only its owner can read. Another process never sees a part of it.

    Raises FileExistsError instead of overwriting a file.
    """
    os.makedirs(directory, 0o700, exist_ok=True)
    draft = f"{path}.{os.urandom(8).hex()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        os.unlink(draft)
