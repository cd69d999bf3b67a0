"""When free memory is returned to the system."""

from __future__ import annotations

from telemetry_stream.net.heap import Trimmer, trim


def test_it_is_due_once_after_a_crowd_has_left() -> None:
    """Not while few leave, not for a small crowd, and again after the next crowd."""
    trimmer = Trimmer()
    for _ in range(2):
        assert not any(trimmer.is_due(count) for count in range(400))
        due = [count for count in range(399, -1, -1) if trimmer.is_due(count)]
        assert due == [99]
    assert not any(trimmer.is_due(count) for count in (*range(99), *range(98, -1, -1)))


def test_it_can_be_called() -> None:
    """Whatever the C library is."""
    trim()
