"""Advice about permissions. scripts/test-service follows it in a booted system and starts the service again."""

from __future__ import annotations

import errno
import grp
import os
import stat
import sys
from pathlib import Path

import pytest

from telemetry_stream.permissions import UnreadableError, how_to_restrict, read_text, unreadable

DENIED = OSError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the user and the group of this process."""
    path = tmp_path / "my token"
    path.touch(0o644)
    os.chown(path, -1, os.getegid())
    return path


def owned(secret: Path, user: int) -> os.stat_result:
    """Return the status of the file as if it belonged to this user."""
    found = list(secret.stat())
    found[stat.ST_UID] = user
    return os.stat_result(found)


def become(monkeypatch: pytest.MonkeyPatch, *, user: int, group: int) -> None:
    """Make this process believe that it has another user and another group."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "getegid", lambda: group)


def test_only_the_owner_needs_to_read_its_file(secret: Path) -> None:
    """The name of the file is quoted for a shell."""
    assert how_to_restrict(str(secret), secret.stat()) == f"chmod 600 '{secret}'"


def test_group_of_a_service_keeps_its_permission(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next start of the service fails. The owner is root."""
    status = owned(secret, 0)
    become(monkeypatch, user=1000, group=status.st_gid)
    assert how_to_restrict("/tokens", status) == "chmod 640 /tokens"


def test_group_of_a_service_gets_the_file(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a name, or only a number."""
    status, named = owned(secret, 0), grp.getgrnam("daemon")
    become(monkeypatch, user=1000, group=named.gr_gid)
    assert how_to_restrict("/tokens", status) == "chgrp daemon /tokens && chmod 640 /tokens"
    become(monkeypatch, user=1000, group=4_000_000_000)
    assert how_to_restrict("/tokens", status) == "chgrp 4000000000 /tokens && chmod 640 /tokens"


def test_a_group_whose_name_cannot_be_read_has_a_number(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module for names is a file, which cannot be opened without a descriptor."""
    status, named = owned(secret, 0), grp.getgrnam("daemon")
    become(monkeypatch, user=1000, group=named.gr_gid)
    monkeypatch.setitem(sys.modules, "grp", None)
    assert how_to_restrict("/tokens", status).startswith(f"chgrp {named.gr_gid} ")


def test_another_owner_gets_no_write_permission(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a token file would be refused at the next start."""
    status = owned(secret, 1001)
    become(monkeypatch, user=0, group=0)
    assert how_to_restrict("/tokens", status) == "chmod 400 /tokens"
    become(monkeypatch, user=1000, group=status.st_gid)
    assert how_to_restrict("/tokens", status) == "chmod 440 /tokens"
    become(monkeypatch, user=1000, group=4_000_000_000)
    assert how_to_restrict("/tokens", status) == "chgrp 4000000000 /tokens && chmod 440 /tokens"


def test_permission_denied_has_its_remedy(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other error has none."""
    status = secret.stat()
    become(monkeypatch, user=status.st_uid + 1, group=status.st_gid)
    advice = how_to_restrict(str(secret), status)
    assert unreadable(str(secret), DENIED) == (
        f"{secret} cannot be read: Permission denied (use {advice})"
    )
    other = OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    assert unreadable(str(secret), other) == f"{secret} cannot be read: Is a directory"


def test_directory_that_may_not_be_searched_is_named_as_the_reason(tmp_path: Path) -> None:
    """Its file cannot be examined. Root may search every directory, so the file is missing here."""
    assert unreadable(str(tmp_path / "key"), DENIED).endswith(
        "may not search one of its directories"
    )


def test_a_text_is_read_with_the_status_of_its_file(secret: Path) -> None:
    """Up to the limit, which is inclusive."""
    secret.write_text("1234")
    text, status = read_text(str(secret), 4)
    assert (text, status.st_ino) == ("1234", secret.stat().st_ino)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"12345", "is larger than 0 KiB"),
        ("\u00e9".encode(), "contains characters other than ASCII"),
    ],
)
def test_a_file_of_another_form_is_named(secret: Path, content: bytes, reason: str) -> None:
    """The sentence does not quote the content, which may be a secret."""
    secret.write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_text(str(secret), 4)
    assert str(caught.value) == f"{secret}: {reason}"


def test_a_file_that_cannot_be_read_is_named(secret: Path) -> None:
    """With the reason of the system, or that it is not a path."""
    with pytest.raises(UnreadableError, match="cannot be read: No such file"):
        read_text(f"{secret}.old", 4)
    with pytest.raises(UnreadableError, match="is not a valid path"):
        read_text("a\0b", 4)
