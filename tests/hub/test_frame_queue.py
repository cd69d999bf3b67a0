"""The queue of a client: what has room in it."""

from __future__ import annotations

import queue

import pytest

from telemetry_stream.hub.frame_queue import FLUSH, QUEUE_FRAMES, FrameQueue, Many, frames_in


def many() -> Many:
    """Three frames."""
    return Many(3, lambda: iter([b"1", b"2", b"3"]))


def test_it_takes_16_items_in_their_order() -> None:
    """The next one is refused at once, and has room again after one was taken."""
    frames = FrameQueue()
    items = [b"%d" % n for n in range(QUEUE_FRAMES)]
    assert all(frames.offer(item) for item in items)
    assert not frames.offer(b"16")
    assert frames.get_nowait() == b"0"
    assert frames.offer(b"16")
    assert [frames.get_nowait() for _ in range(QUEUE_FRAMES)] == [*items[1:], b"16"]
    with pytest.raises(queue.Empty):
        frames.get_nowait()


def test_it_has_room_for_one_many() -> None:
    """A second Many is refused, a frame is not."""
    frames = FrameQueue()
    first, second = many(), many()
    assert frames.offer(first)
    assert not frames.offer(second)
    assert frames.offer(b"<1>")
    assert frames.get_nowait() is first
    assert frames.offer(second)


def test_what_an_item_counts_as() -> None:
    """Many frames count as their number, a frame and the empty item as one."""
    assert [frames_in(item) for item in (many(), b"<1>", FLUSH)] == [3, 1, 1]
    assert list(many().make()) == list(many().make()) == [b"1", b"2", b"3"]
