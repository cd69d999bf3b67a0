"""The record of one container: what cannot be true is null."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from telemetry_stream.metrics.sources.container_files import Cpu, Details, Group, Traffic
from telemetry_stream.metrics.sources.container_path import Identity
from telemetry_stream.metrics.sources.container_record import Described, Row, container, speeds

IDENTITY = Identity("docker", "3f2ab1c05d6e" + "0" * 52, None, None, None)


def new_row() -> Row:
    """A container that was not read so far."""
    return Row(IDENTITY, Mock(spec=Group))


@pytest.mark.parametrize(
    ("used_us", "percent"), [(500_000, 50.0), (0, 0.0), (-1, None), (60_000_000, None)]
)
def test_cpu_time_rises_by_at_most_that_of_all_cores(used_us: int, percent: float | None) -> None:
    """Here two cores for a second, and what comes late."""
    row = new_row()
    row.update_cpu(Cpu(used_us=1_000_000), 1.0, 2)
    assert row.update_cpu(Cpu(used_us=1_000_000 + used_us), 2.0, 2)[0] == percent


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ({"a": (10, 5)}, {"a": (0, 5)}, (5.0, 0.0)),
        ({"a": (10, 5), "new": (999, 999)}, {"a": (0, 5)}, (5.0, 0.0)),
        ({}, {}, (0.0, 0.0)),
        ({"a": (1, 1)}, None, (None, None)),
        (None, {"a": (1, 1)}, (None, None)),
    ],
)
def test_speeds_are_of_what_was_there_before(
    now: Traffic | None, before: Traffic | None, expected: tuple[float | None, float | None]
) -> None:
    """In two seconds. What is new has no rate, and what is unknown is no 0."""
    assert speeds(now, before, 2.0) == expected


def test_a_new_container_has_no_rates_and_no_age() -> None:
    """Its name comes from the runtime, if it reports one."""
    record = container(new_row(), Cpu(used_us=5), 1.0, 2, Described(name="db"))
    assert (record.id, record.name, record.cpu_percent, record.age_seconds) == (
        "3f2ab1c05d6e",
        "db",
        None,
        None,
    )


def test_the_age_is_that_of_the_details() -> None:
    """They were read three seconds before the CPU time."""
    row = new_row()
    row.update_details(Details(), 1.0)
    assert container(row, Cpu(), 4.0, 2, Described()).age_seconds == 3.0
