"""What a feed remembers: for how long, after which sample, and in pieces that are made as they are taken."""

from __future__ import annotations

from telemetry_stream.stream import Resume
from telemetry_stream.stream.feed import PIECE_BYTES
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


def test_a_long_history_comes_in_pieces() -> None:
    """No piece is much longer than 64 KiB, and together they are the message."""
    with streaming() as (_, _, feed):
        for n in range(1, 101):
            feed.publish(sample(n, pad=10_000))
        with Viewer(feed, Resume()) as viewer:
            assert viewer.seqs_to(100) == list(range(1, 101))
            pieces = viewer.frames[1:-1]
            assert len(pieces) > 10
            assert all(len(piece) >= PIECE_BYTES for piece in pieces[:-1])
            assert max(map(len, pieces)) < PIECE_BYTES + 11_000


def test_a_history_is_made_as_it_is_taken() -> None:
    """Samples that are published while a history is being taken do not appear in it, and its first piece is short."""
    with streaming() as (_, _, feed):
        for n in range(1, 101):
            feed.publish(sample(n, pad=10_000))
        pieces = feed.history(Resume())
        first = next(pieces)
        assert first.count(b'"type":"sample"') == 7
        feed.publish(sample(101, pad=10_000))
        assert b'"seq":101,' not in b"".join(pieces)
