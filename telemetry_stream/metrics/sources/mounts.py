"""The parse of /proc/PID/mountinfo (kernel docs: filesystems/proc.rst 3.5), shared by filesystem and host.

Specimen: ``36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue``.
Optional fields end at a lone ``-``, so the type is the word after it and not a fixed column. Names escape space, tab,
newline and backslash in octal. Nothing here touches a mount.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..files import parser

ESCAPES = ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\"))


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount; ``number`` is the filesystem's major:minor, the same for all its mounts."""

    number: str
    mountpoint: str
    device: str
    fstype: str
    read_only: bool  # the filesystem, by whichever mount
    options: str  # of the filesystem, not of this mount


def unescape(name: bytes) -> str:
    """A name as it is. Surrogates keep bytes that are no UTF-8, so that the path still leads there."""
    if b"\\" in name:
        for escape, plain in ESCAPES:  # the backslash last: what it makes is not unescaped again
            name = name.replace(escape, plain)
    return name.decode("utf-8", "surrogateescape")


@parser
def parse(content: bytes) -> tuple[Mount, ...]:
    """All mounts in the order of mounting. Lines that are no mounts are left out."""
    mounts = []
    for line in content.split(b"\n"):
        front, dash, back = line.partition(b" - ")
        words, last = front.split(b" "), back.split(b" ")
        if not dash or len(words) < 6 or len(last) < 2:
            continue
        # Of the filesystem, not of this mount: a service's sandbox (ProtectSystem=strict) has all mounts read-only.
        options = last[2].split(b",") if len(last) > 2 else []
        mounts.append(
            Mount(
                words[2].decode("ascii", "replace"),
                unescape(words[4]),
                unescape(last[1]),
                unescape(last[0]),
                b"ro" in options,
                last[2].decode("utf-8", "replace") if len(last) > 2 else "",
            )
        )
    return tuple(mounts)
