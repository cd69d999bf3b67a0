"""The declarations of the sources, evaluated: the basis of docs/metrics.md, of the Prometheus page and of the web
page's decoders.

A *group* is a record of the wire. Its path is where the record stands: ``cpu``, ``cpu.cores[]`` (each item of a list),
``pressure.*`` (each field). Importing this module evaluates all annotations, and raises DeclarationError for a field
whose declaration is incomplete. The collector does not import it.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal

from .section import Field, OffPage, Part, Section
from .sources import SECTIONS

Kind = Literal["gauge", "counter"]
Type = Literal["number", "true or false", "text", "object", "list"]

TYPES: Mapping[Any, Type] = {int: "number", float: "number", bool: "true or false", str: "text"}
# The end of a name that has its unit in it.
UNIT_IN_NAME = re.compile(
    r"(^|_)(bytes_per_second|per_second|bytes|percent_of_host|percent|seconds|ms|us|celsius|cores|watts|volts|mhz)$"
)
# Prometheus has base units: the end of a field's name, what it becomes, the factor, and the kind.
BASE_UNITS: tuple[tuple[str, str, float, Kind], ...] = (
    ("_percent_of_host", "_of_host_ratio", 0.01, "gauge"),
    ("_percent", "_ratio", 0.01, "gauge"),
    ("_total_us", "_seconds_total", 1e-6, "counter"),
    ("_ms", "_seconds", 1e-3, "gauge"),
    ("_mbps", "_bytes_per_second", 125_000.0, "gauge"),
    ("_mhz", "_hertz", 1e6, "gauge"),
    ("_unix", "_timestamp_seconds", 1.0, "gauge"),
)
OFF_PAGE = typing.get_args(OffPage)[1]


class DeclarationError(Exception):
    """A field whose declaration is incomplete: its path, and what is missing."""


@dataclass(frozen=True, slots=True)
class Series:
    """A field on the Prometheus page: the name of its series, the factor to the base unit, and a label of its own."""

    name: str
    kind: Kind = "gauge"
    factor: float = 1.0
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """One field of a group."""

    name: str
    text: str
    title: str
    type: Type
    unit: str  # empty if the name has it
    is_nullable: bool
    is_identity: bool
    is_on_page: bool
    label: str  # on the Prometheus page, of an identity field; else empty
    series: Series | None
    group: Group | None  # of the record or the records that it holds


@dataclass(frozen=True, slots=True)
class Group:
    """One record of the wire: where it is, its declaration, and its fields in order."""

    path: str
    record: type
    part: Part
    files: str
    fields: tuple[Definition, ...]

    @property
    def is_list(self) -> bool:
        """Whether there is a list of these records."""
        return self.path.endswith("[]")

    @property
    def name_label(self) -> str:
        """The Prometheus label whose values are the names behind ``*`` in the path, else empty."""
        return self.part.label if self.path.endswith("*") else ""

    @property
    def enumerates(self) -> str:
        """The Prometheus label whose values are the names of the fields, else empty."""
        is_plain = all(field.group is None for field in self.fields)
        return self.part.label if is_plain and not self.name_label else ""

    @property
    def labels(self) -> Mapping[str, str]:
        """The Prometheus labels that tell the rows of a list apart, each with the name of its field."""
        return {field.label: field.name for field in self.fields if field.label}


def group_of(section: Section) -> Group:
    """Return the group of a section. Raises DeclarationError."""
    record, is_list = _record_in(section.record)
    if record is None:
        raise DeclarationError(f"{section.name} has no record")
    return _group(section.name + "[]" * is_list, record, section, section.files)


def flattened(group: Group) -> Iterator[Group]:
    """Yield a group and the groups in it, each once."""
    yield group
    inner = {field.group.path: field.group for field in group.fields if field.group is not None}
    for part in inner.values():
        yield from flattened(part)


def _group(path: str, record: type, part: Part, files: str) -> Group:
    hints = typing.get_type_hints(record, include_extras=True)
    files = part.files or files
    fields = tuple(
        _definition(path, field.name, hints[field.name], part, files)
        for field in dataclasses.fields(record)
    )
    return Group(path, record, part, files, fields)


def _definition(path: str, name: str, hint: Any, part: Part, files: str) -> Definition:
    """Return the definition of one field, whose annotation is ``hint``. ``part`` describes its group."""
    where = f"{path}.{name}"
    kind, *metadata = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    described = next((item for item in metadata if isinstance(item, str | Field | Part)), None)
    if described is None:
        raise DeclarationError(f"{where} has no description")
    field = Field(described) if isinstance(described, str) else described
    arms = typing.get_args(kind) if NoneType in typing.get_args(kind) else (kind,)
    (kind,) = (arm for arm in arms if arm is not NoneType)
    record, is_list = _record_in(kind)
    is_identity = isinstance(field, Field) and field.is_identity
    group = series = None
    label = ""
    if record is not None and isinstance(field, Part):
        group = _group(where + "[]" * is_list, record, field, files)
    elif record is not None:
        group = _group(f"{path}.*", record, part, files)
    elif isinstance(field, Part):
        raise DeclarationError(f"{where} has no record")
    elif field.is_identity:
        label = (field.prometheus or name) if part.prometheus else ""
    else:
        series = _maybe_series(path, name, kind, field, part)
    return Definition(
        name=name,
        text=field.text,
        title=field.title or UNIT_IN_NAME.sub("", name).replace("_", " "),
        type="list" if is_list else TYPES.get(kind, "object"),
        unit=_unit(path, name, field, part) if kind in (int, float) else "",
        is_nullable=len(arms) > 1,
        is_identity=is_identity,
        is_on_page=OFF_PAGE not in metadata,
        label=label,
        series=series,
        group=group,
    )


def _record_in(kind: Any) -> tuple[type | None, bool]:
    """Return the record of ``Record`` or ``tuple[Record, ...]`` (None: there is none), and whether it is a list."""
    is_list = typing.get_origin(kind) is tuple
    inner: type = typing.get_args(kind)[0] if is_list else kind
    return inner if dataclasses.is_dataclass(inner) else None, is_list


def _unit(path: str, name: str, field: Field | Part, part: Part) -> str:
    """Return the unit of a number, or an empty string if its name has it. Raises DeclarationError if it has none."""
    if UNIT_IN_NAME.search(name):
        return ""
    unit = field.unit or part.unit
    if not unit:
        raise DeclarationError(f"{path}.{name} has no unit")
    return unit


def _maybe_series(path: str, name: str, kind: Any, field: Field, part: Part) -> Series | None:
    """Return the series of a field. A text has none, and neither has a group that is not on the Prometheus page."""
    if not part.prometheus or kind is str:
        return None
    if part.label and not path.endswith("*"):
        return Series(part.prometheus)
    if field.prometheus:
        kind_of_series: Kind = "counter" if field.is_counter else "gauge"
        return Series(field.prometheus, kind_of_series, label=field.label)
    full_name = f"{part.prometheus}_{name}"
    if field.is_counter:
        return Series(f"{full_name}_total", "counter")
    for ending, base, factor, series_kind in BASE_UNITS:
        if full_name.endswith(ending):
            return Series(full_name.removesuffix(ending) + base, series_kind, factor)
    return Series(full_name)


# The groups of the sections, and all groups, both in the order of the wire.
SECTION_GROUPS: tuple[Group, ...] = tuple(map(group_of, SECTIONS))
GROUPS: tuple[Group, ...] = tuple(group for root in SECTION_GROUPS for group in flattened(root))
