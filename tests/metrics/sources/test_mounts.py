"""The parser of mountinfo."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources.mounts import Mount, Tree, parse, unescape
from tests.metrics.trees import odd

LINES = rb"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
36 27 98:0 /mnt1 /mnt\040with\011odd\012name\134 rw,noatime master:1 shared:2 - ext3 /dev/r\040oot ro,errors=continue
22 27 0:21 / /proc ro,nosuid - proc proc rw,hidepid=invisible
"""


def test_fields_are_found_and_names_unescaped() -> None:
    """The type is the word after the lone dash, whatever the number of optional fields before it.

    read_only is that of the filesystem (mnt1), not of a mount that a sandbox made read-only (proc).
    """
    assert parse(LINES) == (
        Mount("254:0", "/", "/dev/vda", "ext4", False, "rw,discard", "/", "27", "1"),
        Mount(
            "98:0",
            "/mnt with\todd\nname\\",
            "/dev/r oot",
            "ext3",
            True,
            "ro,errors=continue",
            "/mnt1",
            "36",
            "27",
        ),
        Mount("0:21", "/proc", "proc", "proc", False, "rw,hidepid=invisible", "/", "22", "27"),
    )


@pytest.mark.parametrize(
    "line", [b"", b"27 1 254:0 / /", b"27 1 254:0 / / rw ext4 /dev/vda rw", b"a - b"]
)
def test_a_line_that_is_not_a_mount_is_skipped(line: bytes) -> None:
    """The other lines are parsed."""
    assert len(parse(line + b"\n" + LINES)) == 3


def test_an_escaped_backslash_is_not_unescaped_again() -> None:
    """The name of a directory may contain a backslash and three digits."""
    assert unescape(rb"/a\134040b") == r"/a\040b"


# mangle() in fs/proc_namespace.c escapes the characters of " \t\n\\#" in the source; fs/seq_file.c those of any list.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (rb"nas\0431\040backup", "nas#1 backup"),
        (rb"\011\012\040\043\134", "\t\n #\\"),
        (rb"a\075b\054c\177", "a=b,c\x7f"),
        (rb"\303\251", "é"),
        (rb"no\09escape\4", "no\\09escape\\4"),
    ],
)
def test_every_octal_escape_is_decoded(name: bytes, expected: str) -> None:
    """A byte from three octal digits. Other backslashes stay."""
    assert unescape(name) == expected


def reachable(*lines: str) -> list[str]:
    """Return the devices of the mounts that a path leads to."""
    content = "\n".join(lines).encode()
    return [mount.device for mount in Tree(parse(content)).reachable()]


ROOT = "22 1 8:1 / / rw - ext4 /dev/root rw"


def test_a_mount_below_a_covered_mount_is_hidden() -> None:
    """Documentation/filesystems/sharedsubtree.rst and findmnt --shadowed: /srv was mounted again on top of itself."""
    assert reachable(
        ROOT,
        "30 22 8:2 / /srv rw - ext4 /dev/old rw",
        "31 30 8:3 / /srv/deep rw - ext4 /dev/deep rw",
        "32 31 8:4 / /srv/deep/er rw - ext4 /dev/deeper rw",
        "33 30 8:5 / /srv rw - ext4 /dev/new rw",
        "34 33 8:6 / /srv/deep rw - ext4 /dev/visible rw",
    ) == ["/dev/root", "/dev/new", "/dev/visible"]


def test_a_mount_over_a_directory_above_hides_a_mount() -> None:
    """/a/b was mounted, and then a tmpfs on /a."""
    assert reachable(
        ROOT,
        "30 22 8:2 / /a/b rw - ext4 /dev/hidden rw",
        "31 22 8:3 / /ab rw - ext4 /dev/other rw",
        "32 22 0:9 / /a rw - tmpfs tmpfs rw",
    ) == ["/dev/root", "/dev/other", "tmpfs"]


def test_a_mount_below_another_can_be_newer() -> None:
    """MOVE_MOUNT_BENEATH of move_mount(2): the new mount is under the one that was at the mountpoint."""
    assert reachable(
        ROOT,
        "30 31 8:2 / /srv rw - ext4 /dev/top rw",
        "31 22 8:3 / /srv rw - ext4 /dev/beneath rw",
        "32 31 8:4 / /srv/deep rw - ext4 /dev/hidden rw",
        "33 30 8:5 / /srv/deep rw - ext4 /dev/deep rw",
    ) == ["/dev/root", "/dev/top", "/dev/deep"]


def test_the_root_that_the_system_booted_from_is_hidden() -> None:
    """An initramfs stays mounted below the root."""
    assert reachable("1 1 0:2 / / rw - rootfs rootfs rw", ROOT) == ["/dev/root"]


@given(odd(LINES))
def test_any_bytes_are_parsed(content: bytes) -> None:
    """Every name can be encoded to its original bytes."""
    for mount in parse(content):
        mount.mountpoint.encode("utf-8", "surrogateescape")
