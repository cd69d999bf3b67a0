"""The users who are logged in: the sessions of systemd-logind (sd-login(3)), else those of utmp (utmp(5)).

logind has a file for each session in /run/systemd/sessions, which every user may read. utmp cannot represent times
after 2038, so distributions no longer write it.
"""

from __future__ import annotations

import os
import struct

from ..attributes import maybe_read_once

SESSIONS = "run/systemd/sessions"
UTMP = "run/utmp"
# A host with more sessions shows this number.
MAX_SESSIONS = 1000
USER_PROCESS = 7
ENTRY = struct.Struct("=h2xi32s4s32s")  # type, pid, line, id, user
ENTRY_BYTES = 384
# bits/utmp.h of glibc: where a long has 64 bits and __WORDSIZE_TIME64_COMPAT32 is 0.
LONG_ENTRY_BYTES = 400
LONG_ENTRY_MACHINES = ("aarch64", "riscv64", "loongarch64")


def maybe_logged_in(root: str, proc_root: str) -> list[str] | None:
    """Return the name of the user of each session, or None if the host has neither logind nor utmp.

    ``root`` is the directory of the host's root.
    """
    directory = os.path.join(root, SESSIONS)
    try:
        names = os.listdir(directory)
    except OSError:
        content = maybe_read_once(os.path.join(root, UTMP))
        return None if content is None else parse_utmp(content, proc_root)
    # N.ref is a pipe, by which logind notices the end of a session.
    sessions = [name for name in names if "." not in name][:MAX_SESSIONS]
    files = (maybe_read_once(os.path.join(directory, name)) for name in sessions)
    users = (maybe_session_user(content) for content in files if content is not None)
    return [user for user in users if user is not None]


def maybe_session_user(content: bytes) -> str | None:
    """Return the user of one file of logind, or None for sessions of services, login screens, and such that end."""
    values = dict(
        line.split("=", 1)
        for line in content.decode("utf-8", "replace").splitlines()
        if "=" in line
    )
    is_user = values.get("CLASS", "").partition("-")[0] == "user"
    return values.get("USER") if is_user and values.get("STATE") != "closing" else None


def parse_utmp(content: bytes, proc_root: str, machine: str = os.uname().machine) -> list[str]:
    """Return the users of the sessions in utmp whose process exists: after a crash, entries stay."""
    size = LONG_ENTRY_BYTES if machine in LONG_ENTRY_MACHINES else ENTRY_BYTES
    users = []
    for offset in range(0, min(len(content), size * MAX_SESSIONS) - size + 1, size):
        kind, pid, _, _, user = ENTRY.unpack_from(content, offset)
        if kind == USER_PROCESS and pid > 0 and os.path.exists(os.path.join(proc_root, str(pid))):
            users.append(user.partition(b"\0")[0].decode("utf-8", "replace"))
    return users
