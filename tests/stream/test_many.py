"""Many samples at once, for a viewer that is slow."""

from __future__ import annotations

import pytest

from tests.conftest import eventually
from tests.fleet.reports import received
from tests.hub.clients import wait_for_fan_out
from tests.stream.streaming import Viewer, streaming


@pytest.mark.parametrize(("history_bytes", "first"), [(32 * 1024 * 1024, 1), (40_000, 13)])
def test_many_samples_that_wait_for_a_slow_viewer_are_bounded(
    history_bytes: int, first: int
) -> None:
    """The newest 256 KiB, with all sections, wait; the ring has the others, or they are dropped and counted."""
    with streaming(history_bytes=history_bytes) as (hub, _, feed):
        feed.begin_run("run-1")
        with Viewer(feed, sections=("pad", "processes")) as slow:
            assert slow.message()["type"] == "hello"
            with slow.stalled():
                feed.publish_received(
                    [
                        (received(seq, pad={"text": "x" * 30_000}, processes=[seq]), 0.0)
                        for seq in range(1, 21)
                    ]
                )
                wait_for_fan_out(hub)
            found = [slow.message() for _ in range(first, 21)]
            assert [message["seq"] for message in found] == list(range(first, 21))
            with_processes = [one["seq"] for one in found if "processes" in one]
            assert with_processes == list(range(13, 21))
            assert eventually(lambda: slow.client.dropped == first - 1)
