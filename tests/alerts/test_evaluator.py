"""What all monitors do, shown by that of one host: reload rules, log what changes, and save what fires."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from telemetry_stream.alerts.saved import Saved
from tests.alerts.samples import BOOT_UNIX, sample
from tests.alerts.test_engine import LOAD
from tests.alerts.watching import watching
from tests.stream.streaming import Viewer


def test_changes_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line each."""
    caplog.set_level(logging.INFO, "telemetry_stream.alerts")
    with watching(tmp_path) as watched:
        watched.feed_with(*[12] * 12, *[1] * 40)
    assert [one.message for one in caplog.records] == [
        "Alert busy: firing, warning: load 12 tasks",
        "Alert busy: resolved, warning: load 12 tasks",
    ]


def test_alerts_survive_a_restart_without_firing_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The new run has them from its first sample on, with their ``since``."""
    with watching(tmp_path) as watched:
        watched.feed_with(*[12] * 12)
    caplog.clear()
    with watching(tmp_path) as watched:
        watched.second = 100
        watched.feed_with(*[12] * 12)
        with Viewer(watched.feed) as viewer:
            (alert,) = viewer.message()["alerts"]
        assert alert["since_unix"] == BOOT_UNIX + 1
        assert caplog.records == []
        watched.feed_with(*[1] * 31)
    assert len(caplog.records) == 1
    assert Saved(str(tmp_path / "state"), on_crash=print).load() == ()


def test_a_reload_uses_the_new_rules(tmp_path: Path) -> None:
    """From the next sample on."""
    with watching(tmp_path) as watched:
        watched.feed_with(*[12] * 12)
        watched.write(LOAD.replace("10", "100").replace("20", "200"))
        watched.monitor.reload()
        watched.feed_with(*[12] * 31)
        assert watched.feed.alerts["alerts"] == []


def test_an_invalid_file_keeps_the_previous_rules(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is logged, with file and line."""
    with watching(tmp_path) as watched:
        watched.write("[[rule]]\nname = 'a'\n")
        watched.monitor.reload()
        reason = f"{watched.path}:3: name: a has no condition (use critical, warning, info)"
        assert caplog.messages == [f"Reload failed, keeping the previous rules: {reason}"]
        watched.feed_with(*[12] * 12)
        assert len(watched.feed.alerts["alerts"]) == 1


def test_an_error_in_the_evaluation_costs_no_sample(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once a minute."""
    with watching(tmp_path) as watched:
        broken = sample(1, load="not a record")
        broken.sections = None  # type: ignore[assignment]
        for _ in range(3):
            watched.monitor.note(watched.feed, broken)
        assert len(caplog.records) == 1
        assert "The rules cannot be evaluated: " in caplog.text
        watched.feed_with(*[12] * 12)
        assert len(watched.feed.alerts["alerts"]) == 1
