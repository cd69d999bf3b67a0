"""The hosts that were discovered on a broker, within the limits, and those that are refused or forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from ..fleet.fleet import Fleet
from .broker_remote import BrokerRemote
from .topics import HostTopic, Topics

MAX_REFUSED = 10_000
# At once, of one host id. An ACL may leave the site to the agent, which could fill the table with one id.
MAX_SITES = 4


class Remotes:
    """The remotes by the key ``site/host``. The thread of the watcher uses it.

    ``own_key`` is that of this front end's own host, whose own messages come back from the broker.
    """

    def __init__(self, fleet: Fleet, prefix: str, make: Callable[[Topics], BrokerRemote]) -> None:
        """``make(topics)`` returns the remote of a host."""
        self.own_key = ""
        self.by_key: dict[str, BrokerRemote] = {}
        self.by_vitals: dict[str, BrokerRemote] = {}  # by the topic of the vitals
        self._fleet = fleet
        self._prefix = prefix
        self._make = make
        self._sites: Counter[str] = Counter()  # of each host id, those of its remotes
        self._refused: set[str] = set()  # because there are max_hosts, or MAX_SITES of the host
        self._forgotten: dict[str, str] = {}  # the run that a silent host had

    def __iter__(self) -> Iterator[BrokerRemote]:
        return iter(self.by_key.values())

    def maybe_get(self, topic: HostTopic) -> BrokerRemote | None:
        """Return the remote of a host, a new one if it is not known. None if there are too many hosts or sites."""
        key = topic.key
        remote = self.by_key.get(key)
        if remote is not None or key in self._refused:
            return remote
        if self._sites[topic.host] >= MAX_SITES:
            self._fleet.note_dropped("too many")
            self._refuse(key)
            return None
        remote = self._make(Topics(self._prefix, topic.site, topic.host))
        if self._fleet.maybe_add(remote) is None:
            self._refuse(key)
            return None
        self._sites[topic.host] += 1
        self.by_key[key] = remote
        if key != self.own_key:
            self.by_vitals[remote.topics.of("vitals")] = remote
        return remote

    def _refuse(self, key: str) -> None:
        if len(self._refused) < MAX_REFUSED:
            self._refused.add(key)

    def is_refused(self, key: str) -> bool:
        """Whether there was no room for this host."""
        return key in self._refused

    def forget(self, remote: BrokerRemote) -> None:
        """Remove a remote, and remember its run: its ``hello`` may stay on the broker indefinitely."""
        self._refused.clear()  # there is room again
        if self.by_key.pop(remote.key, None) is None:
            return
        self.by_vitals.pop(remote.topics.of("vitals"), None)
        self._sites[remote.topics.host] -= 1
        if not self._sites[remote.topics.host]:
            del self._sites[remote.topics.host]
        if len(self._forgotten) >= self._fleet.max_hosts:
            del self._forgotten[next(iter(self._forgotten))]
        self._forgotten[remote.key] = remote.run

    def is_forgotten(self, key: str, run: str) -> bool:
        """Whether this host was removed in this run, and has not returned."""
        return self._forgotten.get(key) == run

    def note_returned(self, key: str) -> None:
        """Note that a host sends something, which may have been forgotten."""
        self._forgotten.pop(key, None)
