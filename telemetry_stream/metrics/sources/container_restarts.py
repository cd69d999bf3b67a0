"""How often containers were restarted: by the restart policy of their runtime, or by hand.

A container of Docker, Podman, nerdctl, nspawn or LXC keeps its id or name when it is restarted, but its control group
is removed and made again, in the same directory. The kernel reports each group that is made. Looking for another inode
now and then would miss what matters most: the group of a container that fails at once exists for a second, and Docker
waits for up to a minute before it makes the next one.

Only what happens while the program runs is counted. Kubernetes makes a new container with another id instead, so its
containers are not counted. The group of a container may be in that of the unit that starts it (Podman), which is made
again, too: systemd counts these restarts (systemd_units.py).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ..directory_watch import DirectoryWatch
from ..sample import LongList
from ..section import Field, OffPage
from .container_path import MAX_CONTAINERS, Identity, maybe_identify
from .container_record import Described

log = logging.getLogger(__name__)

RECENT_SECONDS = 900.0
# A container that ended may be restarted: it is remembered for RECENT_SECONDS.
MAX_ENDED = 1000
MAX_RECENT = 100  # of each container
MAX_ROWS = 64
# Where runtimes make groups. They are watched before a container is found in them, because the only one of a host may
# fail at once. Other directories are watched from their first container on.
DIRECTORIES = ("/system.slice", "/machine.slice", "/docker", "/libpod_parent")


@dataclass(slots=True)
class ContainerRestarts:
    """A container that was restarted lately."""

    id: Annotated[
        str,
        Field(
            "The first 12 digits of its id; the name of a container of nspawn or LXC.",
            is_identity=True,
        ),
    ]
    runtime: Annotated[str, Field("docker, podman, nspawn, lxc, or other.", is_identity=True)]
    name: OffPage[Annotated[str, "Its name; without `container_api`, its id."]]
    restarts: OffPage[
        Annotated[int, Field("How often it was restarted while this program ran.", unit="restarts")]
    ]
    recent_restarts: OffPage[
        Annotated[int, Field("The same in the last 15 minutes, at most 100.", unit="restarts")]
    ]


@dataclass(slots=True)
class _Known:
    """A container that runs, or ran lately. The times are monotonic."""

    identity: Identity
    seen_at: float
    count: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_RECENT))


class Restarts:
    """The number of restarts of each container, by the path of its group."""

    def __init__(self) -> None:
        self._watch = DirectoryWatch()
        self._failure: str | None = None
        self._found: Mapping[str, Identity] | None = None
        # The one that was not seen for the longest time is the first.
        self._known: dict[str, _Known] = {}
        self._recent: dict[str, _Known] = {}  # those that were restarted lately
        self.version = 0  # changes with each restart

    def update(self, now: float, hierarchy: str | None, found: Mapping[str, Identity]) -> None:
        """Note which groups were made, and the containers of a new search. To be called in each tick."""
        if hierarchy is None:
            return
        for path in self._watch.made():
            self._note_made(path.removeprefix(hierarchy), now)
        if found is not self._found:
            self._found = found
            self._note_found(now, hierarchy, found)

    def maybe_count(self, path: str) -> int | None:
        """Return how often a container was restarted. None: its directory is not watched."""
        known = self._known.get(path)
        return None if known is None else known.count

    def rows(self, now: float) -> list[tuple[Identity, int, int]]:
        """Return the containers that were restarted lately, with all their restarts and with the recent ones."""
        for path, known in list(self._recent.items()):
            while known.recent and known.recent[0] <= now - RECENT_SECONDS:
                known.recent.popleft()
            if not known.recent:
                del self._recent[path]
        return [(known.identity, known.count, len(known.recent)) for known in self._recent.values()]

    def close(self) -> None:
        """Close the descriptor. The counts begin again."""
        self._watch.close()
        self._found = None
        self._known.clear()
        self._recent.clear()

    def _note_made(self, path: str, now: float) -> None:
        """Note a new group. It is a restart if it is that of a container that was there before."""
        identity = maybe_identify(path)
        if identity is None or not _is_counted(identity):
            return
        known = self._known.get(path)
        if known is not None:
            known.count += 1
            known.recent.append(now)
            self._recent[path] = known
            self.version += 1
        self._note_seen(path, identity, now)

    def _note_found(self, now: float, hierarchy: str, found: Mapping[str, Identity]) -> None:
        """Note the containers of a search. Those that were there before their directory was watched are new."""
        counted = {path: one for path, one in found.items() if _is_counted(one)}
        parents = dict.fromkeys([*DIRECTORIES, *map(_parent, counted), *map(_parent, self._known)])
        added = self._watched(hierarchy, list(parents))
        for path, identity in counted.items():
            if path in self._known or _parent(path) in added:
                self._note_seen(path, identity, now)
        for path, known in list(self._known.items()):
            if known.seen_at > now - RECENT_SECONDS:
                break
            del self._known[path]

    def _note_seen(self, path: str, identity: Identity, now: float) -> None:
        known = self._known.pop(path, None) or _Known(identity, now)
        known.seen_at = now
        self._known[path] = known
        if len(self._known) > MAX_CONTAINERS + MAX_ENDED:
            first = next(iter(self._known))
            del self._known[first]
            self._recent.pop(first, None)

    def _watched(self, hierarchy: str, parents: list[str]) -> set[str]:
        """Watch these directories. Return those that were not watched before; none if inotify is unavailable."""
        failure, added = None, set()
        try:
            added = self._watch.watch([hierarchy + parent for parent in parents])
        except OSError as error:
            failure = error.strerror or str(error)
        if failure != self._failure:
            self._failure = failure
            if failure is None:
                log.info("Restarts of containers are counted")
            else:
                log.warning("Restarts of containers are not counted: inotify: %s", failure)
        return {path.removeprefix(hierarchy) for path in added}


def _is_counted(identity: Identity) -> bool:
    return identity.runtime != "kubernetes"


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def container_restarts(
    rows: list[tuple[Identity, int, int]], described: Mapping[str, Described]
) -> tuple[ContainerRestarts, ...]:
    """Return the section. Messages have those with the most restarts."""
    found = tuple(
        ContainerRestarts(
            identity.short_id, identity.runtime, _name(identity, described), count, recent
        )
        for identity, count, recent in sorted(rows, key=lambda row: -row[2])
    )
    return found if len(found) <= MAX_ROWS else LongList(found, found[:MAX_ROWS])


def _name(identity: Identity, described: Mapping[str, Described]) -> str:
    known = described.get(identity.id)
    return (known.name if known else None) or identity.name or identity.short_id
