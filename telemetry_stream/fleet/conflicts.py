"""Which conflicts between hosts with the same id end in this tick.

It relies on the table of hosts, which finds conflicts and gives ids. Present hosts, those that are read and neither
lost nor gone, are counted once for each tick, without the lock of the table. So a thousand clones cost no more than a
thousand other hosts.
"""

from __future__ import annotations

from collections import defaultdict

from .host import Host
from .table import Table


class Conflicts:
    """The conflicts of one tick: first ``count`` each host, then ``end`` each. Used by one thread."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._reasons: dict[Host, str] = {}
        self._disputed: set[str] = set()
        # Present hosts by id.
        self._present: defaultdict[str, list[Host]] = defaultdict(list)
        self._over: set[Host] = set()
        self._runs: set[str] = set()  # of the present hosts
        for host in table.hosts():
            reason, identity = host.conflict, host.identity
            if reason is not None:
                self._reasons[host] = reason
                if identity is not None:
                    self._disputed.add(identity.host.id)

    def count(self, host: Host) -> None:
        """Count a host, if there is a conflict about the id in its hello."""
        identity = host.identity
        if identity is None or identity.host.id not in self._disputed:
            return
        present, may_read = self._present[identity.host.id], host.may_read
        if may_read:
            present.append(host)  # also if the next line fails
        if host.is_over:
            self._over.add(host)
            if may_read:
                present.pop()
        elif may_read:
            self._runs.add(identity.stream)

    def end(self, host: Host) -> None:
        """Note that a host is no duplicate any more, if no other present host has the same id in its hello.

        Then the id is its own, unless it is lost or gone itself. If there are others, and the host that has the id in
        the table is lost or gone, the first of them gets it. A host that is not read stays as it is: nothing shows
        whether it is present, so its next ``hello`` decides. That is requested when its run is read nowhere any more.
        """
        reason, identity = self._reasons.get(host), host.identity
        if reason is None:
            return
        if identity is None or host in self._over:
            host.end_conflict(reason)
        elif not host.may_read:
            if identity.stream not in self._runs:
                host.identify_again()
        elif self._present[identity.host.id] == [host]:
            self._table.end_conflict(host, reason)
        else:
            holder = self._table.maybe_host(identity.host.id)
            if holder is None or holder in self._over:
                self._table.inherit(self._present[identity.host.id], identity.host.id)
