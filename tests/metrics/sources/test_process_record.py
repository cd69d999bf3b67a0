"""The record of one process: what cannot be true is null."""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.sources.process_details import Detail
from telemetry_stream.metrics.sources.process_record import Facts, add_detail, process
from telemetry_stream.metrics.sources.process_table import Row
from telemetry_stream.metrics.units import CLK_TCK, PAGE_BYTES

FACTS = Facts(2, 1000 * PAGE_BYTES, 1_763_999_000.0, boottime=1000.0)


def row_of(*, used: int | None = 0, rss: int | None = 0, start: int = 50) -> Row:
    """Return one row of a table."""
    row = Row()
    row.used, row.rss, row.starttime = used, rss, start
    return row


@pytest.mark.parametrize(
    ("used", "percent"), [(CLK_TCK, 100.0), (0, 0.0), (None, None), (100 * CLK_TCK, None)]
)
def test_a_process_uses_at_most_all_cores(used: int | None, percent: float | None) -> None:
    """Here two, in a second."""
    assert process(1, row_of(used=used), "ada", FACTS, 1.0).cpu_percent == percent


@pytest.mark.parametrize(("rss", "percent"), [(250, 25.0), (1001, None), (None, None)])
def test_a_process_has_at_most_all_memory(rss: int | None, percent: float | None) -> None:
    """Pages that it maps several times may add up to more."""
    record = process(1, row_of(rss=rss), "ada", FACTS, 1.0)
    assert record.memory_percent == percent
    assert (record.memory_rss_bytes is None) == (percent is None)


@pytest.mark.parametrize(
    ("start", "started_at"), [(CLK_TCK, 1_763_999_001.0), (2000 * CLK_TCK, None)]
)
def test_nothing_began_in_the_future(start: int, started_at: float | None) -> None:
    """The host has been running for 1000 s."""
    assert process(1, row_of(start=start), "ada", FACTS, 1.0).started_at == started_at


def test_details_are_added_if_they_are_known() -> None:
    """Without any, these fields are null."""
    record = process(1, row_of(), "ada", FACTS, 1.0)
    add_detail(record, None)
    assert (record.command, record.unit, record.read_bytes_per_second) == (None, None, None)
    detail = Detail()
    detail.command, detail.unit, detail.io_rates = "cat -n", "cat.service", (1.0, 2.0)
    add_detail(record, detail)
    assert (record.command, record.unit) == ("cat -n", "cat.service")
    assert (record.read_bytes_per_second, record.write_bytes_per_second) == (1.0, 2.0)
