"""The names of users from a passwd file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources.passwd import Users, parse_passwd
from tests.metrics.trees import Tree


def test_user_names_come_from_the_host_s_passwd_file(tree: Tree) -> None:
    """Not from NSS, which may use a server. An unknown uid is its number. The file is read once a minute."""
    tree.put(
        "proc/1/root/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/:/bin/sh\nalso:x:1000:1::/:\nbroken\n",
    )
    users = Users(f"{tree.proc}/1/root/etc/passwd")
    now = tree.tick()
    assert [users.name(uid, now) for uid in (0, 1000, 77)] == ["root", "me", "77"]
    tree.put("proc/1/root/etc/passwd", "new:x:77:77\n")
    assert users.name(77, tree.tick()) == "77"
    assert users.name(77, tree.tick(60.0)) == "new"


@given(st.binary())
def test_any_passwd_file_is_parsed(content: bytes) -> None:
    """Uids are not negative."""
    assert all(uid >= 0 for uid in parse_passwd(content))
