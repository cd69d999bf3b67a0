"""The ``history`` message: brief or not, and in pieces that are made as they are taken."""

from __future__ import annotations

import json
import tracemalloc

from telemetry_stream.stream import Resume
from telemetry_stream.stream.history import PIECE_BYTES
from telemetry_stream.websocket.frame import fragments
from tests.server.service import sample
from tests.stream.streaming import Viewer, streaming


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
