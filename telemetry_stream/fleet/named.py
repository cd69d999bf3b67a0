"""The hosts that the user names, while the program runs: their remotes, and what changes when they are read again."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable

from ..stream import HistoryLimits
from ..threads import ThreadUnavailableError
from .direct import DirectRemote
from .fleet import Fleet
from .link import DirectLink
from .watchlist import Target, WatchError

log = logging.getLogger(__name__)


class NamedHosts:
    """A direct remote for each target. Any thread may call ``reload``; the lock guards the remotes."""

    def __init__(self, read: Callable[[], tuple[Target, ...]], history: HistoryLimits) -> None:
        """``read()`` returns the targets; it raises WatchError. Histories are requested and read within the limits."""
        self._read = read
        self._history = history
        self._link = DirectLink()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._remotes = {target.shown: self._remote(target) for target in read()}

    @property
    def remotes(self) -> tuple[DirectRemote, ...]:
        """The present remotes, in the order in which they were named."""
        return tuple(self._remotes.values())

    def _remote(self, target: Target) -> DirectRemote:
        return DirectRemote(next(self._numbers), target, self._link, self._history)

    def reload(self, fleet: Fleet) -> None:
        """Read the targets again: add, remove and change remotes of ``fleet``, and leave those that are the same alone.

        On failure log it and change nothing. The authorities of the system are read again for later connections.
        """
        self._link.authorities.reload()
        with self._lock:
            try:
                targets = {target.shown: target for target in self._read()}
            except WatchError as error:
                log.error("Reload failed, keeping the previous hosts: %s", error)
                return
            before = self._remotes
            kept = {key for key in before if key in targets and before[key].accepts(targets[key])}
            fleet.remove([remote for key, remote in before.items() if key not in kept])
            remotes = {}
            for key, target in targets.items():
                if key in kept:
                    remotes[key] = before[key]
                    before[key].use(target)
                elif (remote := self._maybe_added(target, fleet)) is not None:
                    remotes[key] = remote
            self._remotes = remotes
        log.info("Hosts to watch reloaded: %d", len(remotes))

    def _maybe_added(self, target: Target, fleet: Fleet) -> DirectRemote | None:
        """Return the remote of a new host. None, and log why, if it cannot be watched now."""
        remote = self._remote(target)
        try:
            if fleet.maybe_add(remote) is not None:
                return remote
            reason = f"there are {fleet.max_hosts} hosts already (max_hosts)"
        except ThreadUnavailableError as error:
            reason = str(error)
        log.error("%s is not watched: %s", target.shown, reason)
        return None
