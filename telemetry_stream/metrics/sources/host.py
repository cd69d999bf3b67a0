"""The identity of the host: its name, kernel and hardware, read once.

Everything is read below proc_root. So a captured host has its own name, and in a container that was given the host's
/proc it is the host's.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from ..attributes import maybe_read_once, maybe_text
from ..files import Files, ParseError, parser
from . import kernel_stat

# A machine-id must not leave the machine (machine-id(5)). Only this keyed hash of it does.
ID_KEY = b"telemetry_stream host id 1"

# x86, arm (32 bit), riscv, s390 and mips have different keys for the model; arm64 has none.
# Model is the board's own name; the kernel of the Raspberry Pi has the same Hardware (BCM2835) for all.
MODEL_KEYS = ("model name", "Model", "Hardware", "uarch", "cpu model", "cpu")


@dataclass(frozen=True, slots=True)
class HostInfo:
    """The identity of a host. It does not change while the program runs."""

    id: str
    name: str
    kernel: str
    cpu_model: str | None
    cores: int | None  # that were online at the start
    os: str | None  # as in os-release: "Debian GNU/Linux 12 (bookworm)"


@parser
def parse_cpu_model(content: bytes) -> str | None:
    """Return the model in /proc/cpuinfo, under the first of MODEL_KEYS that it has."""
    found: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            found.setdefault(key.strip(), value.strip())
    return next((found[key] for key in MODEL_KEYS if key in found), None)


@parser
def parse_os_release(content: bytes) -> str | None:
    """Return PRETTY_NAME of os-release, which is quoted as in a shell (os-release(5))."""
    for line in content.decode("utf-8", "replace").splitlines():
        key, _, value = line.strip().partition("=")
        if key == "PRETTY_NAME":
            try:
                return "".join(shlex.split(value)).strip() or None
            except ValueError as error:  # a quotation without an end
                raise ParseError(str(error)) from error
    return None


def host_id(machine_id: bytes | None, name: str) -> str:
    """Return a stable id of this machine that does not reveal its machine-id."""
    secret = (machine_id or b"").strip() or name.encode("utf-8", "replace")
    return hashlib.blake2b(secret, key=ID_KEY, digest_size=8).hexdigest()


def read_host_info(files: Files) -> HostInfo:
    """Read the identity. The /etc of another host is at 1/root/etc below its proc_root, which only root may read."""

    def read(path: str) -> str | None:
        return maybe_text(maybe_read_once(os.path.join(files.proc_root, path)))

    name = read("sys/kernel/hostname") or os.uname().nodename
    root = files.host_root
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
        kernel=read("sys/kernel/osrelease") or os.uname().release,
        cpu_model=parse_cpu_model(cpuinfo) if cpuinfo is not None else None,
        cores=cores,
        os=_maybe_parse(parse_os_release, os_release),
    )


def _maybe_parse(parse: Callable[[bytes], str | None], content: bytes | None) -> str | None:
    try:
        return None if content is None else parse(content)
    except ParseError:  # The name is only shown.
        return None
