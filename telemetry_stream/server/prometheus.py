"""The Prometheus page: the newest sample as metric families, and the program's own counters.

Needs prometheus_client (the extra ``prometheus``), which brings http.server and ssl: import this module on the first
scrape, not before. Names, kinds, help texts and factors come from the table in metrics/definitions.py; formats, their
negotiation and compression are prometheus_client's. A scrape collects nothing: it shows the newest sample, and what is
null there has no series. No label is a pid or a peer, so the number of series does not grow with time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import make_wsgi_app
from prometheus_client.registry import Collector

from ..hub import End
from ..metrics.definitions import DEFINITIONS, GROUPS, Definition, Group, Kind
from ..metrics.sample import Sample
from ..net.answer import JSON_HEADERS
from ..stream import Stream
from .viewers import Viewers

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

UNITS = ("bytes", "celsius", "ratio", "seconds")  # what OpenMetrics is told as a family's unit
TOTAL = "_total"  # what a counter's series have behind the name of their family


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a group: where its values go."""

    field: str
    name: str  # of its series; a counter's ends in _total
    kind: Kind
    help: str
    factor: float
    labels: Mapping[str, str]  # beside those of the row

    def value(self, record: object) -> float | None:
        """The number in base units; None for null."""
        found = getattr(record, self.field)
        if found is None:
            return None
        # Nine digits hold a microsecond and a hundredth of a percent; the rest is noise of the factor.
        return float(found) if self.factor == 1.0 else round(found * self.factor, 9)

    def family(self) -> Metric:
        """Its family, empty."""
        return _family(self.name.removesuffix(TOTAL), self.help, self.kind)


def _column(group: Group, of: Definition, prometheus: str) -> Column:
    if group.enumerates:
        # Help is the family's: what one value of its label means is in docs/metrics.md.
        text = f"{group.path}, from {group.source}"
        labels = {group.enumerates: of.name}
    else:
        scale = f" × {of.factor:g}" if of.factor != 1.0 else ""
        text, labels = f"{of.meaning} ({group.path}.{of.name}{scale})", {}
    return Column(of.name, prometheus, of.kind, text, of.factor, labels)


TABLE: tuple[tuple[Group, tuple[Column, ...]], ...] = tuple(
    (
        group,
        tuple(
            _column(group, of, of.prometheus)
            for of in DEFINITIONS[group.path]
            if of.prometheus is not None
        ),
    )
    for group in GROUPS
)


def families(sample: Sample) -> Iterator[Metric]:
    """What the sample holds. Its sections are those of the program: an embedding program's have no names here."""
    for group, columns in TABLE:
        rows = _rows(group, sample.sections)
        found: dict[str, Metric] = {}
        for column in columns:
            for labels, record in rows:
                value = column.value(record)
                if value is not None:
                    family = found.get(column.name)
                    if family is None:
                        family = found[column.name] = column.family()
                    _add(family, value, {**labels, **column.labels})
        yield from found.values()


def own_families(
    sample: Sample | None,
    stream: Stream,
    viewers: Viewers,
    refused_connections: int,
    refused_tokens: int,
) -> Iterator[Metric]:
    """What the program counts beside the section ``self``, and how the sample came about."""
    totals = viewers.totals()
    for name, text, count in (
        ("samples", "samples taken since the start", stream.seq),
        (
            "connections_refused",
            "connections turned away: too many, or no thread or descriptor for them",
            refused_connections,
        ),
        ("tokens_refused", "tries with a wrong token, or too soon after one", refused_tokens),
        ("viewers_joined", "viewers that were let in since the start", totals.registered),
        ("viewers_refused", "viewers that were one too many", viewers.refused),
    ):
        family = _family(f"telemetry_stream_{name}", text, "counter")
        _add(family, float(count), {})
        yield family
    ended = _family("telemetry_stream_viewers_ended", "viewers that left, by reason", "counter")
    for end in End:
        _add(ended, float(totals.ended.get(end.words, 0)), {"reason": end.words})
    yield ended
    if sample is None:
        return
    taken = _family("telemetry_stream_sample_timestamp_seconds", "when this sample was taken")
    _add(taken, sample.time_unix, {})
    yield taken
    failed = _family(
        "telemetry_stream_source_failed", "1 where a source could not be read: it has no series"
    )
    for name, source in sample.sources.items():
        _add(failed, float(source.state == "failed"), {"source": name})
    yield failed


def serve(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    *,
    stream: Stream,
    viewers: Viewers,
    refused_connections: int,
    refused_tokens: int,
) -> Iterable[bytes]:
    """Answer a scrape in the format that it asks for."""
    sample = stream.maybe_newest()
    registry = CollectorRegistry(auto_describe=False)
    shown = families(sample) if sample else ()
    own = own_families(sample, stream, viewers, refused_connections, refused_tokens)
    registry.register(_Collected([*shown, *own]))

    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        return start_response(status, [*headers, *JSON_HEADERS[1:]], *exc_info)

    # The library answers GET only; the body of HEAD is left out by the server.
    answer: Iterable[bytes] = make_wsgi_app(registry)({**environ, "REQUEST_METHOD": "GET"}, start)
    return answer


class _Collected(Collector):
    """Families that are there already, in the form that the library asks for."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _rows(group: Group, sections: Mapping[str, object]) -> list[tuple[dict[str, str], object]]:
    """The records of a group with their labels. Of two that look the same the first stays: Prometheus takes one."""
    name, _, part = group.path.replace("[]", "").partition(".")
    section: Any = sections.get(name)
    if section is None:
        return []
    if part == "*":
        (label,) = group.labels
        named = ((of.name, getattr(section, of.name)) for of in fields(section))
        return [({label: name}, record) for name, record in named if record]
    found = getattr(section, part, None) if part else section
    rows: dict[tuple[str, ...], object] = {}
    for record in found if isinstance(found, tuple) else (found,):
        if isinstance(record, group.record):
            values = (getattr(record, name) for name in group.labels.values())
            rows.setdefault(tuple("" if v is None else str(v) for v in values), record)
    return [(dict(zip(group.labels, key, strict=True)), record) for key, record in rows.items()]


def _family(name: str, text: str, kind: Kind = "gauge") -> Metric:
    unit = next((unit for unit in UNITS if name.endswith(f"_{unit}")), "")
    return Metric(name, text, kind, unit)


def _add(family: Metric, value: float, labels: dict[str, str]) -> None:
    family.add_sample(family.name + (TOTAL if family.type == "counter" else ""), labels, value)
