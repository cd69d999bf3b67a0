"""A fleet with invented remotes, a clock that the test moves, and ticks that the test makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from telemetry_stream import threads
from telemetry_stream.fleet.alerts import alerts_of
from telemetry_stream.fleet.fleet import Fleet
from telemetry_stream.fleet.table import Table
from telemetry_stream.hub import Hub
from tests.fleet.reports import RecordingRemote, identity, vitals
from tests.stream.streaming import Clock, streaming


class Fleeting(NamedTuple):
    """A fleet whose ticks the test makes."""

    fleet: Fleet
    clock: Clock
    hub: Hub

    @property
    def table(self) -> Table:
        """The table of its hosts."""
        return self.fleet._table

    def tick(self, seconds: float = 0.0) -> None:
        """Let time pass, and make a tick."""
        self.clock.now += seconds
        self.fleet._tick()

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the report of each host after a tick, by id."""
        self.tick()
        return {host["id"]: host for host in self.fleet.report()["hosts"]}

    def states(self) -> dict[str, str]:
        """Return the state of each host after a tick."""
        return {name: host["state"] for name, host in self.hosts().items()}


@contextmanager
def fleeting(
    *remotes: RecordingRemote,
    own: bool = False,
    max_hosts: int = 10,
    max_watched: int = 2,
) -> Iterator[Fleeting]:
    """A fleet of these remotes, and of this host, which is host-1, if ``own``."""
    clock = Clock()
    with streaming(monotonic=clock) as (hub, stream, feed):
        fleet = Fleet(
            hub,
            remotes,
            own_labels={"site": "here"} if own else None,
            max_hosts=max_hosts,
            max_watched=max_watched,
            forget_seconds=86_400,
            monotonic=clock,
            realtime=lambda: 1_764_000_000.0,
        )
        fleet._thread = None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threads, "start", lambda *_, **__: None)
            fleet.start(stream, lambda _: None)
        try:
            yield Fleeting(fleet, clock, hub)
        finally:
            fleet.close()
            assert all(remote.is_closed for remote in remotes)
            assert feed.seq >= 0


def answering(key: str, host_id: str | None = None, stream: str | None = None) -> RecordingRemote:
    """Return a remote; ``answer`` makes it answer."""
    remote = RecordingRemote(key)
    remote.identity = identity(host_id or key, stream or f"run-of-{key}")  # type: ignore[attr-defined]
    return remote


def report_vitals(remote: RecordingRemote, seq: int, stream: str) -> None:
    """Let a remote report the vitals of a tick."""
    found = vitals(seq, stream, time=1_764_000_000.0)
    remote.report.vitals("", lambda _: found)


def report_alerts(remote: RecordingRemote, *alerts: dict[str, Any]) -> None:
    """Let a remote report what fires."""
    found = alerts_of({"alerts": list(alerts), "time_unix": 7})
    remote.report.alerts("", lambda _: found)


def answer(remote: RecordingRemote, seq: int = 1) -> bool:
    """Let a remote report its hello and the vitals of a tick."""
    found = remote.identity  # type: ignore[attr-defined]
    may_read: bool = remote.report.identified(found)
    if may_read:
        report_vitals(remote, seq, found.stream)
    return may_read
