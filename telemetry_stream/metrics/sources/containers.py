"""Containers of all runtimes: what their control groups use (container_path.py finds them, container_files.py reads
them, container_api.py has the names of Docker and Podman).

Strategy: CPU time is read at each tick. Everything else needs ten times longer, so at most DETAILS_PER_TICK containers
have it read in a tick, in turns; ``age_seconds`` is its age. With 300 containers that is every 30 s, with 10 in each
tick. Containers are looked for every 5 s while somebody wants them, and every 30 s to count them, or while there
is none. A container whose group is gone is left out at once.
"""

from __future__ import annotations

import math
import os
import resource
from collections import deque
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..attributes import Budget
from ..files import Files
from ..section import Field, Part, Section
from ..setup import Setup
from ..source import SEARCH_SECONDS, Now, Source
from . import kernel_stat
from .container_api import Api, Described, Label
from .container_files import Cpu, Details, Devices, Group, GroupV1, GroupV2, Networks, Traffic
from .container_path import Identity, find_containers
from .meminfo import difference

FIND_SECONDS = 5.0  # while they are wanted and there are some
DETAILS_PER_TICK = 10
MAX_KEPT_OPEN = 512
# Of version 1: the hierarchies in which the containers are looked for, the first that exists.
V1_HIERARCHIES = ("memory", "cpu", "cpuacct", "pids", "systemd")
RUNTIMES = ("docker", "podman", "kubernetes", "nspawn", "lxc", "other")
NOT_DESCRIBED = Described()
# The file is missing (version 1 without cpuacct), or no descriptor is free.
UNKNOWN_CPU = Cpu()
Rate = float | None
# Fields in their order: working set, limit, percent, tasks, limit; read, written, three stalls, received, sent.
Middle = tuple[int | None, int | None, Rate, int | None, int | None]
Tail = tuple[Rate, Rate, Rate, Rate, Rate, Rate, Rate]


@dataclass(slots=True)
class Container:
    """One container."""

    id: Annotated[
        str,
        Field(
            "The first 12 digits of its id; the name of a container of nspawn or LXC.",
            is_identity=True,
        ),
    ]
    name: Annotated[
        str | None,
        Field(
            "Its name. Null for Docker, Podman and Kubernetes without `container_api`.",
            is_identity=True,
        ),
    ]
    runtime: Annotated[
        str, Field("docker, podman, kubernetes, nspawn, lxc, or other.", is_identity=True)
    ]
    pod: Annotated[str | None, "The id of its pod; null outside of Kubernetes."]
    unit: Annotated[str | None, "The systemd unit that it is in. Null if there is none."]
    image: Annotated[str | None, "Its image. Null without `container_api`."]
    health: Annotated[
        str | None,
        "healthy, unhealthy or starting. Null without a health check, and without `container_api`.",
    ]
    labels: Annotated[
        tuple[Label, ...], Part(text="Its labels, at most 32. Empty without `container_api`.")
    ]
    cpu_percent: Annotated[float | None, "CPU time that it uses. 100 is one core."]
    cpu_limit_cores: Annotated[
        float | None,
        "Its own CPU limit. Null: none, or unknown. The groups above it may have others.",
    ]
    cpu_limit_used_percent: Annotated[
        float | None,
        Field("100 × cores used / limit. May exceed 100.", title="cpu of limit"),
    ]
    cpu_throttled_percent: Annotated[
        float | None,
        Field(
            "Share of the periods in which it had used up its CPU limit and had to wait. Null if no period passed.",
            title="throttled",
        ),
    ]
    memory_working_set_bytes: Annotated[
        int | None,
        Field(
            "Memory in use, without file pages that were not used recently, as cadvisor and Kubernetes count it.",
            title="memory",
        ),
    ]
    memory_limit_bytes: Annotated[int | None, "Its own memory limit. Null: none, or unknown."]
    memory_percent: Annotated[
        float | None, Field("100 × working set / limit.", title="memory of limit")
    ]
    pids: Annotated[int | None, Field("Processes and threads.", unit="tasks", title="tasks")]
    pids_limit: Annotated[
        int | None,
        Field("Limit of processes and threads. Null: none, or unknown.", unit="tasks"),
    ]
    read_bytes_per_second: Annotated[float | None, Field("Bytes read from disks.", title="read")]
    write_bytes_per_second: Annotated[
        float | None, Field("Bytes written to disks.", title="written")
    ]
    cpu_stall_percent: Annotated[
        float | None, "Share of time in which some of its tasks waited for a core."
    ]
    memory_stall_percent: Annotated[
        float | None, "Share of time in which some of its tasks waited for memory to be freed."
    ]
    io_stall_percent: Annotated[
        float | None, "Share of time in which some of its tasks waited for a disk."
    ]
    rx_bytes_per_second: Annotated[
        float | None,
        Field(
            "Bytes received. The containers of a pod share a network, so each has the bytes of the whole pod.",
            title="received",
        ),
    ]
    tx_bytes_per_second: Annotated[
        float | None, Field("Bytes sent. The containers of a pod share a network.", title="sent")
    ]
    age_seconds: Annotated[
        float | None,
        "Time since everything except cpu_percent was read. Only 10 containers are read in a tick, in turns.",
    ]


