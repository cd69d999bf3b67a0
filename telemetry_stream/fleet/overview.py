"""The overview: one row for each host, sent once per second to the viewers of ``/ws?hosts=*``.

Each message is made once for each choice of hosts, however many viewers there are, and each is the whole state: a
viewer that loses one has lost a second. Names and tags are in the message ``hosts``, which is sent when they change;
a row has the number of its host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..stream import Framing, to_json
from .alerts import Summary
from .record import State
from .remote import FIELDS, UNKNOWN_NUMBERS, Vitals

# The group of the topics of all overviews at the hub. No host id is equal to it.
GROUP = ("overview",)

COLUMNS = (
    "number", "state", "age_seconds", "skew_seconds", *FIELDS, "critical", "warning", "info", "alert",
)  # fmt: skip

# Between two rows, which have only numbers and texts. In a text, its quotes would be escaped.
SEPARATOR = {"": 0}


class Selected(NamedTuple):
    """Which hosts are shown: those of a site that have all of the tags, and of these the ``top`` ones by a field."""

    tags: tuple[str, ...] = ()
    site: str | None = None
    top: int | None = None
    by: str = FIELDS[0]


class OverviewChoice(NamedTuple):
    """What a viewer of the overview selects. It is the topic of its client. ``every`` is in seconds."""

    framing: Framing
    selection: Selected
    every: int = 1

    @property
    def group(self) -> tuple[str]:
        """The group of all overviews: the hub finds them by it."""
        return GROUP

    @property
    def sections(self) -> None:
        """No sections: an overview has none. (For the report of viewers.)"""
        return


class Entry(NamedTuple):
    """One host in the message ``hosts``."""

    number: int
    id: str
    name: str
    site: str
    tags: tuple[str, ...]


class Row(NamedTuple):
    """One host as the overview shows it."""

    entry: Entry  # the same object as long as nothing in it changes
    state: State
    reason: str | None
    age_seconds: float | None  # of the values; None: there have been none
    skew_seconds: float | None
    stream: str | None
    vitals: Vitals | None
    alerts: Summary

    def values(self) -> tuple[object, ...]:
        """Return the row in the message ``overview``."""
        numbers = UNKNOWN_NUMBERS if self.vitals is None else self.vitals.numbers
        shown = self.entry.number, self.state, self.age_seconds, self.skew_seconds
        return shown + numbers + self.alerts

    def report(self) -> dict[str, Any]:
        """Return the entry in ``/api/v1/hosts``."""
        vitals = self.vitals
        return {
            **self.entry._asdict(),
            "state": self.state,
            "reason": self.reason,
            "age_seconds": self.age_seconds,
            "skew_seconds": self.skew_seconds,
            "stream": self.stream,
            "seq": vitals.seq if vitals else 0,
            "vitals": dict(zip(FIELDS, vitals.numbers, strict=True)) if vitals else None,
            "alerts": self._alerts(),
        }

    def _alerts(self) -> dict[str, Any] | None:
        critical, warning, info, worst = self.alerts
        if critical is None:
            return None
        return {"critical": critical, "warning": warning, "info": info, "alert": worst}


class Rows:
    """The rows of one tick, and their texts.

    The texts are made when a message needs them, and all at once: one by one, each takes three times as long.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows = tuple(rows)
        self._texts: dict[int, bytes] | None = None  # by the number of the host

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def text(self, rows: Iterable[Row]) -> bytes:
        """Return the texts of some of the rows, with commas between them."""
        texts = self._texts
        if texts is None:
            found = [value for row in self._rows for value in (row.values(), SEPARATOR)]
            pieces = to_json(found[:-1])[1:-1].split(b',{"":0},')
            numbers = [row.entry.number for row in self._rows]
            self._texts = texts = dict(zip(numbers, pieces, strict=False))
        return b",".join([texts[row.entry.number] for row in rows])


def selected(rows: Iterable[Row], selection: Selected) -> list[Row]:
    """Return the rows that a selection shows, in the order in which they are."""
    tags = frozenset(selection.tags)
    found = [
        row
        for row in rows
        if tags.issubset(row.entry.tags) and selection.site in (None, row.entry.site)
    ]
    if selection.top is None or len(found) <= selection.top:
        return found
    column = FIELDS.index(selection.by)

    def order(row: Row) -> tuple[float, int]:
        value = row.vitals.numbers[column] if row.vitals else None
        return (float("inf") if value is None else -value, row.entry.number)

    highest = sorted(found, key=order)[: selection.top]
    return sorted(highest, key=lambda row: row.entry.number)


def hosts_message(revision: int, rows: Iterable[Row], selection: Selected) -> bytes:
    """Return the message ``hosts``: all hosts of the selection, whether they are among the top ones or not."""
    shown = selected(rows, selection._replace(top=None))
    entries = [row.entry._asdict() for row in shown]
    return to_json({"type": "hosts", "revision": revision, "hosts": entries})


def overview_message(revision: int, time_unix: float, rows: Rows, selection: Selected) -> bytes:
    """Return the message ``overview``."""
    head = to_json(
        {"type": "overview", "revision": revision, "time_unix": time_unix, "columns": COLUMNS}
    )
    return head[:-1] + b',"rows":[' + rows.text(selected(rows, selection)) + b"]}"
