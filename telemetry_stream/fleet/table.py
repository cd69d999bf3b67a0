"""The table of the hosts of a front end: in the order in which they were added, and by id.

Several hosts may have the same id: one host that is reached in two ways, or clones. The first one has it in the table,
the others are shown under their keys. One that is lost or gone gives the id up: another one may be the same host, whose
address or site has changed. Then the first of those that are present has it. If there are more, they stay duplicates.
Present hosts are read, and neither lost nor gone.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from .host import Host
from .mirrors import Mirrors
from .remote import Dropped, Identity, Remote


class UnknownHostError(LookupError):
    """There is no host with this id."""


class Table:
    """All hosts, and what they have in common: it is the owner of each.

    Any thread may call any method. ``lock`` guards the table and the mirror of each host. ``_dropped_lock`` guards the
    count of discarded messages: remotes report them within locks that are also taken within ``lock``.
    """

    def __init__(
        self,
        max_hosts: int,
        *,
        monotonic: Callable[[], float],
        realtime: Callable[[], float],
    ) -> None:
        """``max_hosts`` is the limit beside the host of this front end."""
        self.monotonic = monotonic
        self.realtime = realtime
        self.lock = threading.RLock()
        self.own: Host | None = None  # that of this front end, which has no remote
        self._own_run: Callable[[], str] = str
        self._max_hosts = max_hosts
        self._hosts: dict[int, Host] = {}
        self._by_id: dict[str, Host] = {}
        # The ids in the last hellos, and by each of them its hosts: a search of all hosts for each hello would take
        # seconds if thousands of hosts connect.
        self._hello_ids: dict[Host, str] = {}
        self._by_hello_id: dict[str, set[Host]] = {}
        self._next_number = 1
        self._dropped_lock = threading.Lock()
        self._dropped: Counter[Dropped] = Counter()

    def maybe_add(self, remote: Remote) -> Host | None:
        """Add a host. Return None if there are max_hosts already."""
        with self.lock:
            if len(self._hosts) - (self.own is not None) >= self._max_hosts:
                return None
            return self._add_locked(remote.key, remote)

    def add_own(self, identity: Identity, run: Callable[[], str]) -> Host:
        """Add the host of this front end, and return it. ``run`` returns the id of its present run."""
        with self.lock:
            self.own = host = self._add_locked("", None)
            self._own_run = run
        host.identified(identity)
        return host

    def _add_locked(self, key: str, remote: Remote | None) -> Host:
        host = Host(self._next_number, key, remote, self)
        self._next_number += 1
        self._hosts[host.number] = host
        self._by_id[host.id] = host
        return host

    def forget(self, host: Host) -> None:
        """Remove a host, and end its mirror."""
        with self.lock:
            self._hosts.pop(host.number, None)
            self._note_hello_id_locked(host, None)
            if self._by_id.get(host.id) is host:
                del self._by_id[host.id]
            Mirrors.drop(host)

    def hosts(self) -> list[Host]:
        """Return all hosts in the order in which they were added."""
        with self.lock:
            return list(self._hosts.values())

    def maybe_host(self, host_id: str) -> Host | None:
        """Return the host with this id, or None."""
        with self.lock:
            return self._by_id.get(host_id)

    def host(self, host_id: str | None) -> Host:
        """Return the host with this id; None is that of this front end. Raises UnknownHostError."""
        host = self.own if host_id is None else self.maybe_host(host_id)
        if host is None:
            raise UnknownHostError(host_id)
        return host

    def resolve(self, host: Host, identity: Identity) -> tuple[str | None, bool]:
        """Give ``host`` the id of its hello, unless another host has it.

        Return why it is a duplicate (None: it is not), and whether its data may be read.
        """
        with self.lock:
            if host.number in self._hosts:  # not if it was forgotten a moment ago
                self._note_hello_id_locked(host, identity.host.id)
            other = self._by_id.get(identity.host.id)
            if other is not host and (other is None or other.is_over):
                other = self._maybe_heir_locked(identity.host.id, host)
                if other is not None:
                    self._give_id_locked(other, identity.host.id)
            if other is None or other is host:
                self._give_id_locked(host, identity.host.id)
                return None, True
            self._rename_locked(host, host.key)
            known = other.identity
            if other is self.own:
                if identity.stream == self._own_run():
                    return "This is the front end itself", False
            elif known is not None and known.stream == identity.stream:
                return f"This host is watched already, as {other.key}", False
            other.set_conflict(_conflict(host.key, identity.host.id))
            name = "the front end" if other is self.own else other.key
            return _conflict(name, identity.host.id), True

    def _maybe_heir_locked(self, host_id: str, asking: Host) -> Host | None:
        """Return the first present host beside ``asking`` that has this id in its hello, but not in the table."""
        others = self._by_hello_id.get(host_id, set()) - {asking}
        for host in sorted(others, key=lambda host: host.number):
            known = host.identity
            if known is None or known.host.id != host_id:  # its hello is not in its record yet
                continue
            if host.may_read and not host.is_over:
                return host
        return None

    def _note_hello_id_locked(self, host: Host, host_id: str | None) -> None:
        """Note the id in the last hello of a host; None: the host is forgotten."""
        before = self._hello_ids.pop(host, None)
        if before is not None:
            found = self._by_hello_id[before]
            found.discard(host)
            if not found:
                del self._by_hello_id[before]
        if host_id is not None:
            self._hello_ids[host] = host_id
            self._by_hello_id.setdefault(host_id, set()).add(host)

    def inherit(self, hosts: Sequence[Host], host_id: str) -> None:
        """Give an id to the first of these hosts, which are present and had it in their hellos a moment ago.

        The others stay its duplicates. Do nothing if the id has a present host.
        """
        with self.lock:
            other = self._by_id.get(host_id)
            present = [
                host
                for host in hosts
                if host.identity is not None and host.identity.host.id == host_id
            ]
            if len(present) < 2 or (other is not None and not other.is_over):
                return
            self._give_id_locked(present[0], host_id)
            present[0].set_conflict(_conflict(present[1].key, host_id))
            for host in present[1:]:
                host.set_conflict(_conflict(present[0].key, host_id))

    def end_conflict(self, host: Host, reason: str) -> None:
        """End the conflict of a host that was noted with this reason, and give it the id of its hello.

        Do nothing if there has been another hello with this id meanwhile: it may be a new conflict.
        """
        with self.lock:
            identity = host.identity
            if identity is None:
                return
            other = self._by_id.get(identity.host.id)
            is_free = other is None or other is host or other.is_over
            if is_free and host.end_conflict(reason):
                self._give_id_locked(host, identity.host.id)

    def _give_id_locked(self, host: Host, host_id: str) -> None:
        other = self._by_id.get(host_id)
        if other is not None and other is not host and host.number in self._hosts:
            self._rename_locked(other, other.key)
        self._rename_locked(host, host_id)

    def _rename_locked(self, host: Host, host_id: str) -> None:
        """Give a host another id. Viewers of the one before are closed: another host may get it."""
        if host.id == host_id or host.number not in self._hosts:  # forgotten a moment ago
            return
        if self._by_id.get(host.id) is host:
            del self._by_id[host.id]
        host.id = host_id
        self._by_id[host_id] = host
        Mirrors.drop(host)

    def note_dropped(self, why: Dropped) -> None:
        """Count a message that was discarded."""
        with self._dropped_lock:
            self._dropped[why] += 1

    def dropped(self) -> Counter[Dropped]:
        """Return how many messages were discarded, by reason."""
        with self._dropped_lock:
            return Counter(self._dropped)


def _conflict(name: str, host_id: str) -> str:
    return f"{name} has the same id {host_id}; give one of them another with --host-id"
