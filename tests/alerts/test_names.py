"""Names are those of the declarations, and an unknown one is answered with those that exist."""

from __future__ import annotations

import pytest

from telemetry_stream.alerts.logic import Rows
from telemetry_stream.alerts.names import LISTS, ExpressionError, find_field, find_list, unit_of
from telemetry_stream.metrics.sources.pressure import Pressure, Stalls
from tests.alerts.samples import cpu, filesystem, memory, record


def test_fields_are_read_wherever_they_are() -> None:
    """In a section, in a record of a section, and in the row of a list."""
    stalls = record(Stalls, some_percent=7.5)
    rows = Rows({"memory": memory(72.5), "pressure": record(Pressure, io=stalls)})
    rows.row1 = filesystem("/", 91.0)
    group, _ = find_list(["filesystems"], ())
    for path, expected in (
        ("memory.used_percent", 72.5),
        ("pressure.io.some_percent", 7.5),
        ("used_percent", 91.0),
    ):
        _, read = find_field(path.split("."), [group])
        assert read(rows) == expected


def test_whatever_is_missing_is_unknown() -> None:
    """A section, a record that is null, and a field that is null."""
    rows = Rows({"pressure": record(Pressure), "memory": memory(None)})
    for path in ("load.avg1", "pressure.io.some_percent", "memory.used_percent"):
        assert find_field(path.split("."), ())[1](rows) is None
    assert find_list(["filesystems"], ())[1](rows) is None
    assert find_list(["cpu", "cores"], ())[1](rows) is None


def test_lists_are_read() -> None:
    """A section that is a list, and a list in a section."""
    section = cpu(1.0, 2.0)
    _, read = find_list(["cpu", "cores"], ())
    assert read(Rows({"cpu": section})) == section.cores
    assert {"filesystems", "disks", "interfaces", "temperatures", "cpu.cores"} <= set(LISTS)


def test_a_row_hides_a_section_of_the_same_name() -> None:
    """In a rule over temperatures, ``label`` is the field; a section is found if the row has no such field."""
    group, _ = find_list(["temperatures"], ())
    field, _ = find_field(["celsius"], [group])
    assert unit_of(field) == "celsius"
    assert find_field(["load", "avg1"], [group])[0].name == "avg1"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("memory.usd", "memory has no field 'usd'; its fields: total_bytes,"),
        ("nothing.at.all", "'nothing.at.all' is unknown (sections: cpu,"),
        ("memory", "memory is a group of fields; its fields: total_bytes,"),
        ("filesystems", "filesystems is a list (use any, all, count or each); its fields: mount"),
        ("filesystems.used_percent", "filesystems is a list (use any, all, count or each)"),
        ("cpu.cores.id", "cpu.cores is a list"),
        ("memory.used_percent.more", "memory.used_percent is a number without fields"),
        ("pressure.io", "pressure.io is a group of fields; its fields: some_avg10_percent,"),
    ],
)
def test_an_unknown_field_is_an_error_with_what_exists(path: str, reason: str) -> None:
    """One sentence."""
    with pytest.raises(ExpressionError) as caught:
        find_field(path.split("."), ())
    assert str(caught.value).startswith(reason)


def test_a_list_must_be_a_list() -> None:
    """With the lists that exist."""
    with pytest.raises(ExpressionError, match=r"memory is not a list \(lists: .*cpu.cores, disks,"):
        find_list(["memory"], ())
