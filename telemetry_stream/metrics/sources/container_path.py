"""Which control groups are containers: found and identified by their path below /sys/fs/cgroup.

    /system.slice/docker-ID.scope          /docker/ID                          Docker (driver systemd, cgroupfs)
    /machine.slice/libpod-ID.scope         /libpod_parent/libpod-ID            Podman; libpod-payload-ID in a unit
    /kubepods.slice/.../kubepods-burstable-podUID.slice/cri-containerd-ID.scope Kubernetes (containerd, CRI-O: crio-ID)
    /kubepods/burstable/podUID/ID          ....slice:cri-containerd:ID         Kubernetes (driver cgroupfs)
    /machine.slice/systemd-nspawn@NAME.service  /machine.slice/machine-NAME.scope   systemd-nspawn
    /lxc.payload.NAME                      /lxc/NAME                           LXC, LXD, Incus, Proxmox

ID has 64 hexadecimal digits. The groups of monitors (conmon, lxc.monitor) and of virtual machines (machine-qemu) are no
containers. What is in a container is not searched. A pod of Kubernetes has a group for its sandbox, too.
"""

from __future__ import annotations

import os
import re
from collections import deque
from dataclasses import dataclass
from itertools import islice

from ..attributes import readable

SHORT_ID = 12  # as docker ps shows it
# Limits for a hierarchy that a user has filled on purpose: a host has some hundred groups, at a depth of less than ten.
MAX_CONTAINERS = 2000
MAX_DIRECTORIES = 10_000
MAX_IN_DIRECTORY = 2000
MAX_DEPTH = 12

ID = re.compile(
    r"(?:(?P<prefix>[a-z][a-z-]*)-)?(?P<id>[0-9a-f]{64})(?:\.scope)?|.+:(?P<cri>[a-z-]+):(?P<cri_id>[0-9a-f]{64})"
)
RUNTIMES = {
    "docker": "docker",
    "libpod": "podman",
    "libpod-payload": "podman",
    "cri-containerd": "kubernetes",
    "crio": "kubernetes",
}
# The processes that watch a container of Podman or CRI-O have a group of their own.
MONITORS = frozenset({"libpod-conmon", "crio-conmon"})
POD = re.compile(r"(?:kubepods-.*)?pod(?P<uid>[0-9a-f]{8}[0-9a-f_-]{24,28})(?:\.slice)?")
NSPAWN = re.compile(r"systemd-nspawn@(?P<name>.+)\.service")
MACHINE = re.compile(r"machine-(?P<name>.+)\.scope")
# The names of machines of libvirt begin with their driver.
VIRTUAL_MACHINE = re.compile(r"(?:qemu|xen|vbox|ch|bhyve)-\d+-")
LIBVIRT_LXC = re.compile(r"lxc-\d+-(?P<name>.+)")
LXC_PAYLOAD = re.compile(r"lxc\.payload\.(?P<name>.+)")
LXC_PARENTS = frozenset({"lxc", "lxc.payload"})
UNIT = re.compile(r".+\.(?:service|scope)")
ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Identity:
    """A container as its path describes it."""

    runtime: str
    id: str  # the whole id; of nspawn and LXC the name
    name: str | None
    pod: str | None
    unit: str | None

    @property
    def short_id(self) -> str:
        """The id as the runtime's own tools show it."""
        return self.id if self.name is not None else self.id[:SHORT_ID]


def maybe_identify(path: str) -> Identity | None:
    """Return the container whose group has this path, or None if it is another group."""
    *above, last = path.strip("/").split("/")
    unit = next((readable(part) for part in (last, *reversed(above)) if UNIT.fullmatch(part)), None)
    match = ID.fullmatch(last)
    if match is not None:
        prefix = match["prefix"] or match["cri"] or ""
        if prefix in MONITORS:
            return None
        pod = next((found for part in reversed(above) if (found := _maybe_pod(part))), None)
        in_kubernetes = pod is not None or any(part.startswith("kubepods") for part in above)
        runtime = RUNTIMES.get(prefix or (above[-1] if above else ""), "other")
        container_id = match["id"] or match["cri_id"]
        return Identity("kubernetes" if in_kubernetes else runtime, container_id, None, pod, unit)
    named = _maybe_named(last, above)
    if named is None:
        return None
    runtime, name = named
    return Identity(runtime, name, name, None, unit)


def _maybe_named(last: str, above: list[str]) -> tuple[str, str] | None:
    """Return the runtime and the name of a container that has a name instead of an id."""
    if match := NSPAWN.fullmatch(last):
        return "nspawn", _unescaped(match["name"])
    if (match := MACHINE.fullmatch(last)) and above[-1:] == ["machine.slice"]:
        name = _unescaped(match["name"])
        if VIRTUAL_MACHINE.match(name):
            return None
        libvirt = LIBVIRT_LXC.fullmatch(name)
        return ("lxc", libvirt["name"]) if libvirt else ("nspawn", name)
    if match := LXC_PAYLOAD.fullmatch(last):
        return "lxc", readable(match["name"])
    if above[-1:] and above[-1] in LXC_PARENTS:
        return "lxc", readable(last)
    return None


def _maybe_pod(part: str) -> str | None:
    match = POD.fullmatch(part)
    return match["uid"].replace("_", "-") if match else None


def _unescaped(name: str) -> str:
    r"""Return a name without systemd's escapes: ``db\x2done`` is ``db-one``."""
    raw = ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), os.fsencode(name))
    return raw.decode("utf-8", "replace")


def find_containers(root: str) -> dict[str, Identity]:
    """Return the containers below the root of a hierarchy, by their path in it. Directories may vanish meanwhile.

    The search is breadth first, and the first group with an id is the container: an unprivileged user can make groups
    with any name, but only far below the root. So they neither use up the limits before the containers of the system
    are found nor take their place.

    A directory without children has two links: a host has hundreds of such services, and listing each with its sixty
    files takes twenty times longer than stat(2).
    """
    found: dict[str, Identity] = {}
    known: set[tuple[str, str]] = set()
    pending = deque([""])
    seen = 0
    while pending:
        parent = pending.popleft()
        for name in _directories_in(root + parent):
            if seen >= MAX_DIRECTORIES or len(found) >= MAX_CONTAINERS:
                return found
            seen += 1
            path = f"{parent}/{name}"
            identity = maybe_identify(path)
            if identity is not None:
                if (identity.runtime, identity.id) not in known:
                    known.add((identity.runtime, identity.id))
                    found[path] = identity
            elif path.count("/") < MAX_DEPTH and _has_children(root + path):
                pending.append(path)
    return found


def _directories_in(directory: str) -> list[str]:
    """Return the names of at most MAX_IN_DIRECTORY directories, in their order."""
    try:
        with os.scandir(directory) as entries:
            names = (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            return sorted(islice(names, MAX_IN_DIRECTORY))
    except OSError:
        return []


def _has_children(directory: str) -> bool:
    """Return whether a directory may have directories in it. btrfs and overlayfs count no links."""
    try:
        return os.stat(directory).st_nlink != 2
    except OSError:
        return False
