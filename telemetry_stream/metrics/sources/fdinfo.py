"""The use of GPUs by processes, from /proc/PID/fdinfo (Documentation/gpu/drm-usage-stats.rst).

Each descriptor of a GPU has counters of its client: the time of each kind of engine, in ns (i915, amdgpu) or in cycles
of the engine beside all cycles that passed (xe), and its memory. Descriptors that were duplicated have the same client
id. Only the owner of a process may read them, or a program with CAP_SYS_PTRACE.

Looking at every descriptor of every process takes milliseconds, so the descriptors of the GPU are remembered, and
looked for again every 10 s. Only they are read: the driver xe wakes its GPU to write fdinfo, and another GPU may be
asleep.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .. import counters, rates
from ..attributes import maybe_read_once, names_in
from .gpu_devices import Device

SEARCH_SECONDS = 10.0
NODES = "/dev/dri"
# One process may have a million descriptors; those of a GPU are among the first.
MAX_DESCRIPTORS = 4096
MAX_CLIENTS = 1024
UNITS = {b"": 1, b"KiB": 1 << 10, b"MiB": 1 << 20, b"GiB": 1 << 30}
# What the drivers call the memory of the card: amdgpu and xe, and i915.
CARD_MEMORY = (b"vram", b"local")


@dataclass(slots=True)
class Client:
    """One client of one GPU, as its fdinfo has it."""

    device: str = ""
    id: int = -1
    busy: dict[str, int] = field(default_factory=dict)  # ns, or cycles if the kind is in ``passed``
    passed: dict[str, int] = field(default_factory=dict)  # cycles that passed
    capacity: dict[str, int] = field(default_factory=dict)  # engines of a kind
    memory: dict[bytes, int] = field(default_factory=dict)  # bytes of each region of the card


def parse(content: bytes) -> Client | None:
    """Return the client of a descriptor, or None if it is not one of a GPU with an address."""
    client = Client()
    for line in content.split(b"\n"):
        if not line.startswith(b"drm-"):
            continue
        key, _, value = line[4:].partition(b":")
        words = value.split()
        if key == b"pdev" and words:
            client.device = words[0].decode("ascii", "replace")
            continue
        number = counters.maybe_count(words[0]) if words else None
        if number is None:
            continue
        unit = words[1] if len(words) > 1 else b""
        if key == b"client-id":
            client.id = number
        else:
            _add(client, key, number, unit)
    return client if client.device and client.id >= 0 else None


def _add(client: Client, key: bytes, number: int, unit: bytes) -> None:
    what, _, name = key.partition(b"-")
    kind = name.decode("ascii", "replace")
    if key.startswith(b"engine-capacity-"):
        client.capacity[kind.removeprefix("capacity-")] = number
    elif key.startswith(b"total-cycles-"):
        client.passed[kind.removeprefix("cycles-")] = number
    elif what in (b"engine", b"cycles"):
        client.busy[kind] = number
    elif what in (b"memory", b"resident") and name.startswith(CARD_MEMORY) and unit in UNITS:
        client.memory[name] = max(client.memory.get(name, 0), number * UNITS[unit])


@dataclass(slots=True)
class ProcessUse:
    """What one process uses of one GPU."""

    pid: int
    usage_percent: float | None
    memory_bytes: int | None


@dataclass(slots=True)
class DeviceUse:
    """The processes of one GPU, and its use by all of them: None unless all their descriptors could be read."""

    processes: list[ProcessUse]
    usage_percent: float | None


class GpuClients:
    """The clients of one GPU. Only one worker at a time uses it."""

    def __init__(self, proc_root: str, device: Device, monotonic: Callable[[], float]) -> None:
        self._root = proc_root
        self._device = device
        self._monotonic = monotonic
        self._paths: list[tuple[int, str]] = []
        self._is_complete = False
        self._search_at = -math.inf
        self._previous: rates.Previous[int, Client] = rates.Previous()

    def read(self) -> DeviceUse:
        """Return the use since the call before."""
        at = self._monotonic()
        if at >= self._search_at:
            self._search_at = at + SEARCH_SECONDS
            self._find()
        clients: dict[int, Client] = {}
        owners: dict[int, int] = {}
        for pid, path in self._paths:
            client = parse(maybe_read_once(path) or b"")
            if client is not None and client.device == self._device.id:
                clients[client.id] = client
                owners.setdefault(client.id, pid)  # Two processes may share a client.
        before, seconds = self._previous.exchange(clients, at)
        shares = {
            key: shares_of(client, before.get(key), seconds) for key, client in clients.items()
        }
        processes = []
        for pid in dict.fromkeys(owners.values()):
            own = [key for key, owner in owners.items() if owner == pid]
            memory = [sum(clients[key].memory.values()) for key in own if clients[key].memory]
            processes.append(
                ProcessUse(
                    pid, busiest([shares[key] for key in own]), sum(memory) if memory else None
                )
            )
        total = busiest(list(shares.values())) if clients else (0.0 if seconds else None)
        return DeviceUse(processes, total if self._is_complete else None)

    def _find(self) -> None:
        nodes = {
            os.path.join(NODES, name) for name in names_in(os.path.join(self._device.path, "drm"))
        }
        pids = [name for name in names_in(self._root) if name.isdigit()]
        self._paths = []
        # hidepid= (proc(5)) hides the processes of other users from those who may not trace them. One is process 1.
        self._is_complete = "1" in pids
        for pid in pids:
            if len(self._paths) >= MAX_CLIENTS:
                self._is_complete = False
                return
            directory = os.path.join(self._root, pid, "fd")
            try:
                descriptors = os.listdir(directory)
            except PermissionError:
                self._is_complete = False
                continue
            except OSError:  # It has ended.
                continue
            if len(descriptors) > MAX_DESCRIPTORS:
                self._is_complete = False
            for number in descriptors[:MAX_DESCRIPTORS]:
                try:
                    target = os.readlink(os.path.join(directory, number))
                except OSError:
                    continue
                if target in nodes:
                    self._paths.append((int(pid), os.path.join(self._root, pid, "fdinfo", number)))


def shares_of(
    client: Client, before: Client | None, seconds: float | None
) -> Mapping[str, float] | None:
    """Return the busy share of each kind of engine, 1 for all engines of the kind; None if it is unknown."""
    if before is None or seconds is None:
        return None
    found = {}
    for kind, busy in client.busy.items():
        rose = busy - before.busy.get(kind, busy)
        whole: float = seconds * 1e9
        if kind in client.passed:
            whole = client.passed[kind] - before.passed.get(kind, client.passed[kind])
        if rose >= 0 and whole > 0:
            found[kind] = rose / whole / max(1, client.capacity.get(kind, 1))
    return found


def busiest(shares: list[Mapping[str, float] | None]) -> float | None:
    """Return the use of the busiest kind of engine by some clients, in percent; None if no client is known."""
    known = [share for share in shares if share is not None]
    if not known:
        return None
    sums: dict[str, float] = {}
    for share in known:
        for kind, part in share.items():
            sums[kind] = sums.get(kind, 0.0) + part
    return rates.percent(max(sums.values(), default=0.0), 1.0)
