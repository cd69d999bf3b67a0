"""What a stream remembers: for how long, since which sample, and in pieces made as they are taken."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from telemetry_stream.stream import PIECE_BYTES, Resume
from telemetry_stream.stream import stream as stream_module
from tests.server.service import sample
from tests.stream.streaming import Viewer, count_calls, publish, remembered, streaming


def test_since_resumes_after_a_break() -> None:
    """All after that sample, of this run; all there is, of another."""
    with streaming() as stream:
        publish(stream, 5)
        assert remembered(stream, Resume(since=3, stream=stream.id)) == [4, 5]
        assert remembered(stream, Resume(since=3)) == [4, 5]
        assert remembered(stream, Resume(since=5, stream=stream.id)) == []
        assert remembered(stream, Resume(since=99, stream=stream.id)) == []
        assert remembered(stream, Resume(since=3, stream="of another run")) == [1, 2, 3, 4, 5]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that the stream reads, for the age of samples."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(stream_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_ring_is_trimmed_by_time(clock: SimpleNamespace) -> None:
    """However many samples that is."""
    with streaming(history_seconds=10) as stream:
        for _ in range(30):
            publish(stream)
            clock.now += 1
        assert remembered(stream) == list(range(20, 31))
        clock.now += 1000
        publish(stream)
        assert remembered(stream) == [31]
        assert stream.seq == 31


def test_history_of_the_last_seconds(clock: SimpleNamespace) -> None:
    """Counted from the newest sample."""
    with streaming() as stream:
        for _ in range(10):
            publish(stream)
            clock.now += 1
        assert remembered(stream, Resume(3.0)) == [8, 9, 10]
        assert remembered(stream, Resume(3.0, since=9)) == [10]
        assert remembered(stream, Resume(3.0, since=2)) == [8, 9, 10]
        assert remembered(stream, Resume(0.0)) == []
        assert remembered(stream, Resume(1e9)) == list(range(1, 11))


def test_long_history_comes_in_pieces() -> None:
    """None much longer than a piece, and together they are the message."""
    with streaming() as stream:
        for n in range(1, 101):
            stream.publish(sample(n, pad=10_000))
        with Viewer(stream, Resume()) as viewer:
            assert viewer.seqs_to(100) == list(range(1, 101))
            pieces = viewer.frames[1:-1]
            assert len(pieces) > 10
            assert all(len(piece) >= PIECE_BYTES for piece in pieces[:-1])
            assert max(map(len, pieces)) < PIECE_BYTES + 11_000


def test_history_is_made_as_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer that takes one piece has cost one piece."""
    with streaming() as stream:
        for n in range(1, 101):
            stream.publish(sample(n, pad=10_000))
        calls = count_calls(monkeypatch)
        next(stream.history(Resume()))
        assert calls["text"] == 7
