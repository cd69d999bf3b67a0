"""The golden messages of the overview, in tests/fixtures/frames, which the tests of the page read too.

``scripts/update-golden`` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path

from telemetry_stream.fleet.alerts import UNKNOWN, Summary
from telemetry_stream.fleet.overview import (
    Entry,
    Row,
    Rows,
    Selected,
    hosts_message,
    overview_message,
)
from telemetry_stream.fleet.record import State
from telemetry_stream.fleet.remote import Vitals
from telemetry_stream.stream import to_json

FOLDER = Path(__file__).parent.parent / "fixtures/frames"
REVISION = 3
TIME_UNIX = 1_764_000_042.125


def _row(
    number: int,
    name: str,
    state: State,
    *,
    site: str = "",
    tags: tuple[str, ...] = (),
    reason: str | None = None,
    age_seconds: float | None = 0,
    skew_seconds: float | None = None,
    vitals: Vitals | None = None,
    alerts: Summary = UNKNOWN.summary,
) -> Row:
    host_id = f"{number:016x}" if vitals else name
    stream = vitals.stream if vitals else None
    return Row(
        Entry(number, host_id, name, site, tags),
        state,
        reason,
        age_seconds,
        skew_seconds,
        stream,
        vitals,
        alerts,
    )


def _vitals(number: int, *numbers: float | None) -> Vitals:
    return Vitals(f"{number:032x}", 40 + number, TIME_UNIX, numbers)


ROWS = (
    _row(
        1,
        "ada",
        "live",
        site="east",
        tags=("db", "eu"),
        vitals=_vitals(1, 29.4, 72.2, 0.0, 0.41, 1.5, 12.0, 71.4, 181_250, 20_312, 54.5),
        alerts=Summary(0, 0, 0),
    ),
    _row(
        2,
        "bell",
        "live",
        site="west",
        skew_seconds=-61.5,
        vitals=_vitals(2, 97.1, 48.0, None, 2.13, 22.5, 88.7, 93.2, 12_500_000, 940_000, None),
        alerts=Summary(0, 2, 1, "<b>/srv</b> is 93.2 % full, 12 GiB are left"),
    ),
    _row(
        3,
        "<b>cray</b>\\u202e",
        "lost",
        site="east",
        reason="No answer",
        age_seconds=71,
        vitals=_vitals(3, 3.0, 21.5, 0.0, 0.02, 0.0, 0.4, 35.0, 812, 640, 41.0),
    ),
    _row(
        4,
        "dijkstra",
        "gone",
        age_seconds=9,
        vitals=_vitals(4, 12.5, 33.0, None, 0.1, 0.0, 0.0, 40.1, 0, 0, None),
    ),
    _row(5, "web5:8750", "unreachable", reason="The name cannot be resolved", age_seconds=None),
    _row(
        6,
        "web6:8750",
        "duplicate",
        reason="This host is watched already, as web1:8750",
        age_seconds=None,
    ),
)


def messages() -> dict[Path, str]:
    """Return the text of each file."""
    report = {
        "revision": REVISION,
        "hosts": [row.report() for row in ROWS],
        "version": "0.1.0",
        "user": "kitchen",
    }
    texts = {
        "hosts.json": hosts_message(REVISION, ROWS, Selected()),
        "overview.json": overview_message(REVISION, TIME_UNIX, Rows(ROWS), Selected()),
        "api-hosts.json": to_json(report),
    }
    return {
        FOLDER / name: json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
        for name, text in texts.items()
    }
