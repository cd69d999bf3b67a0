"""The alerts of one host on its feed: in ``hello`` and as messages."""

from __future__ import annotations

from pathlib import Path

from tests.alerts.samples import BOOT_UNIX
from tests.alerts.watching import watching
from tests.stream.streaming import Viewer


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


def test_on_demand_sections_follow_the_rules(tmp_path: Path) -> None:
    """They are collected while a rule needs them."""
    with watching(tmp_path) as watched:
        assert watched.monitor.on_demand == frozenset()
        watched.write("[[rule]]\nname = 'a'\nwarning = 'processes.total > 1000'\n")
        watched.monitor.reload()
        watched.feed_with(1)
        assert watched.monitor.on_demand == {"processes"}
