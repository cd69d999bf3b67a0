"""What a feed remembers: for how long and in how much memory, and which of it is selected."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from telemetry_stream.stream import HistoryLimits, Resume
from telemetry_stream.stream.encoded import encode
from telemetry_stream.stream.ring import Ring
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
    with streaming(history_seconds=3, history_bytes=100_000, monotonic=Clock()) as (_, _, feed):
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
        first, second = feed._ring._shared(), feed._ring._shared()
        assert first is second
        publish(feed)
        assert [entry.seq for entry in feed._ring._shared()] == [1, 2, 3, 4]
        assert len(first) == 3


@pytest.mark.parametrize("every", [1, 3])
def test_a_slow_reader_keeps_no_forgotten_samples(every: int) -> None:
    """It skips what was forgotten while it waited, and gets the rest of what it selected, each sample once."""
    with streaming(history_bytes=200_000) as (_, _, feed):
        for n in range(1, 21):
            feed.publish(sample(n, pad=9_000))
        history = feed.history(Resume(), every=every)
        began = next(history)
        for n in range(21, 36):
            feed.publish(sample(n, pad=9_000))
        kept = remembered(feed)
        assert 10 < kept[0] < 20
        read = [entry["seq"] for entry in json.loads(began + b"".join(history))["samples"]]
        first = [every, 2 * every]  # 9 KiB each, in the first piece of 16 KiB
        assert read == [*first, *(n for n in range(kept[0], 21) if n % every == 0)]


def test_slow_readers_share_one_ring() -> None:
    """A reader that has begun long ago keeps less than two samples, not the ring of that time."""
    with streaming(history_bytes=200_000) as (_, _, feed):
        readers = []

        def fill(turn: int) -> None:
            for n in range(30):
                feed.publish(sample(30 * turn + n + 1, pad=9_000))

        tracemalloc.start()
        try:
            fill(0)
            without_readers = tracemalloc.get_traced_memory()[0]
            for turn in range(1, 9):
                readers.append(feed.history(Resume()))
                next(readers[-1])
                fill(turn)
            assert tracemalloc.get_traced_memory()[0] - without_readers < 8 * 20_000
        finally:
            tracemalloc.stop()


def test_a_reader_of_an_ended_run_keeps_nothing() -> None:
    """Its history ends with what it has."""
    with streaming() as (_, _, feed):
        for n in range(1, 21):
            feed.publish(sample(n, pad=9_000))
        history = feed.history(Resume())
        began = next(history)
        feed.begin_run("another run")
        assert b'"seq"' not in b"".join(history)
        assert len(json.loads(began + b"]}")["samples"]) == 2


def test_times_rise_whatever_the_ages_are() -> None:
    """They are those of another program, and the selection of the last seconds needs the order."""
    ring = Ring(HistoryLimits(600.0), Clock())
    for seq, age_seconds in enumerate((5.0, 9.0, 1.0), 1):
        ring.add(seq, b"", encode(sample(seq)), age_seconds)
    assert [entry.published_at for entry in ring._shared()] == [995.0, 995.0, 999.0]
