"""The section ``system``: uptime, boot, suspend, and where the numbers come from.

Uptime includes suspend (CLOCK_BOOTTIME). The boot time changes if the system time is set, and is wrong before NTP on
boards without a real-time clock. The boot id tells a reboot from a change of the system time.

The kernel computes the boot time as the system time less the uptime, so that both agree. lxcfs replaces some of the
files by those of the container, and the rest stays the host's: what does not agree is unknown.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ..attributes import maybe_link_target, maybe_read_once
from ..blocking import Blocking
from ..files import Files, ParseError, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from . import kernel_stat, logins, mounts
from .reboot import Reboot


@dataclass(slots=True)
class System:
    """How long this host has been running, and how long it was suspended."""

    uptime_seconds: Annotated[float | None, "Time since boot, including suspend."]
    boot_time_unix: Annotated[
        int | None,
        Field(
            "When the host booted, by the present system time. Null if /proc/stat cannot be read, or if it does not "
            "agree with the uptime (lxcfs).",
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
    sessions: Annotated[
        int | None,
        Field(
            "Sessions of users who are logged in. Null if the host has neither systemd-logind nor utmp.",
            unit="sessions",
        ),
    ] = None
    session_users: Annotated[
        str | None,
        Field("Their users, each once, separated by spaces: at most 8, then `…`.", title="users"),
    ] = None
    reboot_required: Annotated[
        bool | None,
        "Whether an update requires a reboot: /run/reboot-required exists, or a newer kernel of the same kind is "
        "installed. False if nothing shows it. Null in a container, without that file on a host that has no "
        "/lib/modules, and until they have been read.",
    ] = None


# PROC_PID_INIT_INO in include/linux/proc_ns.h: the pid namespace that the kernel itself created.
INITIAL_PID_NAMESPACE = "pid:[4026531836]"
# The kernel's first thread of its own has pid 2, in the first pid namespace only.
KTHREADD = b"2 (kthreadd) "
# The clocks and the files of one sample are read within milliseconds; a file has whole seconds.
BOOT_SECONDS = 5.0
MOST_UPTIME_SECONDS = 1e10  # 300 years
LOGINS_SECONDS = 10.0
MAX_USERS = 8


@parser
def parse_uptime(content: bytes) -> float:
    """Return the first number of ``9512.31 18820.30``: seconds since boot. The second is idle time of all cores."""
    seconds = float(content.split(None, 1)[0])
    if not 0 <= seconds <= MOST_UPTIME_SECONDS:
        raise ParseError("not a time", line=1)
    return seconds


def maybe_boot_time(boot_time: int | None, uptime: float | None, now: Now) -> int | None:
    """Return the boot time if it agrees with the uptime. Without an uptime it must only not be in the future."""
    if boot_time is None:
        return None
    since = now.realtime - boot_time
    if since < 0 or (uptime is not None and abs(since - uptime) > BOOT_SECONDS):
        return None
    return boot_time


def read_view(files: Files) -> str:
    """Return whose numbers proc_root shows: ``host``, ``container`` or ``lxcfs``. To be read once.

    In a container, network and processes are its own and everything else is the host's. With lxcfs, memory and uptime
    are its own, too. The pid namespace decides. The type of the root does not: Fedora Atomic, OpenWrt and live systems
    have an overlay.
    """
    content = maybe_read_once(files.mountinfo_path)
    table = mounts.parse(content) if content is not None else ()
    on_top = {mount.mountpoint: mount for mount in table}
    if (meminfo := on_top.get("/proc/meminfo")) and meminfo.fstype.startswith("fuse"):
        return "lxcfs"

    def maybe_namespace(process: str) -> str | None:
        return maybe_link_target(os.path.join(files.proc_root, process, "ns", "pid"))

    # Only root may read that of process 1. In the procfs of another host, "self" is in the namespace of this program.
    namespace = maybe_namespace("1")
    if namespace is None:
        thread = maybe_read_once(os.path.join(files.proc_root, "2", "stat"))
        if thread is not None and thread.startswith(KTHREADD):
            return "host"
        namespace = maybe_namespace("self")
    return "host" if namespace in (None, INITIAL_PID_NAMESPACE) else "container"


class SystemSource:
    """Section ``system``."""

    name = "system"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._uptime = files.proc("uptime", parse_uptime)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._view = read_view(files)
        boot_id = maybe_read_once(os.path.join(files.proc_root, "sys/kernel/random/boot_id"))
        self._boot_id = (boot_id or b"").decode("utf-8", "replace").strip() or None
        self._files = files
        release = maybe_read_once(os.path.join(files.proc_root, "sys/kernel/osrelease"))
        running = (release or b"").decode("utf-8", "replace").strip() or os.uname().release
        reboot = Reboot(files.host_root, running)
        self._reboot: Blocking[None, bool | None] = Blocking(
            "ts-reboot",
            lambda _key: reboot.maybe_required(),
            files.clock,
            timeout_seconds=timeout_seconds,
        )
        self._refresh_at = -math.inf
        self._sessions: int | None = None
        self._users: str | None = None

    def collect(self, now: Now) -> System:
        """Raises OSError or ParseError if both /proc/uptime and /proc/stat are unavailable, and what Reboot raised."""
        stat = self._stat.maybe_read(now)  # The section cpu reports its errors.
        try:
            uptime = self._uptime.read(now)
        except (OSError, ParseError):
            if stat is None or stat.boot_time_unix is None:
                raise
            return self.record(None, stat.boot_time_unix, now)
        return self.record(uptime, None if stat is None else stat.boot_time_unix, now)

    def record(self, uptime: float | None, boot_time: int | None, now: Now) -> System:
        """Return the section with the uptime and the boot time of the files."""
        if now.monotonic >= self._refresh_at:
            self._refresh_at = now.monotonic + LOGINS_SECONDS
            logged_in = logins.maybe_logged_in(self._files.host_root, self._files.proc_root)
            self._sessions = None if logged_in is None else len(logged_in)
            self._users = shown_users(logged_in)
            if self._view == "host":
                self._reboot.request([None])
        self._reboot.check_workers()
        reboot = self._reboot.maybe_result(None)
        if reboot is not None and reboot.error is not None:
            raise reboot.error.with_traceback(None)  # else it grows in each tick
        return System(
            uptime,
            maybe_boot_time(boot_time, uptime, now),
            self._boot_id,
            round(now.suspended_seconds, 3),
            self._view,
            self._sessions,
            self._users,
            None if reboot is None else reboot.value,
        )

    def close(self) -> None:
        """End the idle worker."""
        self._reboot.close()
        self._refresh_at = -math.inf


def shown_users(logged_in: Sequence[str] | None) -> str | None:
    """Return the names of the users, each once, or None if there is none."""
    names = sorted(set(logged_in or ()))
    more = ["…"] if len(names) > MAX_USERS else []
    return " ".join([*names[:MAX_USERS], *more]) or None


SECTIONS = (
    Section(
        SystemSource,
        System,
        title="System",
        text="How long this host has been running, and how long it was suspended.",
        files="/proc/uptime, /proc/stat, /run/systemd/sessions, /run/reboot-required, /lib/modules",
        prometheus="telemetry_stream_system",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (SystemSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
