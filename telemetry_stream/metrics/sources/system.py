"""The section ``system``: uptime, boot, suspend, and where the numbers come from.

Uptime includes suspend (CLOCK_BOOTTIME). The boot time changes if the system time is set, and is wrong before NTP on
boards without a real-time clock. The boot id tells a reboot from a change of the system time.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Annotated

from ..attributes import maybe_read_once
from ..files import Files, ParseError, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from . import kernel_stat, mounts


@dataclass(slots=True)
class System:
    """How long this host has been running, and how long it was suspended."""

    uptime_seconds: Annotated[float, "Time since boot, including suspend."]
    boot_time_unix: Annotated[
        int | None,
        Field(
            "When the host booted, by the present system time. Null if /proc/stat cannot be read.",
            unit="seconds since 1970",
            title="boot time",
        ),
    ]
    boot_id: Annotated[str | None, "Changes at every boot. Null if the kernel does not have it."]
    suspended_seconds: Annotated[
        float, "Suspended since the previous sample. Above 0.5 s, the rates of cpu are null."
    ]
    view: Annotated[
        str,
        "Where the numbers come from. host: all from the host. container: network and processes from the container, "
        "all others from the host. lxcfs: also memory and uptime from the container.",
    ]


# PROC_PID_INIT_INO in include/linux/proc_ns.h: the pid namespace that the kernel itself created.
INITIAL_PID_NAMESPACE = "pid:[4026531836]"


@parser
def parse_uptime(content: bytes) -> float:
    """Return the first number of ``9512.31 18820.30``: seconds since boot. The second is idle time of all cores."""
    seconds = float(content.split(None, 1)[0])
    if not math.isfinite(seconds) or seconds < 0:
        raise ParseError("not a time", line=1)
    return seconds


def read_view(files: Files) -> str:
    """Return whose numbers proc_root shows: ``host``, ``container`` or ``lxcfs``. To be read once.

    In a container, network and processes are its own and everything else is the host's. With lxcfs, memory and uptime
    are its own, too.
    """
    content = maybe_read_once(files.mountinfo_path)
    table = mounts.parse(content) if content is not None else ()
    on_top = {mount.mountpoint: mount for mount in table}
    if (meminfo := on_top.get("/proc/meminfo")) and meminfo.fstype.startswith("fuse"):
        return "lxcfs"
    root = on_top.get("/")
    if root is not None and root.fstype.endswith(("overlay", "overlayfs")):
        return "container"
    for process in ("1", "self"):  # Only root may read that of process 1.
        try:
            namespace = os.readlink(os.path.join(files.proc_root, process, "ns", "pid"))
        except OSError:
            continue
        return "host" if namespace == INITIAL_PID_NAMESPACE else "container"
    return "host"


class SystemSource:
    """Section ``system``."""

    name = "system"

    def __init__(self, files: Files) -> None:
        self._uptime = files.proc("uptime", parse_uptime)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._view = read_view(files)
        boot_id = maybe_read_once(os.path.join(files.proc_root, "sys/kernel/random/boot_id"))
        self._boot_id = (boot_id or b"").decode("utf-8", "replace").strip() or None

    def collect(self, now: Now) -> System:
        """Raises OSError or ParseError if /proc/uptime is unavailable."""
        uptime = self._uptime.read(now)
        try:
            boot_time = self._stat.read(now).boot_time_unix
        except (OSError, ParseError):  # The section cpu reports it.
            boot_time = None
        return System(uptime, boot_time, self._boot_id, round(now.suspended_seconds, 3), self._view)


SECTIONS = (
    Section(
        SystemSource,
        System,
        title="System",
        text="How long this host has been running, and how long it was suspended.",
        files="/proc/uptime, /proc/stat",
        prometheus="node",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (SystemSource(setup.files),)