@dataclass(slots=True)
class ContainerCounts:
    """How many containers each runtime has."""

    docker: Annotated[int, "Docker."] = 0
    podman: Annotated[int, "Podman."] = 0
    kubernetes: Annotated[int, "Kubernetes, with the sandbox of each pod."] = 0
    nspawn: Annotated[int, "systemd-nspawn."] = 0
    lxc: Annotated[int, "LXC, LXD, Incus and Proxmox."] = 0
    other: Annotated[int, "Other runtimes, such as nerdctl."] = 0


class Finder:
    """The containers of a host, looked for now and then. The two sources share it."""

    def __init__(self, files: Files) -> None:
        self._root = os.path.join(files.sys_root, "fs", "cgroup")
        self._found_at = -math.inf
        # Where the path of a container begins; None on a kernel without control groups.
        self.hierarchy: str | None = None
        self.is_v2 = False
        self.found: dict[str, Identity] = {}

    def find(self, now: Now, seconds: float) -> dict[str, Identity]:
        """Return the containers by their path, as found at most ``seconds`` ago."""
        if now.monotonic >= self._found_at + seconds:
            self._found_at = now.monotonic
            self.is_v2 = os.path.exists(f"{self._root}/cgroup.controllers")
            hierarchies = (
                [self._root] if self.is_v2 else [f"{self._root}/{name}" for name in V1_HIERARCHIES]
            )
            self.hierarchy = next(filter(os.path.isdir, hierarchies), None)
            self.found = {} if self.hierarchy is None else find_containers(self.hierarchy)
        return self.found

    def forget(self) -> None:
        """Look again at the next call: a group has just gone."""
        self._found_at = -math.inf

    def group(self, budget: Budget, path: str) -> Group:
        """Return the files of a container."""
        return (GroupV2 if self.is_v2 else GroupV1)(budget, self._root, path)


class CountsSource:
    """Section ``container_counts``."""

    name = "container_counts"

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._counted: dict[str, Identity] | None = None
        self._section: ContainerCounts | None = None

    def collect(self, now: Now) -> ContainerCounts | None:
        """Return None on a host without containers."""
        found = self._finder.find(now, SEARCH_SECONDS)
        if found is not self._counted:
            self._counted = found
            runtimes = [identity.runtime for identity in found.values()]
            self._section = (
                ContainerCounts(*(runtimes.count(name) for name in RUNTIMES)) if found else None
            )
        return self._section


