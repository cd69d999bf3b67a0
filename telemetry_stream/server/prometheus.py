"""The Prometheus page: the newest sample as metric families, and the program's own counters.

It needs prometheus_client (the extra ``prometheus``), which imports http.server and ssl. So this module is imported at
the first scrape. Names, kinds, help texts and factors come from the declarations of the sources. prometheus_client
formats, negotiates and compresses. A scrape collects nothing: it shows the newest sample, and null has no series. No
label is a pid or an address of a peer, so the number of series does not grow.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from ..hub import End
from ..metrics.definitions import GROUPS, Definition, Group, Kind, Series
from ..metrics.sample import Sample
from ..net.answer import JSON_HEADERS
from ..stream import Feed
from .viewers import Viewers

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from ..fleet.hosts import Fleet, FleetStats

UNITS = ("bytes", "celsius", "ratio", "seconds")  # of a family in OpenMetrics
GZIP_LEVEL = 5  # 9, the default, takes twice as long and saves 2 %
TOTAL = "_total"  # suffix of a counter's series


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a group: the series that it becomes."""

    field: str
    series: Series
    help: str
    labels: Mapping[str, str]  # in addition to those of the row

    def value(self, record: object) -> float | None:
        """Return the number in base units, or None for null and for a number that no float can hold (above 1e308)."""
        value = getattr(record, self.field)
        if value is None:
            return None
        factor = self.series.factor
        try:
            # Nine decimals are enough for a microsecond and a hundredth of a percent. Further digits are rounding
            # errors of the factor.
            number = float(value) if factor == 1.0 else round(value * factor, 9)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None

    def family(self) -> Metric:
        """Return its family without samples."""
        return _family(self.series.name.removesuffix(TOTAL), self.help, self.series.kind)


def _column(group: Group, field: Definition, series: Series) -> Column:
    if group.enumerates:
        # The family has one help text. docs/metrics.md describes each value of the label.
        text = f"{group.part.text.rstrip('.')} ({group.path})"
        return Column(field.name, series, text, {group.enumerates: field.name})
    scale = f" × {series.factor:g}" if series.factor != 1.0 else ""
    text = f"{field.text.rstrip('.')} ({group.path}.{field.name}{scale})"
    return Column(field.name, series, text, dict([series.label] if series.label else ()))


TABLE: tuple[tuple[Group, tuple[Column, ...]], ...] = tuple(
    (group, columns)
    for group in GROUPS
    if (
        columns := tuple(
            _column(group, field, field.series) for field in group.fields if field.series
        )
    )
)


def families(sample: Sample) -> Iterator[Metric]:
    """Yield the families of a sample's built-in sections. Those of an embedding program have no names here."""
    for group, columns in TABLE:
        rows = _rows(group, sample.sections)
        found: dict[str, Metric] = {}
        for column in columns:
            for labels, record in rows:
                value = column.value(record)
                if value is not None:
                    family = found.get(column.series.name)
                    if family is None:
                        family = found[column.series.name] = column.family()
                    _add(family, value, {**labels, **column.labels})
        yield from found.values()


def own_families(
    sample: Sample | None,
    feed: Feed | None,
    viewers: Viewers,
    refused_connections: int,
    refused_tokens: int,
) -> Iterator[Metric]:
    """Yield what the program counts in addition to the section ``self``, and the state of the sample's sources."""
    totals = viewers.totals()
    for name, text, count in (
        ("samples", "Samples taken since the start", feed.seq if feed else 0),
        (
            "connections_refused",
            "Connections refused: limit reached, or out of threads or descriptors",
            refused_connections,
        ),
        ("tokens_refused", "Requests with a wrong token", refused_tokens),
        ("viewers_joined", "Viewers accepted since the start", totals.registered),
        (
            "viewers_refused",
            "Viewers refused because the viewer limit was reached",
            viewers.refused,
        ),
    ):
        family = _family(f"telemetry_stream_{name}", text, "counter")
        _add(family, float(count), {})
        yield family
    ended = _family("telemetry_stream_viewers_ended", "Viewers that left, by reason", "counter")
    for end in End:
        _add(ended, float(totals.ended.get(end.reason, 0)), {"reason": end.reason})
    yield ended
    if sample is None:
        return
    taken = _family("telemetry_stream_sample_timestamp_seconds", "When the newest sample was taken")
    _add(taken, sample.time_unix, {})
    yield taken
    failed = _family(
        "telemetry_stream_source_failed",
        "1 if the source failed, so its section has no series",
    )
    for name, source in sample.sources.items():
        _add(failed, float(source.state == "failed"), {"source": _label(name)})
    yield failed


