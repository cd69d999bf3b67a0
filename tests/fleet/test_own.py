"""The own host of a front end: what is read from its feed. (Within a fleet: test_fleet.)"""

from __future__ import annotations

import time
from typing import Any

from telemetry_stream.fleet.own import OwnHost, own_identity
from telemetry_stream.fleet.table import Table
from telemetry_stream.metrics.sample import Sample, SourceState
from tests.fleet.test_alerts import ALERT
from tests.server.service import HOST
from tests.stream.streaming import streaming


def with_vitals(**vitals: Any) -> Sample:
    """Return a sample of the own host with these vitals."""
    states = {"vitals": SourceState("ok", 0.0)}
    return Sample(HOST.id, 1.0, 1.0, 1.0, {"vitals": vitals}, states, frozenset(states))


def test_vitals_and_alerts_of_the_feed_become_a_row() -> None:
    """Each sample counts once, and the vitals of the next one are demanded."""
    with streaming() as (_, _, feed):
        table = Table(10, monotonic=time.monotonic, realtime=time.time)
        labels = {"site": "home", "tags": ["nas"]}
        host = table.add_own(own_identity(feed, labels), lambda: feed.id)
        own = OwnHost(feed, host)
        assert table.own is host
        own.read()
        assert "vitals" in feed.demand.wanted()
        feed.publish(with_vitals(cpu=12.5))
        feed.publish_alerts(1.0, [ALERT])
        for _ in range(2):
            own.read()
        assert len(host._pending) == 1
        host.update()
        row = host.row
        assert row is not None
        assert (row.entry.id, row.entry.site, row.entry.tags) == (HOST.id, "home", ("nas",))
        assert row.vitals is not None
        assert (row.vitals.seq, row.vitals.numbers[0]) == (1, 12.5)
        assert row.alerts.worst == ALERT["text"]
        assert host.sparkline()["cpu"] == [12.5]


def test_another_run_of_the_feed_is_in_the_row() -> None:
    """An embedding program may begin one at any time. What else is known of the host stays."""
    with streaming() as (_, _, feed):
        table = Table(10, monotonic=time.monotonic, realtime=time.time)
        host = table.add_own(own_identity(feed, {"site": "home"}), lambda: feed.id)
        own = OwnHost(feed, host)
        host.set_conflict("a clone")
        feed.publish_alerts(1.0, [ALERT])
        feed.begin_run("another")
        own.read()
        host.update()
        row = host.row
        assert row is not None
        assert (row.stream, row.entry.site) == ("another", "home")
        assert (row.reason, row.alerts.worst) == ("a clone", ALERT["text"])


def test_site_and_tags_are_optional() -> None:
    """As in the settings."""
    with streaming() as (_, _, feed):
        found = own_identity(feed, {})
        assert (found.host, found.stream, found.interval_seconds) == (HOST, feed.id, 0.5)
        assert (found.site, found.tags) == ("", ())
