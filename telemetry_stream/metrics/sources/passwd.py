"""The names of users from the host's own passwd file (passwd(5)). NSS may use a directory server, which may block."""

from __future__ import annotations

import math
import os

from ..attributes import maybe_read_once
from ..source import Now

PASSWD_SECONDS = 60.0


class Users:
    """The names of user ids. The file is read again after PASSWD_SECONDS."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._names: dict[int, str] = {}
        self._refresh_at = -math.inf

    def name(self, uid: int, now: Now) -> str:
        """Return the name, or the number if the file does not have it."""
        if now.monotonic >= self._refresh_at:
            self._refresh_at = now.monotonic + PASSWD_SECONDS
            self._names = parse_passwd(maybe_read_once(self._path) or b"")
        return self._names.get(uid) or str(uid)


def maybe_owner(directory: str) -> int | None:
    """Return the user id of a process, by its directory in /proc; None if it has just ended.

    It is right even if the process is not dumpable and root owns its files.
    """
    try:
        return os.stat(directory).st_uid
    except OSError:
        return None


def parse_passwd(content: bytes) -> dict[int, str]:
    """Parse ``name:x:uid:...`` lines. The first name of a uid counts; other lines are skipped."""
    names: dict[int, str] = {}
    for line in content.split(b"\n"):
        words = line.split(b":")
        if len(words) > 2 and words[2].isdigit():
            names.setdefault(int(words[2]), words[0].decode("utf-8", "replace"))
    return names
