"""Alerts on a feed: in ``hello``, and as messages to all viewers of the host."""

from __future__ import annotations

from tests.stream.streaming import OTHER_HOST, Viewer, add_feed, publish, streaming

FIRING = {"rule": "full", "state": "firing"}
RESOLVED = {"rule": "busy", "state": "resolved"}


def test_alerts_reach_all_viewers_of_the_host_after_its_sample() -> None:
    """Whatever they have chosen; not the viewers of another host."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        with Viewer(feed, every=7, sections=("cpu",)) as ours, Viewer(other) as theirs:
            publish(feed, 7)
            feed.publish_alerts(1.5, [FIRING], [RESOLVED], 3)
            publish(other)
            assert [ours.message()["type"] for _ in range(2)] == ["hello", "sample"]
            assert ours.message() == {
                "type": "alerts",
                "host": "host-1",
                "time_unix": 1.5,
                "alerts": [FIRING, RESOLVED],
                "omitted_alerts": 3,
            }
            assert [theirs.message()["type"] for _ in range(2)] == ["hello", "sample"]


def test_hello_has_what_fires_and_not_what_has_resolved() -> None:
    """null until the first alerts are published."""
    with streaming() as (_, _, feed):
        with Viewer(feed) as viewer:
            assert viewer.message()["alerts"] is None
        feed.publish_alerts(1.5, [FIRING], [RESOLVED], 3)
        with Viewer(feed) as viewer:
            hello = viewer.message()
        assert (hello["alerts"], hello["omitted_alerts"]) == ([FIRING], 3)
        assert feed.alerts == {"alerts": [FIRING], "omitted_alerts": 3}


def test_nothing_is_sent_before_the_first_alert() -> None:
    """Except once for viewers with null in their hello. Afterwards an empty list is a message, too."""
    with streaming() as (_, _, feed), Viewer(feed) as viewer:
        assert viewer.message()["alerts"] is None
        feed.publish_alerts(1.5, [])
        assert viewer.message()["alerts"] == []
        feed.publish_alerts(1.5, [])
        publish(feed)
        assert viewer.message()["type"] == "sample"
        feed.publish_alerts(1.5, [FIRING])
        feed.publish_alerts(1.5, [])
        assert viewer.message()["alerts"] == [FIRING]
        assert viewer.message()["alerts"] == []


def test_another_run_keeps_the_alerts() -> None:
    """They are of the host. The program that has been restarted publishes its own ones soon."""
    with streaming() as (_, _, feed):
        feed.publish_alerts(1.5, [FIRING])
        feed.begin_run("another")
        with Viewer(feed) as viewer:
            assert viewer.message()["alerts"] == [FIRING]
