"""A line that clients can cause often is logged once a minute, with the number of lines suppressed."""

from __future__ import annotations

import logging

import pytest

from telemetry_stream.net.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)


def test_one_line_a_minute_with_the_number_of_suppressed_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first line is logged; the next one after a minute, with the number of lines between; then that is 0 again."""
    caplog.set_level(logging.INFO)
    now = 0.0
    limited = RateLimitedLog(log, logging.INFO, lambda: now)
    for now in (0.0, 1.0, 59.9, 60.0, 60.1, 200.0, 260.0):
        limited.log("%s of %d", "refused", now)
    assert [record.getMessage() for record in caplog.records] == [
        "refused of 0",
        "refused of 60 (similar lines suppressed: 2)",
        "refused of 200 (similar lines suppressed: 1)",
        "refused of 260",
    ]


def test_a_burst_of_lines_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """In each minute so many lines are logged; the next one has the number of those suppressed."""
    caplog.set_level(logging.INFO)
    now = 0.0
    limited = RateLimitedLog(log, logging.INFO, lambda: now, burst=2)
    for now in (0.0, 1.0, 2.0, 59.9, 60.0, 61.0, 62.0, 200.0):
        limited.log("at %d", now)
    assert [record.getMessage() for record in caplog.records] == [
        "at 0",
        "at 1",
        "at 60 (similar lines suppressed: 2)",
        "at 61",
        "at 200 (similar lines suppressed: 1)",
    ]


def test_line_has_logger_level_and_place_of_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """A reader of the log finds the code that reports, not this class."""
    RateLimitedLog(log, logging.ERROR).log("out of descriptors")
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, __name__)
    assert record.funcName == "test_line_has_logger_level_and_place_of_the_caller"
