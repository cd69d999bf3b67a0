"""What a feed remembers: for how long and in how much memory, and which of it is selected."""

from __future__ import annotations

import json

import pytest

from telemetry_stream.stream import Resume
from tests.server.service import sample
from tests.stream.streaming import Clock, publish, remembered, streaming


def test_since_resumes_after_an_interruption() -> None:
    """All samples after that one, if it is of this run; else all samples there are."""
    with streaming() as (_, _, feed):
        publish(feed, 5)
        assert remembered(feed, Resume(since=3, stream=feed.id)) == [4, 5]
        assert remembered(feed, Resume(since=3)) == [4, 5]
        assert remembered(feed, Resume(since=5, stream=feed.id)) == []
        assert remembered(feed, Resume(since=99, stream=feed.id)) == []
        assert remembered(feed, Resume(since=3, stream="another run")) == [1, 2, 3, 4, 5]


def test_the_ring_is_trimmed_by_time() -> None:
    """Samples older than the history are forgotten, however many that are."""
    clock = Clock()
    with streaming(history_seconds=10, monotonic=clock) as (_, _, feed):
        for _ in range(30):
            publish(feed)
            clock.now += 1
        assert remembered(feed) == list(range(20, 31))
        clock.now += 1000
        publish(feed)
        assert remembered(feed) == [31]
        assert feed.seq == 31


def test_the_ring_is_trimmed_by_its_memory(caplog: pytest.LogCaptureFixture) -> None:
    """The oldest samples are forgotten first, whatever their sizes, and a sample that alone is too large at once."""
    with streaming(history_bytes=100_000) as (_, _, feed):
        for n in range(1, 31):
            feed.publish(sample(n, pad=9_000))
        assert remembered(feed) == list(range(21, 31))
        feed.publish(sample(31, pad=50_000))
        assert remembered(feed) == [27, 28, 29, 30, 31]
        feed.publish(sample(32, pad=100_000))
        assert remembered(feed) == []
        assert feed.maybe_latest(None) is not None
        feed.publish(sample(33))
        assert remembered(feed) == [33]
    assert [record.getMessage() for record in caplog.records] == [
        "The history of box is limited by memory to about 5 s instead of 600 s (see max_history_bytes)"
    ]


def test_a_new_run_begins_with_an_empty_ring(caplog: pytest.LogCaptureFixture) -> None:
    """Its memory is free again. Nothing is logged if the memory is enough."""
    with streaming(history_seconds=3, history_bytes=100_000) as (_, _, feed):
        for n in range(1, 9):
            assert feed.publish_as("first", n, sample(n, pad=9_000))
        for n in range(1, 9):
            assert feed.publish_as("second", n, sample(n, pad=9_000))
        assert remembered(feed) == list(range(1, 9))
    assert not caplog.records


def test_history_of_the_last_seconds_counts_from_the_newest_sample() -> None:
    """It can be combined with ``since``: the result has the samples that both allow."""
    clock = Clock()
    with streaming(monotonic=clock) as (_, _, feed):
        for _ in range(10):
            publish(feed)
            clock.now += 1
        assert remembered(feed, Resume(3.0)) == [8, 9, 10]
        assert remembered(feed, Resume(3.0, since=9)) == [10]
        assert remembered(feed, Resume(3.0, since=2)) == [8, 9, 10]
        assert remembered(feed, Resume(0.0)) == []
        assert remembered(feed, Resume(1e9)) == list(range(1, 11))


def test_before_is_the_end_of_the_history_and_of_its_seconds() -> None:
    """So a client can load older and older parts, each of some seconds, without a gap or a duplicate."""
    clock = Clock()
    with streaming(monotonic=clock) as (_, _, feed):
        for _ in range(10):
            publish(feed)
            clock.now += 1
        assert remembered(feed, Resume(before=4)) == [1, 2, 3]
        assert remembered(feed, Resume(before=4, stream=feed.id)) == [1, 2, 3]
        assert remembered(feed, Resume(3.0, before=8)) == [5, 6, 7]
        assert remembered(feed, Resume(3.0, before=5)) == [2, 3, 4]
        assert remembered(feed, Resume(3.0, before=2)) == [1]
        assert remembered(feed, Resume(3.0, before=1)) == []
        assert remembered(feed, Resume(before=0)) == []
        assert remembered(feed, Resume(before=99)) == list(range(1, 11))
        assert remembered(feed, Resume(since=3, before=6)) == [4, 5]
        assert remembered(feed, Resume(since=5, before=6)) == []
        assert remembered(feed, Resume(since=8, before=3)) == []
        assert remembered(feed, Resume(since=3, before=6, stream="another run")) == list(
            range(1, 11)
        )


def test_every_selects_from_the_history() -> None:
    """The same samples as a stream with this ``every`` has."""
    with streaming() as (_, _, feed):
        publish(feed, 20)
        history = json.loads(b"".join(feed.history(Resume(since=3, before=15), every=5)))
        assert [entry["seq"] for entry in history["samples"]] == [5, 10]


def test_seconds_count_back_from_the_newest_sample_that_every_selects() -> None:
    """Not from one that is left out: else a short part has no sample, although there are older ones."""
    clock = Clock()
    with streaming(monotonic=clock) as (_, _, feed):
        for _ in range(19):
            publish(feed)
            clock.now += 1

        def selected(resume: Resume) -> list[int]:
            history = json.loads(b"".join(feed.history(resume, every=5)))
            return [entry["seq"] for entry in history["samples"]]

        assert selected(Resume(3)) == [15]
        assert selected(Resume(5)) == [15]
        assert selected(Resume(6)) == [10, 15]
        assert selected(Resume(3, before=15)) == [10]
        assert selected(Resume(3, since=15)) == []


def test_histories_of_one_tick_share_a_snapshot() -> None:
    """A thousand readers cost one tuple of the ring, and the next sample ends it."""
    with streaming() as (_, _, feed):
        publish(feed, 3)
        with feed._lock:
            first, second = feed._ring.snapshot(), feed._ring.snapshot()
        assert first is second
        publish(feed)
        with feed._lock:
            assert [entry.seq for entry in feed._ring.snapshot()] == [1, 2, 3, 4]
        assert len(first) == 3
