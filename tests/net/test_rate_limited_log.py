"""A line that may come too often comes once a minute, and the next says how many did not."""

from __future__ import annotations

import logging

import pytest

from telemetry_stream.net.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)


def test_one_line_a_minute_says_how_many_were_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """The first at once, the next after a minute with the number of those between, and then none left over."""
    caplog.set_level(logging.INFO)
    now = 0.0
    rare = RateLimitedLog(log, logging.INFO, lambda: now)
    for now in (0.0, 1.0, 59.9, 60.0, 60.1, 200.0, 260.0):
        rare.log("%s of %d", "refused", now)
    assert [record.getMessage() for record in caplog.records] == [
        "refused of 0",
        "refused of 60 (2 more since the last such line)",
        "refused of 200 (1 more since the last such line)",
        "refused of 260",
    ]


def test_the_line_is_the_caller_s(caplog: pytest.LogCaptureFixture) -> None:
    """Level, logger and place are those of whoever has something to say."""
    RateLimitedLog(log, logging.ERROR).log("nothing left")
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, __name__)
    assert record.funcName == "test_the_line_is_the_caller_s"
