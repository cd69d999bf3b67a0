"""Metric families, and their text: the Prometheus text format 0.0.4 and OpenMetrics 1.0.

    # HELP node_disk_io_now The number of I/Os currently in progress.
    # TYPE node_disk_io_now gauge
    node_disk_io_now{device="sda"} 0

The formats: https://prometheus.io/docs/instrumenting/exposition_formats and https://prometheus.io/docs/specs/om. In
OpenMetrics, the family of a counter has no ``_total``, "untyped" is "unknown", a family may have a unit, and the text
ends in ``# EOF``.

A page has over a thousand series, and prometheus_client takes 20 ms for them, so the text is made here (see
docs/decisions.md). The labels of a row are made once, as text, for all families that the row is in.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "untyped"]

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

OPENMETRICS_KINDS: Mapping[Kind, str] = {
    "gauge": "gauge",
    "counter": "counter",
    "untyped": "unknown",
}
TOTAL = "_total"  # the ending of a counter's series
UNITS = frozenset({"bytes", "celsius", "ratio", "seconds", "hertz", "volts", "joules"})
# A comparison with it holds for whole numbers of any size, and fails for nan.
MOST = sys.float_info.max
ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(slots=True)
class Family:
    """All series of one name. Each row is the text of its labels (see ``labels``) and the value.

    None and numbers that no float can hold have no series.
    """

    name: str  # of the series; that of a counter ends in _total
    kind: Kind
    text: str
    rows: Sequence[tuple[str, float | None]]

    def lines(self, *, is_openmetrics: bool) -> list[str]:
        """Return the text, in parts; nothing if there is no series."""
        name = self.name
        rows = [
            f"{name}{of} {value + 0}\n"  # True is 1
            for of, value in self.rows
            if value is not None and -MOST <= value <= MOST
        ]
        if rows:
            rows.insert(0, head(name, self.kind, self.text, is_openmetrics=is_openmetrics))
        return rows


@dataclass(slots=True)
class Fields:
    """The fields of one file of the kernel: a family with one series for each, of the same kind (no counters).

    Two thirds of a page are such families. Making a Family of each would take twice as long.
    """

    prefix: str  # of the names
    kind: Kind
    text: str  # of the help, before the name
    rows: Sequence[tuple[str, int]]  # the kernel's names and numbers

    def lines(self, *, is_openmetrics: bool) -> list[str]:
        """Return the text, in parts."""
        kind = OPENMETRICS_KINDS[self.kind] if is_openmetrics else self.kind
        names = tuple([name for name, _ in self.rows])
        return [template(self.prefix, kind, self.text, names) % tuple([n for _, n in self.rows])]


# More names than a page of a large host has: their heads are a third of the text, and the same at each scrape.
@functools.lru_cache(maxsize=2048)
def head(name: str, kind: Kind, text: str, *, is_openmetrics: bool) -> str:
    """Return the lines before the series of a family."""
    if not is_openmetrics:
        if "\\" in text or "\n" in text:
            text = text.translate(HELP_ESCAPES)
        return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
    if kind == "counter":
        name = name.removesuffix(TOTAL)
    if "\\" in text or "\n" in text or '"' in text:
        text = text.translate(ESCAPES)
    unit = name.rpartition("_")[2]
    unit_line = f"# UNIT {name} {unit}\n" if unit in UNITS else ""
    return f"# HELP {name} {text}\n# TYPE {name} {OPENMETRICS_KINDS[kind]}\n{unit_line}"


# Three files in two formats. Their names hardly change.
@functools.lru_cache(maxsize=8)
def template(prefix: str, kind: str, text: str, names: tuple[str, ...]) -> str:
    """Return the text of these fields with ``%d`` for each number. No name contains a percent sign."""
    return "".join(
        f"# HELP {prefix}{name} {text} {name}.\n# TYPE {prefix}{name} {kind}\n{prefix}{name} %d\n"
        for name in names
    )


class Column(NamedTuple):
    """One number of each row of a table: the family that it becomes, and the factor to the base unit."""

    name: str
    kind: Kind
    text: str
    factor: float = 1.0


def labels(pairs: Mapping[str, str]) -> str:
    """Return labels as text, ``{device="sda"}``.

    Label values are UTF-8. Surrogates, which stand for other bytes of a name, become ``?``.
    """
    if not pairs:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs.items()) + "}"


def _escaped(value: str) -> str:
    if value.isalnum() and value.isascii():
        return value
    return value.encode(errors="replace").decode().translate(ESCAPES)


def single(name: str, kind: Kind, text: str, value: float | None) -> Family:
    """Return a family with one series without labels."""
    return Family(name, kind, text, [("", value)])


def table(
    columns: Sequence[Column | None], rows: Sequence[tuple[str, Sequence[float | None]]]
) -> Iterator[Family]:
    """Yield a family for each column of a table. A row has labels and its numbers, which may be fewer than the columns.

    Numbers whose column is None have no family.
    """
    for place, column in enumerate(columns):
        if column is not None:
            name, kind, text, factor = column
            found = [
                (of, scaled(numbers[place], factor)) for of, numbers in rows if place < len(numbers)
            ]
            yield Family(name, kind, text, found)


def scaled(value: float | None, factor: float) -> float | None:
    """Return a number in base units.

    Nine decimals are enough for a nanosecond. Further digits are rounding errors of the factor.
    """
    if value is None or factor == 1.0:
        return value
    try:
        return round(value * factor, 9)
    except OverflowError:
        return None


def render(families: Iterable[Family | Fields], content_type: str) -> bytes:
    """Return the text of a page. A family without a series is left out."""
    is_openmetrics = content_type == OPENMETRICS
    lines: list[str] = []
    for family in families:
        lines += family.lines(is_openmetrics=is_openmetrics)
    if is_openmetrics:
        lines.append("# EOF\n")
    return "".join(lines).encode()


def content_type_for(accept: str) -> str:
    """Return the format for this Accept header (RFC 9110 section 12.5.1): OpenMetrics 1.0 if a client names it.

    Prometheus prefers OpenMetrics, and asks for the text format with a lower weight. A client that does not accept
    either gets the text format, as from other exporters.
    """
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        if media_type == "application/openmetrics-text":
            given = dict(part.partition("=")[::2] for part in parameters)
            if given.get("version", "1.0.0") == "1.0.0" and not _is_refused(given.get("q", "1")):
                return OPENMETRICS
    return PLAIN


def _is_refused(weight: str) -> bool:
    return not weight.strip("0.")