class _Row:
    """One container: its files, the reading before of each, and what was computed from the newest details."""

    __slots__ = (
        "at",
        "cpu",
        "cpu_at",
        "details",
        "group",
        "identity",
        "limit",
        "middle",
        "short_id",
        "tail",
    )

    def __init__(self, identity: Identity, group: Group) -> None:
        self.identity = identity
        self.short_id = identity.short_id
        self.group = group
        self.cpu: Cpu | None = None
        self.cpu_at = 0.0
        self.details = Details()
        self.at: float | None = None  # when the details were read
        self.limit: float | None = None  # of the CPU, in cores
        self.middle: Middle = (None, None, None, None, None)
        self.tail: Tail = (None, None, None, None, None, None, None)

    def update_details(self, details: Details, at: float) -> None:
        """Note new details, and compute the fields that depend on them."""
        before, seconds = self.details, None if self.at is None else at - self.at
        us = None if seconds is None else seconds * 1e6
        # The kernel puts the times of all cores together, so that they may be a little ahead of the clock.
        most_us = 0.0 if us is None else 2 * us + 1e6

        def share(now: int | None, then: int | None) -> float | None:
            return rates.percent(counters.rise_of_time(now, then, most_us), us)

        limit = details.cpu_limit_cores
        self.limit = None if limit is None else round(limit, 3)
        working_set = difference(details.memory_bytes, details.inactive_file_bytes)
        self.middle = (
            working_set,
            details.memory_limit_bytes,
            rates.percent(working_set, details.memory_limit_bytes),
            details.pids,
            details.pids_limit,
        )
        self.tail = (
            *speeds(details.disks, before.disks, seconds),
            share(details.cpu_stall_us, before.cpu_stall_us),
            share(details.memory_stall_us, before.memory_stall_us),
            share(details.io_stall_us, before.io_stall_us),
            *speeds(details.interfaces, before.interfaces, seconds),
        )
        self.details, self.at = details, at

    def update_cpu(self, cpu: Cpu, at: float, cores: int) -> tuple[Rate, Rate, Rate]:
        """Note a new reading. Return the percentages of a core, of the limit, and of the periods with throttling."""
        before, seconds = self.cpu, at - self.cpu_at
        self.cpu, self.cpu_at = cpu, at
        if before is None or seconds <= 0:
            return None, None, None
        if cpu is before:  # Nothing has changed: most containers are idle.
            used = None if cpu.used_us is None else 0.0
            return used, None if self.limit is None else used, None
        us = seconds * 1e6
        # The kernel adds up the cores from time to time, so that a second of each may come late.
        used_us = counters.rise_of_time(cpu.used_us, before.used_us, cores * (us + 1e6))
        return (
            rates.unbounded_percent(used_us, us),
            rates.unbounded_percent(used_us, us * self.limit) if self.limit else None,
            rates.percent(
                counters.rise_of_time(cpu.throttled, before.throttled, us),
                counters.rise_of_time(cpu.periods, before.periods, us),
            ),
        )


def speeds(now: Traffic | None, before: Traffic | None, seconds: float | None) -> tuple[Rate, Rate]:
    """Return the sums of the known rates of all disks or interfaces, in bytes per second.

    One that was not there before has none: an interface moves into a container with all that it has counted.
    """
    if now is None or before is None or seconds is None:
        return None, None
    if not now and not before:  # A group that has done nothing has no disks.
        return 0.0, 0.0
    both = [(counts, before[name]) for name, counts in now.items() if name in before]
    first, second = (
        rates.total(
            rates.per_second(counts[column], then[column], seconds, counters.BYTES)
            for counts, then in both
        )
        for column in (0, 1)
    )
    return first, second


