"""The parser of /proc/PID/mountinfo (Documentation/filesystems/proc.rst, 3.5), which filesystem, system and process
share.

    36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue

Optional fields end at a lone ``-``; the type is the word after it and has no fixed column. The kernel writes space,
tab, newline and backslash in names as octal escapes. The parser does not access any mount.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..files import parser

ESCAPES = ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\"))


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount."""

    number: str  # the filesystem's major:minor, which all its mounts share
    mountpoint: str
    device: str
    fstype: str
    read_only: bool  # of the filesystem, not of this mount
    options: str  # of the filesystem, not of this mount


def unescape(name: bytes) -> str:
    """Return a name without escapes. Bytes that are not UTF-8 become surrogates, so that the path stays valid."""
    if b"\\" in name:
        for (
            escape,
            plain,
        ) in ESCAPES:  # The backslash is last, so that its result is not unescaped again.
            name = name.replace(escape, plain)
    return name.decode("utf-8", "surrogateescape")


@parser
def parse(content: bytes) -> tuple[Mount, ...]:
    """Return all mounts in the order of mounting. Lines that do not describe a mount are skipped."""
    mounts = []
    for line in content.split(b"\n"):
        front, dash, back = line.partition(b" - ")
        words, last = front.split(b" "), back.split(b" ")
        if not dash or len(words) < 6 or len(last) < 2:
            continue
        # The options of the mount would be wrong here: in a service's sandbox (ProtectSystem=strict), all are
        # read-only.
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
