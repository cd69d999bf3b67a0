"""The names of users from the host's own passwd file (passwd(5)). NSS may use a directory server, which may block.

The file itself may be on a disk that sleeps or on a server that is gone, so it is read on a worker.
"""

from __future__ import annotations

import logging
import math
import os

from ..attributes import maybe_read_once
from ..blocking import Blocking
from ..source import Clock, Now

log = logging.getLogger(__name__)

PASSWD_SECONDS = 60.0
MOST_DIGITS = 10  # of a uid, which has 32 bits. Python refuses to parse thousands.


class Users:
    """The names of user ids. The collecting thread calls the methods, but any thread may call ``name``."""

    def __init__(self, path: str, clock: Clock, *, timeout_seconds: float = 0.0) -> None:
        self._blocking: Blocking[None, dict[int, str]] = Blocking(
            "ts-passwd",
            lambda _key: parse_passwd(maybe_read_once(path) or b""),
            clock,
            timeout_seconds=timeout_seconds,
        )
        self._refresh_at = -math.inf
        self._last_logged: str | None = None

    def refresh(self, now: Now) -> None:
        """Have the file read again after PASSWD_SECONDS. To be called in each tick in which names are needed."""
        if now.monotonic >= self._refresh_at:
            self._refresh_at = now.monotonic + PASSWD_SECONDS
            self._blocking.request([None])
        self._blocking.check_workers()
        result = self._blocking.maybe_result(None)
        if result is not None and result.error is not None:
            self._log_failure(repr(result.error))

    def name(self, uid: int) -> str:
        """Return the name, or the number if the file does not have it or has not been read so far."""
        result = self._blocking.maybe_result(None)
        names = None if result is None else result.value
        return (names or {}).get(uid) or str(uid)

    def _log_failure(self, reason: str) -> None:
        if reason != self._last_logged:
            self._last_logged = reason
            log.error(
                "Users are shown by their numbers, because their names cannot be read: %s", reason
            )

    def close(self) -> None:
        """End the idle worker. The names are kept until the file has been read again."""
        self._blocking.close()
        self._refresh_at = -math.inf


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
        if len(words) > 2 and words[2].isdigit() and len(words[2]) <= MOST_DIGITS:
            names.setdefault(int(words[2]), words[0].decode("utf-8", "replace"))
    return names
