"""Permissions of files with secrets, such as a token file or a TLS key: what to change, as commands for a shell.

The commands must leave the file readable for this process. A service has a user of its own, while its files usually
belong to root; then the owner keeps the file, and the group of this process may read it.
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
    if os.geteuid() in (0, status.st_uid):
        return f"chmod 600 {name}"
    if status.st_gid == os.getegid():
        return f"chmod 640 {name}"
    return f"chgrp {_group()} {name} && chmod 640 {name}"


def _group() -> str:
    """Return the group of this process; its number if it has no name."""
    try:
        return grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        return str(os.getegid())
