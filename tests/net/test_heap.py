"""When free memory is returned to the system."""

from __future__ import annotations

import sys

import pytest

from telemetry_stream.net.heap import Trimmer, trim
from tests.net import descriptors


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


def test_without_a_descriptor_for_ctypes_nothing_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread of a connection calls it at its end, when no error is expected any more."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ctypes", "_ctypes")]:
        monkeypatch.delitem(sys.modules, name)
    with descriptors.none_left():
        trim()
        assert "ctypes" not in sys.modules
