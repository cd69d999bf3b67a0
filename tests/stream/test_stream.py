"""The table of feeds: several hosts on one hub, and the messages of an embedding program."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.hub import Client
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.stream import Choice, HistoryLimits, Stream
from tests.server.service import HOST, sample
from tests.stream.streaming import (
    LINES,
    OTHER_HOST,
    Viewer,
    add_feed,
    publish,
    remembered,
    streaming,
)


def test_each_host_has_its_own_numbers_ring_and_viewers() -> None:
    """Samples of two hosts that are published alternately reach only the viewers of their host, without a gap."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        with Viewer(feed) as ours, Viewer(other) as theirs:
            for _ in range(4):
                publish(feed)
                publish(other)
            publish(other)
            assert ours.seqs_to(4) == [1, 2, 3, 4]
            assert theirs.seqs_to(5) == [1, 2, 3, 4, 5]
        assert (remembered(feed), remembered(other)) == ([1, 2, 3, 4], [1, 2, 3, 4, 5])
        assert feed.id != other.id


def test_every_counts_the_samples_of_one_host() -> None:
    """With every=2 a viewer gets half of its host's samples, however the samples of two hosts alternate."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        with Viewer(feed, every=2) as ours, Viewer(other, every=2) as theirs:
            for _ in range(8):
                publish(feed)
                publish(other)
            assert ours.seqs_to(8) == [2, 4, 6, 8]
            assert theirs.seqs_to(8) == [2, 4, 6, 8]


def test_hello_and_samples_name_the_host() -> None:
    """A viewer of the second host gets that host's identity."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        publish(other)
        with Viewer(other) as viewer:
            hello, newest = viewer.message(), viewer.message()
        assert (hello["host"]["id"], hello["host"]["name"]) == ("host-2", "shed")
        assert (newest["host"], newest["stream"]) == ("host-2", other.id)
        assert feed.seq == 0


def test_the_first_feed_is_the_default() -> None:
    """A request that names no host means the one that was added first; an unknown host is a LookupError."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        assert stream.feed() is feed
        assert stream.feed("host-2") is other
        with pytest.raises(LookupError):
            stream.feed("host-3")


def test_a_stream_without_feeds_has_no_default() -> None:
    """Nothing was added yet, for instance before the start."""
    with streaming() as (hub, _, _), pytest.raises(LookupError, match="no feed"):
        Stream(hub, version="1", history=HistoryLimits(1)).feed()


def test_a_host_has_one_feed() -> None:
    """A second feed of the same id would give two samples the same number."""
    with streaming() as (_, stream, feed):
        same = HostInfo(HOST.id, "clone", "Linux", None, None, None)
        with pytest.raises(ValueError, match=r"host host-1 \(clone\) has a feed already"):
            add_feed(stream, same)
        assert stream.feed(HOST.id) is feed


def test_the_first_sample_of_any_host_is_reported_once() -> None:
    """The program is ready as soon as there is something to see."""
    reports: list[int] = []
    with streaming() as (hub, _, _):
        stream = Stream(
            hub, version="1", history=HistoryLimits(60), on_first_sample=lambda: reports.append(1)
        )
        feeds = [add_feed(stream, HOST), add_feed(stream, OTHER_HOST)]
        assert reports == []
        for feed in (feeds[1], *feeds, *feeds):
            feed.publish(sample(1))
        assert reports == [1]


def test_joining_needs_a_choice_of_the_host() -> None:
    """A client with another topic would get nothing."""
    with streaming() as (hub, _, feed):
        with pytest.raises(TypeError, match="not a Choice"):
            feed.join(Client(len, topic="all"), None)
        with pytest.raises(TypeError, match="not a Choice of host-1"):
            feed.join(Client(len, topic=Choice(LINES, "host-2")), None)
        assert hub.stats().registered == 0


# Messages of an embedding program.


def test_a_broadcast_reaches_every_viewer_of_every_host() -> None:
    """Whatever the viewer's choice is. The message has no number and is not remembered."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        with (
            Viewer(feed) as all_sections,
            Viewer(feed, sections=("cpu",), every=7) as few,
            Viewer(other) as of_other_host,
        ):
            stream.broadcast("deploy", what="1.2 → 1.3", at={"t": [1, None]})
            for viewer in (all_sections, few, of_other_host):
                assert viewer.message()["type"] == "hello"
                assert viewer.message() == {
                    "type": "deploy",
                    "what": "1.2 → 1.3",
                    "at": {"t": [1, None]},
                }
        assert feed.seq == 0
        assert remembered(feed) == []


def test_sections_of_a_consumer_are_a_list_of_names() -> None:
    """A text would be taken as a list of letters."""
    with streaming() as (_, stream, _), pytest.raises(TypeError, match="a list of names"):
        stream.attach("printer", sections="cpu")


def nested(levels: int) -> list[Any]:
    """Return so many lists in each other."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("hello", {}),
        ("history", {}),
        ("sample", {}),
        ("deploy", {"type": "hello"}),
        ("", {}),
        (None, {}),
        ("deploy", {"value": float("nan")}),
        ("deploy", {"value": object()}),
        ("deploy", {"value": b"bytes"}),
        ("deploy", {"value": nested(3_000)}),
    ],
)
def test_an_invalid_broadcast_is_a_value_error(type_: Any, fields: dict[str, Any]) -> None:
    """Reserved types and values without a JSON form: no viewer gets anything."""
    with streaming() as (_, stream, feed), Viewer(feed) as viewer:
        with pytest.raises(ValueError):  # noqa: PT011  # each has its own text
            stream.broadcast(type_, **fields)
        stream.broadcast("after")
        assert viewer.message()["type"] == "hello"
        assert viewer.message() == {"type": "after"}
