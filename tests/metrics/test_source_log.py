"""Which lines the log has about sources. (Within a collector: test_collector_failures.)"""

from __future__ import annotations

import logging

import pytest

from telemetry_stream.metrics.embedded import SLOW
from telemetry_stream.metrics.sample import State
from telemetry_stream.metrics.source_log import QUIET_SECONDS, SourceLog
from tests.stream.streaming import Clock


@pytest.mark.parametrize(
    ("state", "reason", "level"),
    [
        ("failed", "no such file", logging.ERROR),
        ("psutil", "no such file", logging.WARNING),
        ("stale", SLOW, logging.WARNING),
        ("stale", None, logging.DEBUG),
        ("absent", None, logging.DEBUG),
    ],
)
def test_a_change_is_logged_once(
    caplog: pytest.LogCaptureFixture, state: State, reason: str | None, level: int
) -> None:
    """With the level of the state, and its end with INFO if it was a failure."""
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    log = SourceLog(clock)
    for _ in range(3):
        log.note("disk", state, reason)
        clock.now += 1
    clock.now += QUIET_SECONDS
    log.note("disk", "ok", None)
    because = f" ({reason})" if reason else ""
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (level, f"Source disk: {state}{because}"),
        (logging.DEBUG if level == logging.DEBUG else logging.INFO, "Source disk: ok"),
    ]


def test_a_source_is_noted_until_it_was_ok_for_a_minute() -> None:
    """A source that fails again within it writes no line."""
    clock = Clock()
    log = SourceLog(clock)
    log.note("disk", "failed", "a")
    clock.now += QUIET_SECONDS
    log.note("disk", "ok", None)
    clock.now += QUIET_SECONDS - 1
    log.note("disk", "ok", None)
    assert "disk" in log.noted
    clock.now += 1
    log.note("disk", "ok", None)
    assert not log.noted


def test_a_traceback_is_logged_once_for_each_type(caplog: pytest.LogCaptureFixture) -> None:
    """Of each source."""
    clock = Clock()
    log = SourceLog(clock)
    for name, error in (
        ("a", ValueError()),
        ("a", ValueError()),
        ("b", ValueError()),
        ("a", KeyError()),
    ):
        log.note(name, "failed", str(clock.now), error)
        clock.now += QUIET_SECONDS
    assert [record.exc_info is not None for record in caplog.records] == [True, False, True, True]
