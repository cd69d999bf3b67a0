"""The messages of the overview: names when they change, and one row for each host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry_stream.fleet.alerts import Summary
from telemetry_stream.fleet.overview import (
    COLUMNS,
    GROUP,
    Entry,
    OverviewChoice,
    Row,
    Rows,
    Selected,
    hosts_message,
    overview_message,
    selected,
)
from tests.fleet.golden import messages
from tests.fleet.reports import vitals
from tests.stream.streaming import LINES


def row(
    number: int, cpu: float | None = 50.0, *, site: str = "", tags: tuple[str, ...] = ()
) -> Row:
    """Return the row of an invented host."""
    numbers = vitals(number, cpu=cpu)
    alerts = Summary(0, 1, 0, "/ is full")
    entry = Entry(number, f"host-{number}", f"name {number}", site, tags)
    return Row(entry, "live", None, 0, None, "run-1", numbers, alerts)


ROWS = (
    row(1, 10.0, site="east", tags=("db", "eu")),
    row(2, 90.0, site="west", tags=("db",)),
    row(3, None, tags=("eu",)),
    row(4, 50.0, site="east"),
)


def text_of(one: Row) -> bytes:
    """Return a row of the message."""
    return Rows([one]).text([one])


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        (Selected(), [1, 2, 3, 4]),
        (Selected(tags=("db",)), [1, 2]),
        (Selected(tags=("db", "eu")), [1]),
        (Selected(site="east"), [1, 4]),
        (Selected(site=""), [3]),
        (Selected(top=2), [2, 4]),
        (Selected(top=3), [1, 2, 4]),
        (Selected(top=9), [1, 2, 3, 4]),
        (Selected(top=1, by="memory"), [1]),
        (Selected(top=1, site="east"), [4]),
    ],
)
def test_a_selection_shows_its_hosts(choice: Selected, numbers: list[int]) -> None:
    """All of the tags, the site, and the highest values of a field. Unknown values come last."""
    assert [found.entry.number for found in selected(ROWS, choice)] == numbers


def test_the_overview_has_all_rows_of_the_selection() -> None:
    """Each with one value for each column."""
    message = json.loads(overview_message(7, 12.5, Rows(ROWS), Selected(site="east")))
    rows = message.pop("rows")
    assert message == {
        "type": "overview",
        "revision": 7,
        "time_unix": 12.5,
        "columns": list(COLUMNS),
    }
    assert [len(shown) for shown in rows] == [len(COLUMNS)] * 2
    first = dict(zip(COLUMNS, rows[0], strict=True))
    assert (first["cpu"], first["critical"], first["warning"]) == (10.0, 0, 1)
    assert first["alert"] == "/ is full"
    assert json.loads(overview_message(1, 0.0, Rows(), Selected()))["rows"] == []


def test_a_host_without_values_has_a_row() -> None:
    """With null in each column of values."""
    late = Row(Entry(5, "a", "a", "", ()), "late", None, None, None, None, None, Summary())
    shown: list[Any] = json.loads(text_of(late))
    assert shown == [5, "late", *[None] * (len(COLUMNS) - 2)]


def test_the_names_are_those_of_the_selection_without_its_top() -> None:
    """Which hosts are among the top ones changes each second."""
    message = json.loads(hosts_message(7, ROWS, Selected(tags=("db",), top=1)))
    assert message == {
        "type": "hosts",
        "revision": 7,
        "hosts": [
            {"number": 1, "id": "host-1", "name": "name 1", "site": "east", "tags": ["db", "eu"]},
            {"number": 2, "id": "host-2", "name": "name 2", "site": "west", "tags": ["db"]},
        ],
    }


def test_a_row_is_small() -> None:
    """A thousand hosts are sent each second."""
    assert len(text_of(ROWS[0])) < 110
    full = vitals(1)._replace(numbers=(12.5, 48.1, 3.0, 0.52, 1.5, 20.1, 71.0, 123456, 23456, 54.5))
    entry = Entry(1000, "a", "a", "", ())
    assert len(text_of(Row(entry, "live", None, 0, None, "run-1", full, Summary(0, 0, 0)))) < 101


def test_no_text_of_a_host_divides_a_row() -> None:
    """Rows are made at once, and taken apart at what stands between them."""
    odd = [
        row(number)._replace(alerts=Summary(0, 1, 0, text))
        for number, text in enumerate(("],[", '],{"":0},[', '{"":0}', ',{"":0},', "\\"), 1)
    ]
    message = json.loads(overview_message(1, 0.0, Rows(odd), Selected()))
    assert [shown[-1] for shown in message["rows"]] == [one.alerts.worst for one in odd]


def test_the_golden_messages_are_up_to_date() -> None:
    """The page is tested with them. After a change that is meant, scripts/update-golden writes them."""
    for path, text in messages().items():
        assert path.read_text() == text


def test_equal_choices_are_one_topic() -> None:
    """The hub finds all of them by their group, which is no host id."""
    first, second = (OverviewChoice(LINES, Selected(tags=("db",)), 2) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert (first.group, first.sections, first.every) == (GROUP, None, 2)
