"""Containers of all runtimes: what their control groups use (container_finder.py finds them, container_files.py and
container_network.py read them, container_record.py makes rates, container_api.py has the names of Docker and Podman,
container_restarts.py counts restarts).

Strategy: CPU time is read at each tick. Everything else needs ten times longer, so at most DETAILS_PER_TICK containers
have it read in a tick, in turns; ``age_seconds`` is its age. With 300 containers that is every 30 s, with 10 in each
tick. Containers are looked for every 5 s while somebody wants them, and every 30 s to count them, or while there
is none. A container whose group is gone is left out at once. One that was restarted has a new group, whose counters
begin at 0: its first values are those of a new container.
"""

from __future__ import annotations

import os
import resource
from collections import deque
from typing import TYPE_CHECKING

from ..attributes import Budget
from ..files import Files
from ..section import Section
from ..setup import Setup
from ..source import SEARCH_SECONDS, Now, Source
from . import kernel_stat
from .container_files import Devices
from .container_finder import Finder
from .container_network import Networks
from .container_path import Identity
from .container_record import NOT_DESCRIBED, UNKNOWN_CPU, Container, ContainerCounts, Row, container
from .container_restarts import ContainerRestarts, Restarts, container_restarts

if TYPE_CHECKING:
    from .container_api import Api

FIND_SECONDS = 5.0  # while they are wanted and there are some
DETAILS_PER_TICK = 10
MAX_KEPT_OPEN = 512
RUNTIMES = ("docker", "podman", "kubernetes", "nspawn", "lxc", "other")


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

    def close(self) -> None:
        """End the worker that searches."""
        self._finder.close()


class RestartsSource:
    """Section ``container_restarts``."""

    name = "container_restarts"

    def __init__(self, finder: Finder, restarts: Restarts, api: Api | None = None) -> None:
        self._finder = finder
        self._restarts = restarts
        self._api = api

    def collect(self, now: Now) -> tuple[ContainerRestarts, ...] | None:
        """Return None on a host without containers."""
        found = self._finder.find(now, SEARCH_SECONDS)
        self._restarts.update(now.monotonic, self._finder.hierarchy, found)
        rows = self._restarts.rows(now.monotonic)
        if not rows:
            return () if found else None
        return container_restarts(rows, {} if self._api is None else self._api.described(now))

    def close(self) -> None:
        """Close the descriptor. The counts begin again."""
        self._restarts.close()


class ContainersSource:
    """Section ``containers``."""

    name = "containers"
    on_demand = True

    def __init__(
        self, files: Files, finder: Finder, restarts: Restarts, api: Api | None = None
    ) -> None:
        self._clock = files.clock
        self._proc_root = files.proc_root
        self._finder = finder
        self._restarts = restarts
        self._version = 0  # of the restarts that the rows have
        self._api = api
        self._stat = files.proc("stat", kernel_stat.parse)
        self._budget = Budget(most=_most_kept_open())
        self._devices = Devices(files.sys_root)
        self._found: dict[str, Identity] | None = None
        self._rows: dict[str, Row] = {}
        self._turns: deque[str] = deque()

    def collect(self, now: Now) -> tuple[Container, ...] | None:
        """Return None on a host without containers."""
        found = self._finder.find(now, FIND_SECONDS if self._finder.found else SEARCH_SECONDS)
        if found is not self._found:
            self._found = found
            self._update_rows(found)
        self._note_restarts(now)
        if not found:
            return None
        described = {} if self._api is None else self._api.described(now)
        stat = self._stat.maybe_read(now)
        cores = (os.cpu_count() or 1) if stat is None else len(stat.cores)
        self._read_details()
        containers = []
        for path in list(self._rows):
            row = self._rows[path]
            cpu = row.group.maybe_cpu()
            if row.group.was_replaced:
                self._note_restarts(now)
                row = self._renewed(path)
                cpu = row.group.maybe_cpu()
            if cpu is None:
                if not os.path.isdir(f"{self._finder.hierarchy}{path}"):
                    self._forget(path)
                    self._finder.search_again()
                    continue
                cpu = UNKNOWN_CPU
            row.restarts = self._restarts.maybe_count(path)
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
                self._add(path, identity)
        self._devices.forget()

    def _add(self, path: str, identity: Identity) -> None:
        self._rows[path] = Row(identity, self._finder.group(self._budget, path))
        self._turns.appendleft(path)

    def _note_restarts(self, now: Now) -> None:
        """Begin anew with each container that was restarted: its group is another one."""
        self._restarts.update(now.monotonic, self._finder.hierarchy, self._finder.found)
        if self._restarts.version == self._version:
            return
        self._version = self._restarts.version
        for path, row in list(self._rows.items()):
            if row.restarts is not None and row.restarts != self._restarts.maybe_count(path):
                self._renewed(path)

    def _renewed(self, path: str) -> Row:
        """Return a new row in the place of one whose group is gone."""
        before = self._rows[path]
        before.group.close()
        self._turns.remove(path)
        self._add(path, before.identity)
        return self._rows[path]

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
        RestartsSource,
        tuple[ContainerRestarts, ...],
        title="Restarted containers",
        text="Containers that were restarted in the last 15 minutes, by their restart policy or by hand; a "
        "message has at most 64. Not those of Kubernetes, which makes new containers instead.",
        files="/sys/fs/cgroup, inotify(7)",
        nulls="A container that is started more than 15 minutes after its end is a new one.",
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
    options = setup.options
    finder = Finder(setup.files, timeout_seconds=options.timeout_seconds)
    api = None
    if options.container_api:
        from .container_api import Api  # noqa: PLC0415  # for this option only

        api = Api(options.container_api, setup.files.clock, timeout_seconds=options.timeout_seconds)
    restarts = Restarts()
    return (
        CountsSource(finder),
        RestartsSource(finder, restarts, api),
        ContainersSource(setup.files, finder, restarts, api),
    )
