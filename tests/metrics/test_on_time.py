"""Whatever a host does to us, every tick is on time, and only the section concerned says so.

Real threads and clocks; the limits are wide, since what is tested is that nobody waits for seconds.
"""

from __future__ import annotations

import errno
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.source import Clock, Now, Options
from telemetry_stream.metrics.sources import temperature
from tests.metrics.sources import test_filesystem, test_process_table, test_temperature
from tests.metrics.trees import Tree

PROMPT_SECONDS = 1.0  # a call that was waited for would take 10


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What a hung call waits for, until the test is over."""
    gate = threading.Event()
    yield gate
    gate.set()


def ticks(collector: Collector, count: int = 5) -> list[Sample]:
    """So many samples, each of which was prompt."""
    samples = []
    for _ in range(count):
        began = time.monotonic()
        samples.append(collector.collect())
        assert time.monotonic() - began < PROMPT_SECONDS
    return samples


def on_real_clocks(tree: Tree, **options: Any) -> Collector:
    """A collector of the tree that wants everything, by the real clocks."""
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    tree.clock = Clock()
    collector = tree.collector(options=Options(**options))
    collector.want(None, math.inf)
    return collector


def test_a_statvfs_that_never_returns(tree: Tree, never: threading.Event) -> None:
    """Its row has no sizes; every tick is on time; the end is, too."""
    tree.put("proc/self/mountinfo", test_filesystem.ROOT)

    def statvfs(_path: str) -> test_filesystem.Answer:
        never.wait(30)
        return test_filesystem.Answer()

    collector = on_real_clocks(tree, statvfs=statvfs)
    for sample in ticks(collector):
        rows: Any = sample.sections["filesystems"]
        assert rows[0].size_bytes is None
        assert sample.sources["load"].state == "ok"
    began = time.monotonic()
    collector.close()
    assert time.monotonic() - began < PROMPT_SECONDS


def test_a_sensor_that_blocks(
    tree: Tree, never: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row yet, no tick late."""
    test_temperature.chip(tree, 0, "slow", temp1_input="1000")

    def hang(_directory: str) -> tuple[temperature.Reading, ...]:
        never.wait(30)
        return ()

    monkeypatch.setattr(temperature, "read_directory", hang)
    collector = on_real_clocks(tree)
    assert [sample.sections["temperatures"] for sample in ticks(collector)] == [()] * 5
    collector.close()


def test_a_source_that_raises_each_tick(tree: Tree) -> None:
    """Its section is missing in every sample, and nothing else is."""

    class Broken:
        name = "broken"

        def collect(self, _now: Now) -> object:
            raise RuntimeError("again")

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    for sample in ticks(tree.collector(extra_sources=[Broken()])):
        assert sample.sources["broken"].state == "failed"
        assert sample.sources["load"].state == "ok"


def test_a_descriptor_that_turns_esrch(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is opened anew in the same tick; when that fails, too, the section is failed and not old."""
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    tree.put("proc/uptime", "5.0 5.0\n")
    collector = tree.collector()
    assert ticks(collector, 1)[0].sources["load"].state == "ok"
    real = os.pread
    opened = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    assert any(path.endswith("loadavg") for path in opened)

    def pread(fd: int, size: int, offset: int) -> bytes:
        if os.path.realpath(f"/proc/self/fd/{fd}").endswith("loadavg"):
            raise OSError(errno.ESRCH, "No such process")
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    (sample,) = ticks(collector, 1)
    assert "load" not in sample.sections
    assert sample.sources["load"].reason == "No such process"
    assert sample.sources["system"].state == "ok"


def test_two_thousand_processes(tree: Tree) -> None:
    """All of them are seen in every tick, within the budget of descriptors."""
    for pid in range(1, 2001):
        test_process_table.put(tree, pid, comm=f"p{pid}", start=pid)
    collector = on_real_clocks(tree)
    for sample in ticks(collector, 3):
        processes: Any = sample.sections["processes"]
        assert processes.total == processes.by_state.sleeping == 2000
        assert len(processes.top) == 15
    assert len(os.listdir("/proc/self/fd")) < 1200
    collector.close()


def test_twenty_thousand_sockets(tree: Tree) -> None:
    """A table of 3 MB is read aside: no tick waits for it, and in the end all are counted."""
    row = (
        "{:5}: 0100007F:1F90 0100007F:0000 01 00000000:00000000 00:00000000 00000000     0        0 1"
        + " " * 50
    )
    tree.put(
        "proc/net/tcp",
        "heading\n" + "\n".join(row.format(number) for number in range(20_000)) + "\n",
    )
    tree.put("proc/net/sockstat", "TCP: inuse 20000\n")
    tree.put("proc/net/snmp", "Tcp: CurrEstab\nTcp: 20000\n")
    collector = on_real_clocks(tree)

    def established() -> int:
        tcp: Any = ticks(collector, 1)[0].sections["tcp"]
        return 0 if tcp.states is None else int(tcp.states.established)

    assert until(lambda: established() == 20_000)
    collector.close()


def until(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true within ten seconds: workers raise no event."""
    deadline = time.monotonic() + 10
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.01)
    return True
