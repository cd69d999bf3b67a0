"""Many viewers: a slow one costs a fast one nothing, and neither do viewers that join and leave."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from websockets.sync.client import ClientConnection

from telemetry_stream import threads
from telemetry_stream.hub import HubStats
from telemetry_stream.websocket.connection import Timing
from tests.conftest import eventually, our_threads
from tests.server.service import Service, message
from tests.websocket.peer import CLOSE, TEXT, Peer

pytestmark = pytest.mark.usefixtures("fan_out")

# The socket of a stalled viewer with a small receive buffer takes three or four frames of this size.
PAD_BYTES = 64 * 1024


def publish_until(
    service: Service, fast: ClientConnection, condition: Callable[[HubStats], object]
) -> None:
    """Broadcast until ``condition`` is true, because of a viewer that does not read. ``fast`` reads each frame."""
    for _ in range(1000):
        service.publish(pad=PAD_BYTES)
        message(fast)
        if condition(service.hub.stats()):
            return
    pytest.fail("the stalled viewer has taken every frame")


def test_a_fast_viewer_gets_every_frame_while_another_is_stalled() -> None:
    """The frames that are dropped for the stalled viewer are counted, in its entry and in total."""
    with (
        Service() as service,
        Peer(service.address, buffer_bytes=4096) as stalled,
        ExitStack() as stack,
    ):
        assert stalled.message()["type"] == "hello"  # now it has joined
        fast = stack.enter_context(service.viewer(max_size=None))
        assert message(fast)["type"] == "hello"
        publish_until(service, fast, lambda stats: stats.dropped)
        slow = service.hub.clients()[0]
        assert eventually(lambda: not slow.in_grace)
        before = slow.dropped
        first = service.feed.seq + 1
        service.publish(10, pad=PAD_BYTES)
        assert [message(fast)["seq"] for _ in range(10)] == list(range(first, first + 10))
        assert eventually(lambda: service.hub.stats().dropped == before + 10)
        slow_report, fast_report = service.report()
        assert slow_report["dropped_frames"] == before + 10
        assert fast_report["dropped_frames"] == 0


def test_a_slow_viewer_is_evicted_at_the_write_deadline(caplog: pytest.LogCaptureFixture) -> None:
    """The log and the counters have the reason. Its threads end."""
    caplog.set_level(logging.INFO, "telemetry_stream")
    with (
        Service(timing=Timing(write=0.1)) as service,
        service.viewer(max_size=None) as fast,
        ExitStack() as stack,
    ):
        assert message(fast)["type"] == "hello"  # now it has joined
        slow = stack.enter_context(Peer(service.address, buffer_bytes=4096))
        assert slow.message()["type"] == "hello"
        publish_until(service, fast, lambda stats: stats.dropped or stats.ended)
        assert eventually(lambda: service.hub.stats().ended == {"too slow": 1})
        assert eventually(lambda: [c.name[:3] for c in service.hub.clients()] == ["ws1"])
        assert eventually(lambda: not any("ts-ws2" in thread.name for thread in our_threads()))
        (end,) = (r for r in caplog.records if "ended: too slow" in r.getMessage())
        assert end.levelno == logging.WARNING
        assert "ws2 127.0.0.1:" in end.getMessage()
        seq = service.publish()
        assert message(fast)["seq"] == seq


def test_an_evicted_viewer_that_reads_again_receives_4008() -> None:
    """First it receives the whole frames in its full socket, although the server has closed the connection."""
    with (
        Service(timing=Timing(write=0.1, close=0.1)) as service,
        service.viewer(max_size=None) as fast,
        Peer(service.address) as slow,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        publish_until(service, fast, lambda stats: stats.dropped or stats.ended)
        assert eventually(lambda: service.hub.stats().ended == {"too slow": 1})
        *samples, last = slow.frames_to_end()
        assert [frame.opcode for frame in samples] == [TEXT] * len(samples)
        seqs = [json.loads(frame.payload)["seq"] for frame in samples]
        assert seqs == list(range(1, len(seqs) + 1))
        assert (last.opcode, last.code) == (CLOSE, 4008)


def test_a_slow_viewer_that_recovers_has_one_gap() -> None:
    """Frames stay in order, and the gap has exactly the size of its count of dropped frames."""
    with (
        Service() as service,
        Peer(service.address, buffer_bytes=4096) as slow,
        ExitStack() as stack,
    ):
        assert slow.message()["type"] == "hello"  # now it has joined
        fast = stack.enter_context(service.viewer(max_size=None))
        assert message(fast)["type"] == "hello"
        client = service.hub.clients()[0]
        publish_until(service, fast, lambda stats: stats.dropped >= 5)
        assert eventually(lambda: not client.in_grace)
        dropped = client.dropped
        seqs = [slow.message()["seq"] for _ in range(service.feed.seq - dropped)]
        service.publish(5)
        seqs += [slow.message()["seq"] for _ in range(5)]
        steps = [later - earlier for earlier, later in itertools.pairwise(seqs)]
        assert [step for step in steps if step != 1] == [dropped + 1]
        assert client.dropped == dropped


def watch(service: Service, samples: int, paced: threading.Semaphore) -> None:
    """Join, read consecutive samples, leave. ``paced`` is released for the hello and for each sample."""
    # A full queue in the client would keep it from reading the reply to its close frame.
    with service.viewer(max_queue=None) as viewer:
        assert message(viewer)["type"] == "hello"
        paced.release()
        seqs = []
        for _ in range(samples):
            seqs.append(message(viewer)["seq"])
            paced.release()
    assert seqs == list(range(seqs[0], seqs[0] + samples))


def test_a_hundred_viewers_join_and_leave_during_a_broadcast() -> None:
    """Half of them stay, and half of them join twice. Each one gets consecutive samples without a gap."""
    errors: list[BaseException] = []
    paced, unpaced = threading.Semaphore(0), threading.Semaphore(0)

    def join_twice() -> None:
        watch(service, 2, unpaced)
        watch(service, 3, unpaced)

    def wait_for_all_stayers() -> None:
        for _ in range(50):
            assert paced.acquire(timeout=30)

    with Service() as service:
        stayers = [
            threads.start("ts-stayer", watch, service, 110, paced, on_crash=errors.append)
            for _ in range(50)
        ]
        wait_for_all_stayers()
        joiners = [
            threads.start("ts-joiner", join_twice, on_crash=errors.append) for _ in range(50)
        ]
        for _ in range(110):
            service.publish()
            wait_for_all_stayers()
        while any(joiner.is_alive() for joiner in joiners):
            service.publish()
            unpaced.acquire(timeout=0.05)  # for a joiner that has got something
        for stayer in stayers:
            stayer.join(30)
        assert not errors
        assert service.viewers.wait_until_gone(10)
        stats = service.hub.stats()
        assert (stats.clients, stats.registered) == (0, 150)
