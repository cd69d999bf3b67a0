"""Permissions of files with secrets, such as a token file or a TLS key: what to change, as commands for a shell.

The commands must leave the file readable for this process. A service has a user of its own, while its files usually
belong to root; then the owner keeps the file, and the group of this process may read it. If the owner is another user,
it gets no write permission: a token file that such an owner can write is refused.
"""

from __future__ import annotations

import errno
import grp
import os
import shlex


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
    """Return the group of this process; its number if it has no name."""
    try:
        return grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        return str(os.getegid())
