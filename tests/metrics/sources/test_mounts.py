"""The parser of mountinfo."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources.mounts import Mount, parse, unescape
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
        Mount("254:0", "/", "/dev/vda", "ext4", False, "rw,discard"),
        Mount("98:0", "/mnt with\todd\nname\\", "/dev/r oot", "ext3", True, "ro,errors=continue"),
        Mount("0:21", "/proc", "proc", "proc", False, "rw,hidepid=invisible"),
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


@given(odd(LINES))
def test_any_bytes_are_parsed(content: bytes) -> None:
    """Every name can be encoded to its original bytes."""
    for mount in parse(content):
        mount.mountpoint.encode("utf-8", "surrogateescape")
