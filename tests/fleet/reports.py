"""Parts for tests of the fleet: vitals, identities, and what a remote reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from telemetry_stream.fleet.alerts import Alerts
from telemetry_stream.fleet.remote import FIELDS, ForeignHostError, Identity, Vitals, Want
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.stream.received import ReceivedError, ReceivedSample, cut
from tests.conftest import eventually

ON_DEMAND = frozenset({"processes", "vitals"})


def identity(host_id: str = "host-1", stream: str = "run-1", interval: float = 1.0) -> Identity:
    """Return the identity of an invented host."""
    return Identity(HostInfo(host_id, f"name of {host_id}", "", None, None, None), stream, interval)


def vitals(seq: int, stream: str = "run-1", cpu: float | None = 50.0, time: float = 0.0) -> Vitals:
    """Return the vitals of a tick."""
    return Vitals(stream, seq, time, (cpu, 25.0, *(None,) * (len(FIELDS) - 2)))


def message(seq: int, stream: str = "run-1", host: str = "host-1", **sections: Any) -> str:
    """Return a sample message."""
    sections = sections or {"cpu": {"usage_percent": seq}}
    fields = {
        "type": "sample",
        "stream": stream,
        "seq": seq,
        "host": host,
        "time_unix": 1000.0 + seq,
        "uptime_seconds": 100.0 + seq,
        "interval_seconds": 1.0,
        **sections,
        "sources": {name: {"state": "ok", "took_seconds": 0.0} for name in sections},
    }
    return json.dumps(fields, separators=(",", ":"))


def received(seq: int, stream: str = "run-1", **sections: Any) -> ReceivedSample:
    """Return a sample as a remote delivers it."""
    return cut(message(seq, stream, **sections), ON_DEMAND)[0]


class RecordingRemote:
    """A remote that delivers what the test wants, and records what is requested of it."""

    def __init__(self, key: str = "web1:8750", *, is_discovered: bool = False) -> None:
        self.key = key
        self.is_discovered = is_discovered
        self.link_state: Any = "up"
        self.wants: list[Want | None] = []
        self.report: Any = None
        self.is_closed = False
        self.hello_requests = 0

    def start(self, report: Any) -> None:
        self.report = report

    def watch(self, want: Want) -> None:
        self.wants.append(want)

    def unwatch(self) -> None:
        self.wants.append(None)

    def identify_again(self) -> None:
        self.hello_requests += 1

    def link(self, _since: float) -> Any:
        return self.link_state

    def close(self) -> None:
        self.is_closed = True

    def join(self, _deadline: float) -> None:
        pass


class RecordingReport:
    """What a remote reports to. ``wait`` waits until a condition is true."""

    def __init__(self, *, may_read: bool = True) -> None:
        self.may_read = may_read
        self.identities: list[Identity] = []
        self.all_vitals: list[Vitals] = []
        self.answers: list[tuple[list[int], bool]] = []
        self.seqs: list[int] = []
        self.section_names: list[tuple[str, ...]] = []
        self.ends: list[tuple[str, str]] = []
        self.failures: list[tuple[str, bool]] = []
        self.drops: list[str] = []
        self.all_alerts: list[Alerts] = []
        self.is_sending = False

    def identified(self, found: Identity) -> bool:
        may_read = self.may_read  # the test may change it as soon as it sees the identity
        self.identities.append(found)
        return may_read

    def vitals(self, text: str, parse: Callable[[str], Vitals | None]) -> None:
        try:
            found = parse(text)
        except ForeignHostError:
            self.drops.append("foreign host")
        except ReceivedError:
            self.drops.append("invalid")
        else:
            self.all_vitals += [found] if found else []

    def samples(self, found: Sequence[ReceivedSample], *, is_complete: bool) -> None:
        self.seqs += [sample.seq for sample in found]
        self.section_names += [sample.encoded.source_names for sample in found]
        self.answers.append(([sample.seq for sample in found], is_complete))

    def alerts(self, text: str, parse: Callable[[str], Alerts | None]) -> None:
        try:
            found = parse(text)
        except ReceivedError:
            self.drops.append("invalid")
        else:
            self.all_alerts += [found] if found else []

    def ended(self, state: str, stream: str) -> None:
        self.ends.append((state, stream))

    def failed(self, reason: str, *, is_incompatible: bool = False) -> None:
        self.failures.append((reason, is_incompatible))

    def dropped(self, why: str) -> None:
        self.drops.append(why)

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until the condition is true."""
        assert eventually(condition), vars(self)
