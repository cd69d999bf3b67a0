"""The alerts of one host on its feed: in ``hello``, as messages, in the log and on a disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry_stream.alerts.monitor import Monitor
from telemetry_stream.alerts.rules import load
from telemetry_stream.alerts.saved import Saved
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.stream import Feed
from tests.alerts.samples import BOOT_UNIX, load_of, sample
from tests.alerts.test_engine import LOAD
from tests.stream.streaming import Viewer, streaming


class Watching:
    """A monitor with a feed. ``feed_with`` publishes a sample for each load, a second apart."""

    def __init__(self, feed: Feed, folder: Path, rules: str = LOAD) -> None:
        self.path = folder / "rules.toml"
        self.write(rules)
        self.feed = feed
        self.saved = Saved(str(folder / "state"), on_crash=print)
        self.monitor = Monitor(
            lambda: load(str(self.path)), longest_interval_seconds=1.0, saved=self.saved
        )
        self.second = 0

    def write(self, rules: str) -> None:
        self.path.write_text("defaults = false\n" + rules)

    def feed_with(self, *loads: float | None) -> None:
        for value in loads:
            self.second += 1
            self.publish(sample(self.second, load=load_of(value)))

    def publish(self, one: Sample) -> None:
        self.feed.publish(one)
        self.monitor.note(self.feed, one)


@contextmanager
def watching(folder: Path) -> Iterator[Watching]:
    """A monitor of the load, whose alerts are saved."""
    with streaming() as (_, _, feed):
        found = Watching(feed, folder)
        found.monitor.start()
        try:
            yield found
        finally:
            found.monitor.close()


def test_hello_has_the_firing_alerts(tmp_path: Path) -> None:
    """None before the first sample; then a list."""
    with watching(tmp_path) as watched:
        feed = watched.feed
        with Viewer(feed) as viewer:
            hello = viewer.message()
        assert (hello["alerts"], hello["omitted_alerts"]) == (None, 0)
        watched.feed_with(1)
        with Viewer(feed) as viewer:
            assert viewer.message()["alerts"] == []
        watched.feed_with(*[12] * 12)
        with Viewer(feed) as viewer:
            (alert,) = viewer.message()["alerts"]
        assert alert == {
            "rule": "busy",
            "state": "firing",
            "severity": "warning",
            "section": "load",
            "fields": ["load.avg1"],
            "labels": {},
            "since_unix": BOOT_UNIX + 2,
            "text": "load 12 tasks",
            "values": {"load.avg1": 12},
            "known": True,
        }


def test_viewers_get_a_message_for_each_change(tmp_path: Path) -> None:
    """After the sample that caused it, whatever their sections and ``every``. Quiet hosts send nothing."""
    with watching(tmp_path) as watched:
        watched.feed_with(1)
        with Viewer(watched.feed, sections=("cpu",), every=1000) as viewer:
            assert viewer.message()["type"] == "hello"
            assert viewer.message()["type"] == "sample"
            watched.feed_with(*[12] * 12, *[25] * 12)
            watched.feed_with(*[1] * 31)
            messages = [viewer.message() for _ in range(3)]
            assert viewer.is_idle()
    assert [message["type"] for message in messages] == ["alerts"] * 3
    assert [message["time_unix"] - BOOT_UNIX for message in messages] == [12, 24, 56]
    assert {message["host"] for message in messages} == {"host-1"}
    assert [
        (alert["state"], alert["severity"]) for message in messages for alert in message["alerts"]
    ] == [("firing", "warning"), ("firing", "critical"), ("resolved", "critical")]


def test_a_host_that_has_had_alerts_repeats_them(tmp_path: Path) -> None:
    """Every minute, with present values, also when there is none any more: a viewer may have lost a message."""
    with watching(tmp_path) as watched:
        watched.feed_with(*[12] * 12)
        with Viewer(watched.feed, every=1000) as viewer:
            assert [viewer.message()["type"] for _ in range(2)] == ["hello", "sample"]
            watched.feed_with(*[13] * 58)
            assert viewer.is_idle()
            watched.feed_with(13)
            assert viewer.message()["alerts"][0]["text"] == "load 13 tasks"
            watched.feed_with(*[1] * 31)
            assert viewer.message()["alerts"][0]["state"] == "resolved"
            watched.feed_with(*[1] * 60)
            assert viewer.message()["alerts"] == []


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


def test_on_demand_sections_follow_the_rules(tmp_path: Path) -> None:
    """They are collected while a rule needs them."""
    with watching(tmp_path) as watched:
        assert watched.monitor.on_demand == frozenset()
        watched.write("[[rule]]\nname = 'a'\nwarning = 'processes.total > 1000'\n")
        watched.monitor.reload()
        watched.feed_with(1)
        assert watched.monitor.on_demand == {"processes"}


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
