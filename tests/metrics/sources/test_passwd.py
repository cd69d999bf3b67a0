"""The names of users from a passwd file."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources.passwd import Users, parse_passwd
from tests.conftest import eventually
from tests.metrics.trees import Tree


def test_user_names_come_from_the_host_s_passwd_file(tree: Tree) -> None:
    """Not from NSS, which may use a server. An unknown uid is its number. The file is read once a minute."""
    tree.put(
        "proc/1/root/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/:/bin/sh\nalso:x:1000:1::/:\nbroken\n",
    )
    users = Users(f"{tree.proc}/1/root/etc/passwd", tree.clock, timeout_seconds=10.0)
    assert users.name(0) == "0"
    users.refresh(tree.tick())
    assert [users.name(uid) for uid in (0, 1000, 77)] == ["root", "me", "77"]
    tree.put("proc/1/root/etc/passwd", "new:x:77:77\n")
    users.refresh(tree.tick())
    assert users.name(77) == "77"
    users.refresh(tree.tick(60.0))
    assert users.name(77) == "new"
    users.close()


def test_a_disk_that_hangs_delays_no_tick(tree: Tree) -> None:
    """Users are shown by their numbers until it answers."""
    os.makedirs(f"{tree.proc}/1/root/etc")
    fifo = f"{tree.proc}/1/root/etc/passwd"
    os.mkfifo(fifo)  # open() of it blocks until another process opens it for writing
    users = Users(fifo, tree.clock)
    users.refresh(tree.tick())
    assert users.name(7) == "7"
    with open(fifo, "w", encoding="utf-8") as file:
        file.write("seven:x:7:\n")
    assert eventually(lambda: users.name(7) == "seven")
    users.close()


def test_a_mistake_on_the_worker_is_logged_once(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """Users are shown by their numbers."""
    users = Users("not\0a path", tree.clock, timeout_seconds=10.0)
    for _ in range(5):
        users.refresh(tree.tick(60.0))
    assert users.name(7) == "7"
    (record,) = caplog.records
    assert "by their numbers" in record.message
    assert "ValueError" in record.message
    users.close()


def test_a_uid_that_is_none_does_not_cost_the_names() -> None:
    """Python refuses to parse thousands of digits."""
    assert parse_passwd(b"a:x:" + b"9" * 5000 + b":\nb:x:4294967295:\n") == {4294967295: "b"}


@given(st.binary())
def test_any_passwd_file_is_parsed(content: bytes) -> None:
    """Uids are not negative."""
    assert all(uid >= 0 for uid in parse_passwd(content))
