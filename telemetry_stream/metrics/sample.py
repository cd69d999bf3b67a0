"""A sample: the sections of one tick, the state of each source, and their JSON.

A section is a record whose field names are those of the wire, a tuple of such records, or what an embedding program's
source returned. Numbers were rounded when they were computed. The stream makes the message, because it gives the
number ``seq``. Of a long list, messages have only some rows.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

T = TypeVar("T")

State = Literal["ok", "absent", "failed", "stale", "psutil"]


@dataclass(slots=True)
class SourceState:
    """The outcome of one source: read, not on this host, failed, stale, or answered by psutil."""

    state: State
    took_seconds: float
    reason: str | None = None  # why it failed, or why psutil had to answer
    age_seconds: float | None = None  # of a stale section


class LongList(tuple[T, ...]):  # noqa: SLOT001 (a tuple with an attribute cannot have slots)
    """All rows of a section, of which messages have only those in ``shown``.

    Alerts and Prometheus need all: a row that is missing there is one that this host does not have any more.
    """

    shown: tuple[T, ...]

    def __new__(cls, rows: Iterable[T], shown: Iterable[T]) -> LongList[T]:
        made = super().__new__(cls, rows)
        made.shown = tuple(shown)
        return made


@dataclass(slots=True)
class Sample:
    """One tick. ``interval_seconds`` is measured, and None in the first sample. Absent and failed sections are
    missing.
    """

    host: str
    time_unix: float
    uptime_seconds: float | None
    interval_seconds: float | None
    sections: Mapping[str, object]
    sources: Mapping[str, SourceState]
    # The sections that only a viewer that names them gets, and that are not remembered.
    on_demand: frozenset[str] = frozenset()


# The other names in a sample message. A section cannot have them.
RESERVED = frozenset(
    {"type", "stream", "host", "seq", "time_unix", "uptime_seconds", "interval_seconds", "sources"}
)
MAX_NAME_CHARACTERS = 64


def is_source_name(name: str) -> bool:
    """Whether a source, and so a section, may have this name. Front ends accept no other names."""
    return 0 < len(name) <= MAX_NAME_CHARACTERS and name.isprintable() and "," not in name


@functools.cache
def _reader(kind: type) -> Callable[[Any], Mapping[str, object]]:
    """Return the function that turns an object of this type into a mapping.

    It is made once per type: most of the cost of a frame is here. Raises TypeError for a type that has no JSON form.
    """
    if issubclass(kind, Mapping):
        return dict
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} has no JSON form")
    names = tuple(field.name for field in dataclasses.fields(kind))
    if len(names) == 1:
        (name,) = names
        return lambda record: {name: getattr(record, name)}
    read = operator.attrgetter(*names)
    return lambda record: dict(zip(names, read(record), strict=True))


def _mapping_of(value: Any) -> object:
    kind: type = type(value)
    return _reader(kind)(value)


_encoder = json.JSONEncoder(
    default=_mapping_of,
    separators=(",", ":"),
    allow_nan=False,
    ensure_ascii=False,
    check_circular=False,
)


def encode_section(section: object) -> str:
    """Return a section, or the ``sources`` of a sample, as compact JSON; of a LongList, the rows that are shown.

    Raises ValueError or TypeError for values that JSON cannot represent.
    """
    return _encoder.encode(section.shown if isinstance(section, LongList) else section)
