"""The newest sample as metric families.

Names, kinds, help texts and factors come from the declarations of the sources. null has no series. No label is a pid or
an address of a peer, so the number of series does not grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..metrics.definitions import GROUPS, Definition, Group, Series
from ..metrics.sample import Sample
from .exposition import Family, labels, scaled


@dataclass(frozen=True, slots=True)
class FieldSeries:
    """One field of a group: the series that it becomes."""

    field: str
    series: Series
    help: str
    labels: Mapping[str, str]  # in addition to those of the row
    text: str  # of these labels alone


def _field_series(group: Group, field: Definition, series: Series) -> FieldSeries:
    if group.enumerates:
        # The family has one help text. docs/metrics.md describes each value of the label.
        text = f"{group.part.text.rstrip('.')} ({group.path})"
        return _made(field, series, text, {group.enumerates: field.name})
    scale = f" × {series.factor:g}" if series.factor != 1.0 else ""
    text = f"{field.text.rstrip('.')} ({group.path}.{field.name}{scale})"
    return _made(field, series, text, dict([series.label] if series.label else ()))


def _made(field: Definition, series: Series, text: str, own: Mapping[str, str]) -> FieldSeries:
    return FieldSeries(field.name, series, text, own, labels(own))


# Each group, the fields of its labels, and the series of its other fields.
TABLE: tuple[tuple[Group, Mapping[str, str], tuple[FieldSeries, ...]], ...] = tuple(
    (group, group.labels, of_fields)
    for group in GROUPS
    if (
        of_fields := tuple(
            _field_series(group, field, field.series) for field in group.fields if field.series
        )
    )
)


def families(sample: Sample) -> Iterator[Family]:
    """Yield the families of a sample's built-in sections. Those of an embedding program have no names here."""
    for group, names, of_fields in TABLE:
        rows = [(of, labels(of), record) for of, record in _rows(group, names, sample.sections)]
        if not rows:
            continue
        found: dict[str, Family] = {}
        for one in of_fields:
            series = one.series
            values = [
                (
                    (labels({**of, **one.labels}) if of else one.text) if one.labels else text,
                    scaled(getattr(record, one.field), series.factor),
                )
                for of, text, record in rows
            ]
            known = found.get(series.name)
            if known is None:
                found[series.name] = Family(series.name, series.kind, one.help, values)
            else:
                known.rows = [*known.rows, *values]
        yield from found.values()


def _rows(
    group: Group, label_fields: Mapping[str, str], sections: Mapping[str, object]
) -> list[tuple[dict[str, str], object]]:
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
            values = (getattr(record, name) for name in label_fields.values())
            rows.setdefault(tuple(map(_label, values)), record)
    return [(dict(zip(label_fields, key, strict=True)), record) for key, record in rows.items()]


def _label(value: object) -> str:
    """Return the value of a label, which is UTF-8. Names that are equal after the replacement are one row."""
    return "" if value is None else str(value).encode(errors="replace").decode()
