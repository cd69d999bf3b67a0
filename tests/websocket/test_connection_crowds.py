"""Viewers side by side: a slow one costs a fast one nothing, and those who come and go cost nobody anything."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Callable

import pytest

from telemetry_stream import threads
from telemetry_stream.websocket.connection import Timing
from tests.conftest import eventually, our_threads
from tests.server.service import Service, message
from tests.websocket.peer import CLOSE, TEXT, Peer

PAD_BYTES = 64 * 1024  # with a small receive buffer, a stalled viewer's socket holds three or four


def stall(service: Service, fast: Callable[[], object], drops: int) -> None:
    """Broadcast until a viewer that does not read has lost so many frames; ``fast`` reads each."""
    for _ in range(1000):
        service.publish(pad=PAD_BYTES)
        fast()
        if service.hub.stats().dropped >= drops:
            return
    pytest.fail("the stalled viewer has lost nothing")


def test_fast_viewer_gets_ten_of_ten_while_a_slow_one_is_stalled() -> None:
    """What the slow one loses is counted, on it and in total; the fast one loses nothing."""
    with (
        Service(grace_seconds=0.01) as service,
        Peer(service.address, buffer_bytes=4096),
        service.viewer(max_size=None) as fast,
    ):
        assert message(fast)["type"] == "hello"
        stall(service, lambda: message(fast), 1)
        slow = service.hub.clients()[0]
        assert eventually(lambda: not slow.in_grace)
        before = slow.dropped
        first = service.stream.seq + 1
        service.publish(10, pad=PAD_BYTES)
        assert [message(fast)["seq"] for _ in range(10)] == list(range(first, first + 10))
        assert eventually(lambda: service.hub.stats().dropped == before + 10)
        slow_report, fast_report = service.viewers.report()
        assert slow_report["dropped_frames"] == before + 10
        assert fast_report["dropped_frames"] == 0


def test_slow_viewer_is_evicted_at_the_write_deadline(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is in the log and in the counters, and its threads and descriptor are free again."""
    caplog.set_level(logging.INFO, "telemetry_stream")
    with (
        Service(timing=Timing(write=0.1), grace_seconds=0.01) as service,
        service.viewer(max_size=None) as fast,
        Peer(service.address, buffer_bytes=4096) as slow,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        stall(service, lambda: message(fast), 1)
        assert eventually(lambda: service.hub.stats().ended == {"too slow": 1})
        assert eventually(lambda: [c.name[:3] for c in service.hub.clients()] == ["ws1"])
        assert eventually(lambda: not any("ts-ws2" in thread.name for thread in our_threads()))
        (end,) = (r for r in caplog.records if "ended: too slow" in r.getMessage())
        assert end.levelno == logging.WARNING
        assert "ws2 127.0.0.1:" in end.getMessage()
        seq = service.publish()
        assert message(fast)["seq"] == seq


def test_evicted_viewer_that_reads_again_is_told_why() -> None:
    """Its socket was full; what it held comes whole, and then 4008, though the connection is long over here."""
    with (
        Service(timing=Timing(write=0.1, close=0.1), grace_seconds=0.01) as service,
        service.viewer(max_size=None) as fast,
        Peer(service.address) as slow,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        stall(service, lambda: message(fast), 1)
        assert eventually(lambda: service.hub.stats().ended == {"too slow": 1})
        *samples, last = slow.frames_to_end()
        assert [frame.opcode for frame in samples] == [TEXT] * len(samples)
        seqs = [json.loads(frame.payload)["seq"] for frame in samples]
        assert seqs == list(range(1, len(seqs) + 1))
        assert (last.opcode, last.code) == (CLOSE, 4008)


def test_slow_viewer_that_recovers_sees_one_hole() -> None:
    """Frames stay in order, and the hole is exactly as large as its count of drops."""
    with (
        Service(grace_seconds=0.01) as service,
        Peer(service.address, buffer_bytes=4096) as slow,
        service.viewer(max_size=None) as fast,
    ):
        assert message(fast)["type"] == "hello"
        assert slow.message()["type"] == "hello"
        client = service.hub.clients()[0]
        stall(service, lambda: message(fast), 5)
        assert eventually(lambda: not client.in_grace)
        dropped = client.dropped
        seqs = [slow.message()["seq"] for _ in range(service.stream.seq - dropped)]
        service.publish(5)
        seqs += [slow.message()["seq"] for _ in range(5)]
        steps = [later - earlier for earlier, later in itertools.pairwise(seqs)]
        assert [step for step in steps if step != 1] == [dropped + 1]
        assert client.dropped == dropped


def watch(service: Service, samples: int, paced: threading.Semaphore) -> None:
    """Come, see so many consecutive samples, leave; ``paced`` is told of the hello and of each sample."""
    with service.viewer() as viewer:
        assert message(viewer)["type"] == "hello"
        paced.release()
        seqs = []
        for _ in range(samples):
            seqs.append(message(viewer)["seq"])
            paced.release()
    assert seqs == list(range(seqs[0], seqs[0] + samples))


def test_hundred_viewers_come_and_go_during_a_broadcast() -> None:
    """Half of them stay, half come twice: nobody errs, and each sees consecutive samples all its time."""
    errors: list[BaseException] = []
    paced, unpaced = threading.Semaphore(0), threading.Semaphore(0)

    def come_twice() -> None:
        watch(service, 2, unpaced)
        watch(service, 3, unpaced)

    def wait_for_all_who_stay() -> None:
        for _ in range(50):
            assert paced.acquire(timeout=30)

    with Service() as service:
        stayers = [
            threads.start("ts-stayer", watch, service, 110, paced, on_crash=errors.append)
            for _ in range(50)
        ]
        wait_for_all_who_stay()
        comers = [threads.start("ts-comer", come_twice, on_crash=errors.append) for _ in range(50)]
        for _ in range(110):
            service.publish()
            wait_for_all_who_stay()
        assert eventually(lambda: service.publish() and not any(t.is_alive() for t in comers), 30)
        for stayer in stayers:
            stayer.join(30)
        assert not errors
        assert service.viewers.wait_until_gone(10)
        stats = service.hub.stats()
        assert (stats.clients, stats.registered, stats.dropped) == (0, 150, 0)
