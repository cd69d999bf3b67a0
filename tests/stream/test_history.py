"""What a feed remembers: for how long, after which sample, and in pieces that are made as they are taken."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from telemetry_stream.stream import Resume
from telemetry_stream.stream.history import PIECE_BYTES
from telemetry_stream.websocket.frame import fragments
from tests.server.service import sample
from tests.stream.streaming import Clock, Viewer, publish, remembered, streaming


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


def test_a_brief_history_has_neither_sources_nor_shares_of_cores() -> None:
    """Everything else is the same, also a section that looks like a core."""
    core = {"id": 0, "usage_percent": 12.5, "user_percent": 7, "nice_percent": None}
    brief_core = {"id": 0, "usage_percent": 12.5}
    with streaming() as (_, _, feed):
        entry = sample(1)
        entry.sections["cpu"] = {"usage_percent": 3, "user_percent": 2, "cores": [core, core]}  # type: ignore[index]
        entry.sections["pad"] = {"text": json.dumps(core), "rows": [core]}  # type: ignore[index]
        feed.publish(entry)
        (full,) = json.loads(b"".join(feed.history(Resume())))["samples"]
        (brief,) = json.loads(b"".join(feed.history(Resume(), brief=True)))["samples"]
        assert full.pop("sources")
        full["cpu"]["cores"] = [brief_core, brief_core]
        assert brief == full
        (some,) = json.loads(b"".join(feed.history(Resume(), ("pad",), brief=True)))["samples"]
        del full["cpu"]
        assert some == full


def test_a_long_history_comes_in_pieces() -> None:
    """No piece is much longer than 16 KiB, and together they are the message."""
    with streaming() as (_, _, feed):
        for n in range(1, 101):
            feed.publish(sample(n, pad=10_000))
        with Viewer(feed, Resume()) as viewer:
            assert viewer.seqs_to(100) == list(range(1, 101))
            pieces = viewer.frames[1:-1]
            assert len(pieces) > 10
            assert all(len(piece) >= PIECE_BYTES for piece in pieces[:-1])
            assert max(map(len, pieces)) < PIECE_BYTES + 11_000


def test_histories_of_one_tick_share_a_snapshot() -> None:
    """A thousand readers cost one tuple of the ring, and the next sample ends it."""
    with streaming() as (_, _, feed):
        publish(feed, 3)
        with feed._lock:
            first, second = feed._snapshot_locked(), feed._snapshot_locked()
        assert first is second
        publish(feed)
        with feed._lock:
            assert [entry.seq for entry in feed._snapshot_locked()] == [1, 2, 3, 4]
        assert len(first) == 3


def test_a_history_that_waits_keeps_one_piece() -> None:
    """Neither the generator nor a fragment keeps a second copy while the piece is written."""
    with streaming() as (_, _, feed):
        for n in range(1, 21):
            feed.publish(sample(n, pad=10_000))
        pieces = fragments(feed.history(Resume()))
        next(pieces)
        tracemalloc.start()
        try:
            piece = next(pieces)
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert len(piece) <= kept < 1.5 * len(piece)


def test_a_history_is_made_as_it_is_taken() -> None:
    """Samples that are published while a history is being taken do not appear in it, and its first piece is short."""
    with streaming() as (_, _, feed):
        for n in range(1, 101):
            feed.publish(sample(n, pad=10_000))
        pieces = feed.history(Resume())
        first = next(pieces)
        assert first.count(b'"type":"sample"') == 2
        feed.publish(sample(101, pad=10_000))
        assert b'"seq":101,' not in b"".join(pieces)
