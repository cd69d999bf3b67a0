"""The overview: one row for each host, sent once per second to the viewers of ``/ws?hosts=*``.

Each message is made once for each choice of hosts, however many viewers there are, and each is the whole state: a
viewer that loses one has lost a second. Names and tags are in the message ``hosts``, which is sent when they change;
a row has the number of its host.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..stream import Framing, to_json
from .alerts import Summary
from .record import State
from .remote import FIELDS, Vitals

# The group of the topics of all overviews at the hub. No host id is equal to it.
GROUP = ("overview",)

COLUMNS = (
    "number", "state", "age_seconds", "skew_seconds", *FIELDS, "critical", "warning", "info", "alert",
)  # fmt: skip


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


class Row(NamedTuple):
    """One host as the overview shows it."""

    number: int  # of the host in the message ``hosts``
    id: str
    name: str
    site: str
    tags: tuple[str, ...]
    state: State
    reason: str | None
    age_seconds: float | None  # of the values; None: there have been none
    skew_seconds: float | None
    stream: str | None
    vitals: Vitals | None
    alerts: Summary
    text: bytes  # the row in the message ``overview``

    def names(self) -> dict[str, Any]:
        """Return the entry in the message ``hosts``."""
        return {
            "number": self.number,
            "id": self.id,
            "name": self.name,
            "site": self.site,
            "tags": self.tags,
        }

    def report(self) -> dict[str, Any]:
        """Return the entry in ``/api/v1/hosts``."""
        vitals = self.vitals
        return {
            **self.names(),
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


def row_text(
    number: int,
    state: State,
    age_seconds: float | None,
    skew_seconds: float | None,
    vitals: Vitals | None,
    alerts: Summary,
) -> bytes:
    """Return a row of the message ``overview``."""
    numbers = vitals.numbers if vitals else (None,) * len(FIELDS)
    return to_json((number, state, age_seconds, skew_seconds, *numbers, *alerts))


def selected(rows: Iterable[Row], selection: Selected) -> list[Row]:
    """Return the rows that a selection shows, in the order in which they are."""
    tags = frozenset(selection.tags)
    found = [row for row in rows if tags.issubset(row.tags) and selection.site in (None, row.site)]
    if selection.top is None or len(found) <= selection.top:
        return found
    column = FIELDS.index(selection.by)

    def order(row: Row) -> tuple[float, int]:
        value = row.vitals.numbers[column] if row.vitals else None
        return (float("inf") if value is None else -value, row.number)

    highest = sorted(found, key=order)[: selection.top]
    return sorted(highest, key=lambda row: row.number)


def hosts_message(revision: int, rows: Sequence[Row], selection: Selected) -> bytes:
    """Return the message ``hosts``: all hosts of the selection, whether they are among the top ones or not."""
    shown = selected(rows, selection._replace(top=None))
    return to_json({"type": "hosts", "revision": revision, "hosts": [row.names() for row in shown]})


def overview_message(
    revision: int, time_unix: float, rows: Sequence[Row], selection: Selected
) -> bytes:
    """Return the message ``overview``."""
    head = to_json(
        {"type": "overview", "revision": revision, "time_unix": time_unix, "columns": COLUMNS}
    )
    texts = b",".join([row.text for row in selected(rows, selection)])
    return head[:-1] + b',"rows":[' + texts + b"]}"