class ContainersSource:
    """Section ``containers``."""

    name = "containers"
    on_demand = True

    def __init__(self, files: Files, finder: Finder, api: Api | None = None) -> None:
        self._clock = files.clock
        self._proc_root = files.proc_root
        self._finder = finder
        self._api = api
        self._stat = files.proc("stat", kernel_stat.parse)
        self._budget = Budget(most=_most_kept_open())
        self._devices = Devices(files.sys_root)
        self._found: dict[str, Identity] | None = None
        self._rows: dict[str, _Row] = {}
        self._turns: deque[str] = deque()

    def collect(self, now: Now) -> tuple[Container, ...] | None:
        """Return None on a host without containers."""
        found = self._finder.find(now, FIND_SECONDS if self._finder.found else SEARCH_SECONDS)
        if found is not self._found:
            self._found = found
            self._update_rows(found)
        if not found:
            return None
        described = {} if self._api is None else self._api.described(now)
        stat = self._stat.maybe_read(now)
        cores = (os.cpu_count() or 1) if stat is None else len(stat.cores)
        self._read_details()
        containers = []
        for path, row in list(self._rows.items()):
            cpu = row.group.maybe_cpu()
            if cpu is None:
                if not os.path.isdir(f"{self._finder.hierarchy}{path}"):
                    self._forget(path)
                    self._finder.forget()
                    continue
                cpu = UNKNOWN_CPU
            about = described.get(row.identity.id, NOT_DESCRIBED)
            containers.append(container(row, cpu, self._clock.monotonic(), cores, about))
        return tuple(containers)

    def close(self) -> None:
        """Close the descriptors, end the idle workers, and forget all containers. The next sample is a first one."""
        for path in list(self._rows):
            self._forget(path)
        self._found = None
        if self._api is not None:
            self._api.close()

    def _update_rows(self, found: dict[str, Identity]) -> None:
        for path in self._rows.keys() - found.keys():
            self._forget(path)
        for path, identity in found.items():
            if path not in self._rows:
                self._rows[path] = _Row(identity, self._finder.group(self._budget, path))
                self._turns.appendleft(path)
        self._devices.forget()

    def _read_details(self) -> None:
        """Read everything but the CPU time of those whose turn it is. New containers come first."""
        networks = Networks(self._proc_root, self._finder.hierarchy or "")
        for _ in range(min(DETAILS_PER_TICK, len(self._turns))):
            path = self._turns.popleft()
            row = self._rows[path]
            details = row.group.details(self._devices.counts)
            details.interfaces = networks.maybe_traffic(path)
            row.update_details(details, self._clock.monotonic())
            self._turns.append(path)

    def _forget(self, path: str) -> None:
        self._rows.pop(path).group.close()
        self._turns.remove(path)


def container(row: _Row, cpu: Cpu, at: float, cores: int, described: Described) -> Container:
    """Return one row, whose CPU time was read at the monotonic time ``at``."""
    identity = row.identity
    used, of_limit, throttled = row.update_cpu(cpu, at, cores)
    return Container(
        row.short_id,
        described.name or identity.name,
        identity.runtime,
        identity.pod,
        identity.unit,
        described.image,
        described.health,
        described.labels,
        used,
        row.limit,
        of_limit,
        throttled,
        *row.middle,
        *row.tail,
        None if row.at is None else int(max(0.0, at - row.at) * 10 + 0.5) / 10,
    )


def _most_kept_open() -> int:
    """Return how many descriptors the containers may use: an eighth of those of the process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_KEPT_OPEN if soft == resource.RLIM_INFINITY else min(MAX_KEPT_OPEN, soft // 8)


SECTIONS = (
    Section(
        CountsSource,
        ContainerCounts,
        title="Containers",
        text="How many containers run, by runtime. They are counted every 30 s.",
        files="/sys/fs/cgroup",
        prometheus="telemetry_stream_containers",
        label="runtime",
        unit="containers",
    ),
    Section(
        ContainersSource,
        tuple[Container, ...],
        title="Containers",
        text="What each container uses, from its control group. A new one appears within 5 s, the "
        "first one within 30 s.",
        files="/sys/fs/cgroup, /proc/PID/net/dev",
        prometheus="telemetry_stream_container",
        nulls="A value is null if the kernel has no file for it: the stalls without PSI and on version 1, disks and "
        "tasks where their controller is off. The network is null if the container uses that of the host, and if none "
        "of its processes can be seen.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    finder = Finder(setup.files)
    options = setup.options
    api = None
    if options.container_api:
        api = Api(options.container_api, setup.files.clock, timeout_seconds=options.timeout_seconds)
    return (CountsSource(finder), ContainersSource(setup.files, finder, api))
