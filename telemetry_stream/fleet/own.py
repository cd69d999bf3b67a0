"""This front end's own host as a row of the overview. It has no remote: vitals and alerts come from its feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..stream import Feed
from .alerts import Alerts, summary_of
from .host import Host
from .remote import Identity, maybe_vitals


class OwnHost:
    """The own host, whose ``feed`` is read once per second. The thread of the fleet uses it."""

    def __init__(self, feed: Feed, host: Host) -> None:
        self._feed = feed
        self._host = host
        self._seq = 0

    def read(self) -> None:
        """Read vitals and alerts, and demand the vitals of the next second."""
        feed = self._feed
        self._host.note_run(feed.id)  # an embedding program may begin another one
        firing = feed.alerts["alerts"]
        if firing is not None:
            self._host.known_alerts = Alerts(summary=summary_of(firing))
        feed.demand.want(("vitals",))
        text = feed.maybe_latest(("vitals",))
        if text is not None and feed.seq != self._seq:
            self._seq = feed.seq
            self._host.vitals(text.decode(), lambda sent: maybe_vitals(sent, feed.host.id))


def own_identity(feed: Feed, labels: Mapping[str, Any]) -> Identity:
    """Return what the ``hello`` of another host would have. ``labels`` are site and tags, both optional."""
    interval = feed.demand.normal_interval_seconds
    site, tags = labels.get("site", ""), tuple(labels.get("tags", ()))
    return Identity(feed.host, feed.id, interval, site, tags)
