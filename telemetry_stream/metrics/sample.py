"""A sample: every section of one tick, how each came about, and its JSON there and back.

Sections are frozen records whose fields are the wire's names (sources/__init__.py lists them), or a dict from an
embedding program's own source. Numbers were rounded where they were computed; here they are only written. The stream
puts the frame together: it alone knows ``seq``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .sources import RECORDS

State = Literal["ok", "absent", "failed", "stale", "psutil"]


@dataclass(slots=True)
class SourceState:
    """How a section came about: read, not on this host, failed, too old, or answered by psutil."""

    state: State
    took_seconds: float
    reason: str | None = None  # why it failed, or why psutil had to answer
    age_seconds: float | None = None  # of a stale one


@dataclass(slots=True)
class Sample:
    """One tick. ``interval_seconds`` is measured, None for the first; absent and failed sections are left out."""

    host: str
    time_unix: float
    uptime_seconds: float | None
    interval_seconds: float | None
    sections: Mapping[str, object]
    sources: Mapping[str, SourceState]


# Names that a section cannot have: a frame uses them itself.
RESERVED = frozenset(
    {"type", "stream", "host", "seq", "time_unix", "uptime_seconds", "interval_seconds", "sources"}
)


@functools.cache
def _reader(kind: type) -> Callable[[Any], Mapping[str, object]]:
    """How to see an object of this type as JSON's, worked out once: most of a frame's cost is here."""
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


def _plain(value: Any) -> object:
    kind: type = type(value)
    return _reader(kind)(value)


_encoder = json.JSONEncoder(
    default=_plain, separators=(",", ":"), allow_nan=False, ensure_ascii=False, check_circular=False
)


def encode_section(section: object) -> str:
    """Compact JSON of one section, or of ``sample.sources``. ValueError or TypeError for what JSON cannot say."""
    return _encoder.encode(section)


def decode_sample(text: str | bytes) -> Sample:
    """The sample that a sample message, or one of a history, describes. ValueError where it does not make one.

    Known sections become their records (fields that this version does not know are ignored), others stay as they are.
    """
    message = json.loads(text)
    try:
        return sample_of(message)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a sample: {error!r}") from error


def sample_of(message: Mapping[str, Any]) -> Sample:
    """As decode_sample, for JSON that is already parsed."""
    sections: dict[str, object] = {}
    for name, value in message.items():
        if name in RESERVED:
            continue
        record = RECORDS.get(name)
        sections[name] = value if record is None else _build(record, value)
    return Sample(
        host=message["host"],
        time_unix=message["time_unix"],
        uptime_seconds=message["uptime_seconds"],
        interval_seconds=message["interval_seconds"],
        sections=sections,
        sources={name: _build(SourceState, value) for name, value in message["sources"].items()},
    )


@functools.cache
def _type_hints(record: Any) -> dict[str, Any]:
    return typing.get_type_hints(record)


def _build(kind: Any, value: Any) -> Any:
    """``value`` as the annotated type ``kind``: a record, a tuple of them, either or None; anything else as it is."""
    if value is None:
        return None
    if dataclasses.is_dataclass(kind):
        record: Any = kind
        hints = _type_hints(record)
        return record(**{name: _build(hints[name], value[name]) for name in hints if name in value})
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _build(next(arm for arm in typing.get_args(kind) if arm is not type(None)), value)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in value)
    return value
