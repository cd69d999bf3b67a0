"""The traffic of a container: that of the network namespace of one process of its control group.

/proc/PID/net/dev is never kept open: an open one keeps the whole namespace alive.
"""

from __future__ import annotations

import os
from collections import deque
from itertools import islice

from .. import counters
from ..attributes import BUFFER_BYTES
from ..files import ParseError
from . import netdev
from .container_files import Traffic, maybe_read
from .counted import LOOPBACK

# A container may have systemd inside: its processes are in groups below. It can make any number of groups, and of
# interfaces (some 125 bytes each).
PROCESS_DEPTH = 3
MAX_GROUPS = 64
MAX_NETWORK_BYTES = 64 * 1024


class Networks:
    """The traffic of a container: that of the network namespace of one of its processes, without loopback."""

    def __init__(self, proc_root: str, hierarchy: str) -> None:
        """``hierarchy`` is the directory that the path of a container begins in."""
        self._proc_root = proc_root
        self._hierarchy = hierarchy

    def maybe_traffic(self, path: str) -> Traffic | None:
        """Return the bytes received and sent by each interface.

        None if no process can be seen, if it uses the host's network, if process 1 is hidden (hidepid= of /proc), so
        that the host's network is unknown, or if there is no interface but loopback.
        The kernel gives the file of each namespace a number of its own, so equal numbers are the same namespace. Other
        ways to compare them need the permission to trace the process.
        """
        pid = self._maybe_pid(self._hierarchy + path)
        if pid is None:
            return None
        file = f"{self._proc_root}/{pid}/net/dev"
        own, host = (_maybe_inode(path) for path in (file, f"{self._proc_root}/1/net/dev"))
        if own is None or host is None or own == host:
            return None
        content = _maybe_read_network(file)
        try:
            rows = netdev.parse(content or b"")
        except ParseError:
            return None
        return {
            name: (numbers[netdev.RX_BYTES], numbers[netdev.TX_BYTES])
            for name, numbers in rows.items()
            if name != LOOPBACK
        } or None

    def _maybe_pid(self, directory: str) -> int | None:
        """Return a process of a group or of the groups in it, of which at most MAX_GROUPS are read.

        Processes of another pid namespace are shown as 0.
        """
        pending = deque([(directory, 0)])
        left = MAX_GROUPS
        while pending:
            group, depth = pending.popleft()
            content = maybe_read(f"{group}/cgroup.procs") or b""
            pid = counters.maybe_count(content.partition(b"\n")[0].strip(), counters.MOST_TASKS)
            if pid:
                return pid
            if pid is None and depth < PROCESS_DEPTH:
                below = _directories_in(group, left)
                left -= len(below)
                pending.extend((child, depth + 1) for child in below)
        return None


def _directories_in(directory: str, most: int) -> list[str]:
    if most == 0:
        return []
    try:
        with os.scandir(directory) as entries:
            paths = (entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
            return sorted(islice(paths, most))
    except OSError:
        return []


def _maybe_read_network(path: str) -> bytes | None:
    """Read net/dev, of which read(2) returns a page at a time. None if it exceeds MAX_NETWORK_BYTES."""
    content = b""
    try:
        with open(path, "rb", buffering=0) as file:
            while part := file.read(BUFFER_BYTES):
                content += part
                if len(content) > MAX_NETWORK_BYTES:
                    return None
    except OSError:
        return None
    return content


def _maybe_inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
