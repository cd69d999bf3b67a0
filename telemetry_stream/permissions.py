"""Files with secrets, such as a token file or a TLS key: reading them, and their permissions as commands for a shell.

The commands must leave the file readable for this process. A service has a user of its own, while its files usually
belong to root; then the owner keeps the file, and the group of this process may read it. If the owner is another user,
it gets no write permission: a token file that such an owner can write is refused.
"""

from __future__ import annotations

import errno
import os
import shlex


class UnreadableError(Exception):
    """A file cannot be read, or has not the form of one with secrets: one sentence that names it."""


def read_text(path: str, max_bytes: int) -> tuple[str, os.stat_result]:
    """Return the text of an ASCII file and the status of what was read. Raises UnreadableError."""
    try:
        with open(path, "rb") as file:
            content = file.read(max_bytes + 1)
            status = os.fstat(file.fileno())
    except OSError as error:
        raise UnreadableError(unreadable(path, error)) from error
    except ValueError as error:
        raise UnreadableError(f"{path!r}: is not a valid path") from error
    if len(content) > max_bytes:
        raise UnreadableError(f"{path}: is larger than {max_bytes // 1024} KiB")
    try:
        return content.decode("ascii"), status
    except UnicodeDecodeError:
        raise UnreadableError(f"{path}: contains characters other than ASCII") from None


def unreadable(path: str, error: OSError) -> str:
    """Return why a file cannot be read, and how to change that if its permissions are the reason."""
    text = f"{path} cannot be read: {error.strerror}"
    try:
        if error.errno == errno.EACCES:
            return f"{text} (use {how_to_restrict(path, os.stat(path))})"
    except OSError:  # the permissions of a directory are the reason
        user = f"user id {os.geteuid()} with group {_group()}"
        return f"{text}, because {user} may not search one of its directories"
    return text


def how_to_restrict(path: str, status: os.stat_result) -> str:
    """Return the commands after which only the owner of the file, root and this process can read it."""
    name = shlex.quote(path)
    # The permissions of the owner, as an octal digit.
    owner = 6 if status.st_uid in (0, os.geteuid()) else 4
    if os.geteuid() in (0, status.st_uid):
        return f"chmod {owner}00 {name}"
    if status.st_gid == os.getegid():
        return f"chmod {owner}40 {name}"
    return f"chgrp {_group()} {name} && chmod {owner}40 {name}"


def _group() -> str:
    """Return the group of this process; its number if it has no name, or the name cannot be read."""
    try:
        import grp  # noqa: PLC0415  # for errors only

        return grp.getgrgid(os.getegid()).gr_name
    except (KeyError, ImportError, MemoryError, OSError):  # such as a limit of descriptors
        return str(os.getegid())
