"""The program's own counters beside the section ``self``, the state of the sources, and the hosts of a front end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..hub import End, HubStats
from ..metrics.sample import Sample
from .exposition import Family, labels, single

if TYPE_CHECKING:
    from ..fleet.fleet import FleetStats


class Counts(NamedTuple):
    """The counts of the server since its start."""

    viewers: HubStats
    refused_viewers: int
    refused_connections: int
    refused_tokens: int


def own_families(sample: Sample | None, samples: int, counts: Counts) -> Iterator[Family]:
    """Yield the program's own counters. ``samples`` is the number of samples taken."""
    for name, text, count in (
        ("samples", "Samples taken since the start", samples),
        (
            "connections_refused",
            "Connections refused: limit reached, or out of threads or descriptors",
            counts.refused_connections,
        ),
        ("tokens_refused", "Requests with a wrong token", counts.refused_tokens),
        ("viewers_joined", "Viewers accepted since the start", counts.viewers.registered),
        (
            "viewers_refused",
            "Viewers refused because the viewer limit was reached",
            counts.refused_viewers,
        ),
    ):
        yield single(f"telemetry_stream_{name}_total", "counter", text, count)
    ended = counts.viewers.ended
    yield Family(
        "telemetry_stream_viewers_ended_total",
        "counter",
        "Viewers that left, by reason",
        [(labels({"reason": end.reason}), ended.get(end.reason, 0)) for end in End],
    )
    if sample is None:
        return
    name = "telemetry_stream_sample_timestamp_seconds"
    yield single(name, "gauge", "When the newest sample was taken", sample.time_unix)
    yield Family(
        "telemetry_stream_source_failed",
        "gauge",
        "1 if the source failed, so its section has no series",
        [
            (labels({"source": name}), source.state == "failed")
            for name, source in sample.sources.items()
        ],
    )


def alert_families(alerts: Iterable[Mapping[str, Any]], omitted: int) -> Iterator[Family]:
    """Yield the firing alerts, with the labels of ``ALERTS``, the series that Prometheus writes about its own rules.

    The name is another one: two series with equal names and labels, one scraped and one of a rule, would be the same.
    """
    firing: dict[str, int] = {}
    since: dict[str, float] = {}
    for alert in alerts:
        found = {**alert["labels"], "alertname": alert["rule"], "severity": alert["severity"]}
        firing[labels({**found, "alertstate": "firing"})] = 1
        since[labels(found)] = alert["since_unix"]
    name = "telemetry_stream_alert"
    yield Family(name, "gauge", "1 while the alert fires", [*firing.items()])
    yield Family(
        f"{name}_since_timestamp_seconds",
        "gauge",
        "When the condition of the firing alert became true",
        [*since.items()],
    )
    yield single(f"{name}s_omitted", "gauge", "Firing alerts without a series", omitted)


def fleet_families(stats: FleetStats) -> Iterator[Family]:
    """Yield the counts of a front end of many hosts."""
    yield Family(
        "telemetry_stream_hosts",
        "gauge",
        "Hosts of this front end, by state",
        [(labels({"state": state}), count) for state, count in stats.hosts.items()],
    )
    name = "telemetry_stream_hosts_watched"
    yield single(name, "gauge", "Hosts that a viewer has watched in the last minute", stats.watched)
    yield Family(
        "telemetry_stream_gaps_total",
        "counter",
        "Gaps in the samples of other hosts",
        [
            (labels({"repaired": "yes"}), stats.gaps_repaired),
            (labels({"repaired": "no"}), stats.gaps_unrepaired),
        ],
    )
    yield Family(
        "telemetry_stream_messages_dropped_total",
        "counter",
        "Messages of other hosts that were discarded, by reason",
        [(labels({"reason": reason}), count) for reason, count in stats.dropped.items()],
    )


def notify_families(receivers: Collection[Mapping[str, Any]]) -> Iterator[Family]:
    """Yield the counts of each receiver of notifications."""
    rows: tuple[tuple[str, Literal["counter", "gauge"], str], ...] = (
        ("sent_total", "counter", "Messages that the receiver has accepted"),
        ("failed_total", "counter", "Attempts that failed"),
        ("dropped_total", "counter", "Alerts that were given up"),
        ("queued_alerts", "gauge", "Alerts with a change that is not delivered"),
    )
    for field, kind, text in rows:
        yield Family(
            f"telemetry_stream_notify_{field}",
            kind,
            text,
            [(labels({"receiver": one["name"]}), one[field]) for one in receivers],
        )
    yield Family(
        "telemetry_stream_notify_failing",
        "gauge",
        "1 if the last attempt failed",
        [(labels({"receiver": one["name"]}), one["state"] == "failing") for one in receivers],
    )
