"""Login sessions from the files of logind and from utmp."""

from __future__ import annotations

import os

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources.logins import (
    ENTRY,
    ENTRY_BYTES,
    LONG_ENTRY_BYTES,
    MAX_SESSIONS,
    maybe_logged_in,
    maybe_session_user,
    parse_utmp,
)
from tests.metrics.trees import Tree, odd

SESSION = "# This is private data. Do not parse.\nUID=1000\nUSER={}\nSTATE={}\nCLASS={}\n"


@pytest.mark.parametrize(
    ("state", "kind", "counts"),
    [
        ("active", "user", True),
        ("online", "user", True),
        ("active", "user-early", True),
        ("active", "user-light", True),
        ("closing", "user", False),
        ("active", "greeter", False),
        ("active", "manager", False),
        ("active", "background", False),
    ],
)
def test_sessions_of_users_count(state: str, kind: str, counts: bool) -> None:
    """Not those of login screens and services, and none that ends."""
    content = SESSION.format("ada", state, kind).encode()
    assert maybe_session_user(content) == ("ada" if counts else None)


def test_each_session_of_logind_counts(tree: Tree) -> None:
    """A pipe beside the file of a session is not opened, which would wait for its other end."""
    for number, user in enumerate(("ada", "bob", "ada")):
        tree.put(f"proc/root/run/systemd/sessions/{number}", SESSION.format(user, "active", "user"))
    os.mkfifo(f"{tree.proc}/root/run/systemd/sessions/0.ref")
    logged_in = maybe_logged_in(f"{tree.proc}/root", tree.proc)
    assert logged_in is not None
    assert sorted(logged_in) == ["ada", "ada", "bob"]


def test_the_sessions_are_limited(tree: Tree) -> None:
    """The pipes do not count."""
    for number in range(MAX_SESSIONS + 5):
        path = f"proc/root/run/systemd/sessions/{number}"
        tree.put(path, SESSION.format("ada", "active", "user"))
        tree.put(f"{path}.ref", "")
    assert maybe_logged_in(f"{tree.proc}/root", tree.proc) == ["ada"] * MAX_SESSIONS


def entry(kind: int, pid: int, user: str, size: int = ENTRY_BYTES) -> bytes:
    """Return one entry of utmp."""
    packed = ENTRY.pack(kind, pid, b"pts/0", b"ts/0", user.encode())
    return packed.ljust(size, b"\0")


def test_without_logind_utmp_counts(tree: Tree) -> None:
    """Only sessions (7) whose process exists. On a host without both, nothing is known."""
    root = f"{tree.proc}/root"
    assert maybe_logged_in(root, tree.proc) is None
    tree.put("proc/7/stat", "")
    entries = (
        entry(2, 0, "reboot") + entry(7, 7, "ada") + entry(7, 8, "gone") + entry(8, 7, "ended")
    )
    tree.put("proc/root/run/utmp", entries)
    assert maybe_logged_in(root, tree.proc) == ["ada"]
    os.makedirs(f"{root}/run/systemd/sessions")
    assert maybe_logged_in(root, tree.proc) == []


@pytest.mark.parametrize(
    ("machine", "size"), [("x86_64", ENTRY_BYTES), ("aarch64", LONG_ENTRY_BYTES)]
)
def test_the_size_of_an_entry_depends_on_the_machine(tree: Tree, machine: str, size: int) -> None:
    """The time and the session of an entry have 64 bits where no 32-bit programs share the file."""
    tree.put("proc/7/stat", "")
    content = entry(7, 7, "ada", size) + entry(7, 7, "x" * 32, size) + b"the begin of an entry"
    assert parse_utmp(content, tree.proc, machine) == ["ada", "x" * 32]


@given(odd(entry(7, 1, "ada") + entry(2, 0, "reboot")))
def test_any_utmp_is_parsed(content: bytes) -> None:
    """Entries of other kinds and parts of entries are skipped."""
    assert all(isinstance(user, str) for user in parse_utmp(content, "/proc"))


@given(odd(SESSION.format("ada", "active", "user").encode()))
def test_any_session_is_parsed(content: bytes) -> None:
    """Without a user it does not count."""
    assert maybe_session_user(content) is None or isinstance(maybe_session_user(content), str)
