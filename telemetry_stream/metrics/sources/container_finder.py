"""The search for the containers of a host.

Strategy: a user may own thousands of control groups, so container_path.py searches them on a worker, which uses at most
5 % of a core.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field

from ..attributes import Budget
from ..blocking import Blocking
from ..files import Files
from ..source import Now
from .container_files import Group, GroupV1, GroupV2
from .container_path import Identity, find_containers

# The time between two searches is at least so many times the duration of a search.
DURATIONS = 20
# Of version 1: the hierarchies in which the containers are looked for, the first that exists.
V1_HIERARCHIES = ("memory", "cpu", "cpuacct", "pids", "systemd")


@dataclass(frozen=True, slots=True)
class Search:
    """The containers that a search has found, and its duration in seconds."""

    hierarchy: str | None = None
    is_v2: bool = False
    found: dict[str, Identity] = field(default_factory=dict)
    took: float = 0.0


class Finder:
    """The containers of a host, looked for now and then. The sources share it."""

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._root = os.path.join(files.sys_root, "fs", "cgroup")
        self._clock = files.clock
        self._blocking: Blocking[None, Search] = Blocking(
            "ts-cgroups", self._search, files.clock, timeout_seconds=timeout_seconds
        )
        self._requested_at = -math.inf
        self._is_due = False
        self._newest = Search()

    @property
    def hierarchy(self) -> str | None:
        """Where the path of a container begins; None on a kernel without control groups."""
        return self._newest.hierarchy

    @property
    def found(self) -> dict[str, Identity]:
        """The containers of the newest search by their path."""
        return self._newest.found

    def find(self, now: Now, seconds: float) -> dict[str, Identity]:
        """Return the containers by their path. Another search begins ``seconds`` after the one before.

        Raises what the newest search raised.
        """
        pause = max(0.0 if self._is_due else seconds, DURATIONS * self._newest.took)
        if now.monotonic >= self._requested_at + pause:
            self._requested_at = now.monotonic
            self._is_due = False
            self._blocking.request([None])
        self._blocking.check_workers()
        result = self._blocking.maybe_result(None)
        if result is not None and result.error is not None:
            raise result.error.with_traceback(None)  # else it grows in each tick
        if result is not None and result.value is not None:
            self._newest = result.value
        return self._newest.found

    def search_again(self) -> None:
        """Begin another search at the next call: a group has just gone."""
        self._is_due = True

    def group(self, budget: Budget, path: str) -> Group:
        """Return the files of a container."""
        return (GroupV2 if self._newest.is_v2 else GroupV1)(budget, self._root, path)

    def close(self) -> None:
        """End the idle worker, and forget all containers."""
        self._blocking.close()
        self._blocking.forget([None])
        self._newest = Search()
        self._requested_at = -math.inf

    def _search(self, _key: None) -> Search:
        """Search all groups. Runs on the worker."""
        began = self._clock.monotonic()
        is_v2 = os.path.exists(f"{self._root}/cgroup.controllers")
        hierarchies = [self._root] if is_v2 else [f"{self._root}/{name}" for name in V1_HIERARCHIES]
        hierarchy = next(filter(os.path.isdir, hierarchies), None)
        found = {} if hierarchy is None else find_containers(hierarchy)
        return Search(hierarchy, is_v2, found, self._clock.monotonic() - began)
