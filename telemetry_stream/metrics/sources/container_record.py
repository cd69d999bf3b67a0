"""The record of one container, and how it is made from the files of its control group.

A row keeps the reading before of each file: the CPU time is read at each tick and the other values in turns, so that
their rates divide by different times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..section import Field, Part
from .container_files import Cpu, Details, Group, Traffic
from .container_path import Identity
from .meminfo import difference

# The file is missing (version 1 without cpuacct), or no descriptor is free.
UNKNOWN_CPU = Cpu()
Rate = float | None
# Fields in their order: working set, limit, percent, tasks, limit; read, written, three stalls, received, sent.
Middle = tuple[int | None, int | None, Rate, int | None, int | None]
Tail = tuple[Rate, Rate, Rate, Rate, Rate, Rate, Rate]


@dataclass(slots=True)
class Label:
    """One label of a container."""

    name: Annotated[str, Field("Its name, at most 256 characters.", is_identity=True)]
    value: Annotated[str | None, "Its value, at most 256 characters."]


@dataclass(slots=True)
class Described:
    """What the API of Docker or Podman reports about one container (container_api.py)."""

    name: str | None = None
    image: str | None = None
    health: str | None = None
    labels: tuple[Label, ...] = ()


NOT_DESCRIBED = Described()


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
        tuple[Label, ...],
        Part(
            text="Its labels, at most 32. Empty without `container_api`.",
            files="the API of Docker or Podman",
        ),
    ]
    restarts: Annotated[
        int | None,
        Field(
            "How often it was restarted, by its restart policy or by hand, while this program ran. Null without "
            "inotify, and for Kubernetes, which makes a new container instead.",
            unit="restarts",
            is_counter=True,
        ),
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


class Row:
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
        "restarts",
        "short_id",
        "tail",
    )

    def __init__(self, identity: Identity, group: Group) -> None:
        self.identity = identity
        self.short_id = identity.short_id
        self.group = group
        self.restarts: int | None = None
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


def container(row: Row, cpu: Cpu, at: float, cores: int, described: Described) -> Container:
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
        row.restarts,
        used,
        row.limit,
        of_limit,
        throttled,
        *row.middle,
        *row.tail,
        None if row.at is None else int(max(0.0, at - row.at) * 10 + 0.5) / 10,
    )
