"""The host itself: uptime, boot, suspend (the section ``system``), and who it is (HostInfo, read once).

The section cannot be called ``host``: in a sample that says which host it is of.

Uptime includes suspend (CLOCK_BOOTTIME). The boot time moves when somebody sets the clock, and is wrong before NTP on
boards without an RTC; the boot id tells a reboot from a clock step. Everything is read below proc_root, so a captured
host names itself and a container that was given the host's /proc names the host.
"""

from __future__ import annotations

import hashlib
import math
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from ..attributes import maybe_read_once
from ..files import Files, ParseError, parser
from ..source import Now
from . import kernel_stat, mounts

# A machine-id must not leave the machine (man machine-id): only this keyed hash of it does.
ID_KEY = b"telemetry_stream host id 1"


@dataclass(slots=True)
class System:
    """Since when this host runs, and what it slept through."""

    uptime_seconds: float
    boot_time_unix: int | None
    boot_id: str | None
    suspended_seconds: float  # since the sample before
    view: str  # whose numbers proc_root shows: "host", "container" or "lxcfs"


@dataclass(frozen=True, slots=True)
class HostInfo:
    """Who this host is: does not change while we run."""

    id: str
    name: str
    kernel: str
    cpu_model: str | None
    cores: int | None  # online when we started
    os: str | None  # as it calls itself: "Debian GNU/Linux 12 (bookworm)"


@parser
def parse_uptime(content: bytes) -> float:
    """``9512.31 18820.30``: seconds since boot; the second is idle time summed over cores."""
    seconds = float(content.split(None, 1)[0])
    if not math.isfinite(seconds) or seconds < 0:
        raise ParseError("not a time", line=1)
    return seconds


@parser
def parse_text(content: bytes) -> str:
    """A file of one line."""
    return content.decode("utf-8", "replace").strip()


# PROC_PID_INIT_INO in include/linux/proc_ns.h: the namespace of processes that the kernel itself made.
FIRST_PID_NAMESPACE = "pid:[4026531836]"

# x86, arm (32 bit), riscv, s390 and mips name the model differently; arm64 does not name it at all.
MODEL_KEYS = ("model name", "Hardware", "uarch", "cpu model", "Model", "cpu")


@parser
def parse_cpu_model(content: bytes) -> str | None:
    """The first line of /proc/cpuinfo that names a model, by the order of MODEL_KEYS."""
    found: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            found.setdefault(key.strip(), value.strip())
    return next((found[key] for key in MODEL_KEYS if key in found), None)


@parser
def parse_os_release(content: bytes) -> str | None:
    """PRETTY_NAME of os-release, written as a shell would read it (man os-release)."""
    for line in content.decode("utf-8", "replace").splitlines():
        key, _, value = line.strip().partition("=")
        if key == "PRETTY_NAME":
            try:
                return "".join(shlex.split(value)) or None
            except ValueError as error:  # a quotation that does not end
                raise ParseError(str(error)) from error
    return None


def host_id(machine_id: bytes | None, name: str) -> str:
    """A stable name for this machine that does not give its machine-id away."""
    secret = (machine_id or b"").strip() or name.encode("utf-8", "replace")
    return hashlib.blake2b(secret, key=ID_KEY, digest_size=8).hexdigest()


def read_host_info(files: Files) -> HostInfo:
    """Read once. Another machine's proc_root shows its /etc as 1/root/etc, to root only."""

    def text(path: str) -> str | None:
        content = maybe_read_once(os.path.join(files.proc_root, path))
        return parse_text(content) or None if content is not None else None

    name = text("sys/kernel/hostname") or os.uname().nodename
    root = "/" if files.is_system else os.path.join(files.proc_root, "1", "root")
    machine_id = maybe_read_once(os.path.join(root, "etc/machine-id"))
    os_release = maybe_read_once(os.path.join(root, "etc/os-release"))
    cpuinfo = maybe_read_once(os.path.join(files.proc_root, "cpuinfo"))
    stat = maybe_read_once(os.path.join(files.proc_root, "stat"))
    try:
        cores = len(kernel_stat.parse(stat).cores) if stat is not None else os.cpu_count()
    except ParseError:
        cores = os.cpu_count()
    return HostInfo(
        id=host_id(machine_id, name),
        name=name,
        kernel=text("sys/kernel/osrelease") or os.uname().release,
        cpu_model=parse_cpu_model(cpuinfo) if cpuinfo is not None else None,
        cores=cores,
        os=_maybe_parse(parse_os_release, os_release),
    )


def _maybe_parse(parse: Callable[[bytes], str | None], content: bytes | None) -> str | None:
    try:
        return None if content is None else parse(content)
    except ParseError:  # a name to show, nothing relies on it
        return None


def read_view(files: Files) -> str:
    """Read once. In a container network and processes are its own and all else is the host's; with lxcfs memory and
    uptime are its own, too.
    """
    content = maybe_read_once(files.mountinfo_path)
    table = mounts.parse(content) if content is not None else ()
    on_top = {mount.mountpoint: mount for mount in table}
    if (meminfo := on_top.get("/proc/meminfo")) and meminfo.fstype.startswith("fuse"):
        return "lxcfs"
    root = on_top.get("/")
    if root is not None and root.fstype.endswith(("overlay", "overlayfs")):
        return "container"
    for process in ("1", "self"):  # of process 1 only root may know
        try:
            namespace = os.readlink(os.path.join(files.proc_root, process, "ns", "pid"))
        except OSError:
            continue
        return "host" if namespace == FIRST_PID_NAMESPACE else "container"
    return "host"


class SystemSource:
    """Section ``system``."""

    name = "system"

    def __init__(self, files: Files) -> None:
        self._uptime = files.proc("uptime", parse_uptime)
        self._stat = files.proc("stat", kernel_stat.parse)
        self._view = read_view(files)
        boot_id = maybe_read_once(os.path.join(files.proc_root, "sys/kernel/random/boot_id"))
        self._boot_id = parse_text(boot_id) or None if boot_id is not None else None

    def collect(self, now: Now) -> System:
        """Raises OSError or ParseError where /proc/uptime cannot be had."""
        uptime = self._uptime.read(now)
        try:
            boot_time = self._stat.read(now).boot_time_unix
        except (OSError, ParseError):  # the section cpu says so already
            boot_time = None
        return System(uptime, boot_time, self._boot_id, round(now.suspended_seconds, 3), self._view)