def fleet_families(stats: FleetStats) -> Iterator[Metric]:
    """Yield the counts of a front end of many hosts."""
    hosts = _family("telemetry_stream_hosts", "Hosts of this front end, by state")
    for state, count in stats.hosts.items():
        _add(hosts, float(count), {"state": state})
    yield hosts
    watched = _family("telemetry_stream_hosts_watched", "Hosts whose full samples are received")
    _add(watched, float(stats.watched), {})
    yield watched
    gaps = _family("telemetry_stream_gaps", "Gaps in the samples of other hosts", "counter")
    _add(gaps, float(stats.gaps_repaired), {"repaired": "yes"})
    _add(gaps, float(stats.gaps_unrepaired), {"repaired": "no"})
    yield gaps
    dropped = _family(
        "telemetry_stream_messages_dropped",
        "Messages of other hosts that were discarded, by reason",
        "counter",
    )
    for reason, count in stats.dropped.items():
        _add(dropped, float(count), {"reason": reason})
    yield dropped


class Page:
    """Answers scrapes with the newest sample. Each sample is rendered once in each format that is requested.

    So a scrape costs little, however often it is repeated. The program's own counters, too, are those of the moment in
    which the sample was first scraped.
    """

    def __init__(
        self,
        viewers: Viewers,
        *,
        refused_connections: Callable[[], int],
        refused_tokens: Callable[[], int],
        fleet: Fleet | None = None,
    ) -> None:
        self._viewers = viewers
        self._refused_connections = refused_connections
        self._refused_tokens = refused_tokens
        self._fleet = fleet
        self._rendered: tuple[Sample | None, dict[tuple[str, bool], bytes]] = (None, {})

    def serve(
        self, environ: WSGIEnvironment, start_response: StartResponse, feed: Feed | None
    ) -> list[bytes]:
        """Answer a scrape in the format that its Accept header names."""
        encode, content_type = choose_encoder(environ.get("HTTP_ACCEPT", ""))
        is_compressed = gzip_accepted(environ.get("HTTP_ACCEPT_ENCODING", ""))
        sample = feed.maybe_newest() if feed else None
        if sample is None or sample is not self._rendered[0]:
            self._rendered = (sample, {})
        texts = self._rendered[1]
        text = texts.get((content_type, is_compressed))
        if text is None:
            text = encode(self._registry(sample, feed))
            if is_compressed:
                text = gzip.compress(text, GZIP_LEVEL)
            texts[content_type, is_compressed] = text
        encoding = [("Content-Encoding", "gzip")] if is_compressed else []
        start_response("200 OK", [("Content-Type", content_type), *encoding, *JSON_HEADERS[1:]])
        return [text]

    def _registry(self, sample: Sample | None, feed: Feed | None) -> CollectorRegistry:
        registry = CollectorRegistry(auto_describe=False)
        shown = families(sample) if sample else ()
        own = own_families(
            sample, feed, self._viewers, self._refused_connections(), self._refused_tokens()
        )
        fleet = fleet_families(self._fleet.stats()) if self._fleet else ()
        registry.register(_Collected([*shown, *own, *fleet]))
        return registry


class _Collected(Collector):
    """The library's interface to families that exist already."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _rows(group: Group, sections: Mapping[str, object]) -> list[tuple[dict[str, str], object]]:
    """Return the records of a group with their labels.

    Prometheus accepts one row per set of labels. If several have the same, the first one stays.
    """
    name, *parts = group.path.replace("[]", "").split(".")
    section: Any = sections.get(name)
    if section is None:
        return []
    if group.name_label:
        named = ((field.name, getattr(section, field.name)) for field in fields(section))
        return [({group.name_label: name}, record) for name, record in named if record]
    found = section
    for part in parts:
        found = getattr(found, part, None)
    rows: dict[tuple[str, ...], object] = {}
    for record in found if isinstance(found, tuple) else (found,):
        if isinstance(record, group.record):
            values = (getattr(record, name) for name in group.labels.values())
            rows.setdefault(tuple(map(_label, values)), record)
    return [(dict(zip(group.labels, key, strict=True)), record) for key, record in rows.items()]


def _label(value: object) -> str:
    """Return the value of a label, which is UTF-8. Surrogates, which stand for other bytes of a name, become ``?``."""
    return "" if value is None else str(value).encode(errors="replace").decode()


def _family(name: str, text: str, kind: Kind = "gauge") -> Metric:
    unit = next((unit for unit in UNITS if name.endswith(f"_{unit}")), "")
    return Metric(name, text, kind, unit)


def _add(family: Metric, value: float, labels: dict[str, str]) -> None:
    family.add_sample(family.name + (TOTAL if family.type == "counter" else ""), labels, value)
