"""Which mounts are shown as filesystems, and how often each may be called.

Filesystems without files of their own and those on a network are hidden by their type, before any call.

Each call counts as use of the filesystem. One that was mounted on demand (autofs, x-systemd.automount) would never be
unmounted, and its disk would never spin down. So it is called rarely enough to expire between two calls.
"""

from __future__ import annotations

import re

from .mounts import Mount, Tree

STATVFS_SECONDS = 15.0
# Of a filesystem that was mounted on demand: at least this, and more than the time after which it expires.
AUTOMOUNT_SECONDS = 300.0
TIMEOUTS = 3
TIMEOUT = re.compile(r"(?:^|,)timeout=(\d+)")

# They hold no files of their own. autofs: a call would mount something.
_WITHOUT_FILES = """
proc sysfs devtmpfs devpts tmpfs ramfs rootfs overlay squashfs erofs iso9660 autofs binfmt_misc bpf configfs debugfs
tracefs efivarfs fusectl hugetlbfs mqueue nsfs pstore rpc_pipefs securityfs selinuxfs
"""
# They may hang when the other side is gone. So may every FUSE, which is a program, except fuseblk, a local disk.
_NETWORK = """
nfs nfs4 cifs smb3 smbfs 9p ceph afs coda gfs2 glusterfs lustre beegfs ocfs2 orangefs ncpfs davfs virtiofs
"""
HIDDEN = frozenset(_WITHOUT_FILES.split() + _NETWORK.split())


def is_shown(mount: Mount) -> bool:
    """Return whether a mount gets a row, by its type. The root always does (in a container it is an overlay)."""
    fstype = mount.fstype
    if mount.mountpoint == "/":
        return True
    if fstype in HIDDEN or fstype.startswith("cgroup"):
        return False
    return not fstype.startswith("fuse") or fstype == "fuseblk"


def choose(tree: Tree) -> list[Mount]:
    """Return one mount per filesystem, among those that a path leads to.

    Bind mounts and subvolumes repeat their filesystem.
    """
    chosen: dict[str, Mount] = {}
    for mount in tree.reachable():
        if not is_shown(mount):
            continue
        known = chosen.get(mount.number)
        if known is None or _is_better(mount, known):
            chosen[mount.number] = mount
    return sorted(chosen.values(), key=lambda mount: mount.mountpoint)


def _is_better(mount: Mount, known: Mount) -> bool:
    """Return whether df shows ``mount`` instead of ``known``, an earlier mount of the same filesystem.

    As filter_mount_list in coreutils/src/df.c: the mountpoint that is nearer to the root wins, unless it shows only a
    part of what the other one shows. The root itself and the mount of a whole filesystem win in any order.
    """
    if "/" in (mount.mountpoint, known.mountpoint):
        return known.mountpoint != "/"
    if (mount.root == "/") != (known.root == "/"):
        return mount.root == "/"
    if ("/" in mount.device) != ("/" in known.device):
        return "/" in mount.device
    is_part = len(mount.root) > len(known.root)
    return len(mount.mountpoint) < len(known.mountpoint) and not is_part


def interval_seconds(mount: Mount, tree: Tree) -> float:
    """Return how often a filesystem is called: every STATVFS_SECONDS, or rarely if it was mounted on demand.

    The mount on demand is under it at the same mountpoint (direct), or is the directory that it is in (indirect).
    ``timeout`` is the time after which it expires (Documentation/filesystems/autofs.rst); 0: it does not.
    """
    for under in tree.under(mount):
        if under.fstype == "autofs":
            match = TIMEOUT.search(under.options)
            timeout = None if match is None else int(match.group(1))
            if timeout != 0:
                return max(AUTOMOUNT_SECONDS, TIMEOUTS * (timeout or 0))
    return STATVFS_SECONDS
