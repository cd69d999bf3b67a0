"""Whatever the host does, every tick is on time, and only the affected section is missing or stale.

Real threads and clocks. The limits are wide: a tick that waits for a hung call would take seconds.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.source import Clock, Now, Options
from tests.conftest import eventually
from tests.metrics.extra import ExtraSource
from tests.metrics.sources import test_filesystem, test_process_table, test_temperature
from tests.metrics.trees import Tree

PROMPT_SECONDS = 5.0  # waiting for a hung call would take 10 s


@pytest.fixture
def end_of_test() -> Iterator[threading.Event]:
    """An event for a hung call to wait for."""
    event = threading.Event()
    yield event
    event.set()


def ticks(collector: Collector, count: int = 5) -> list[Sample]:
    """Return samples of all sections, each of which was taken promptly."""
    samples = []
    for _ in range(count):
        began = time.monotonic()
        samples.append(collector.collect(collector.section_names))
        assert time.monotonic() - began < PROMPT_SECONDS
    return samples


def on_real_clocks(tree: Tree, **options: Any) -> Collector:
    """Return a collector of the tree on the real clocks."""
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    tree.clock = Clock()
    return tree.collector(options=Options(**options))


def test_a_statvfs_that_never_returns_delays_neither_ticks_nor_close(
    tree: Tree, end_of_test: threading.Event
) -> None:
    """Its row has no sizes."""
    tree.put("proc/self/mountinfo", test_filesystem.ROOT)

    def statvfs(_path: str) -> test_filesystem.Sizes:
        end_of_test.wait(30)
        return test_filesystem.Sizes()

    collector = on_real_clocks(tree, statvfs=statvfs)
    for sample in ticks(collector):
        rows: Any = sample.sections["filesystems"]
        assert rows[0].size_bytes is None
        assert sample.sources["load"].state == "ok"
    began = time.monotonic()
    collector.close()
    assert time.monotonic() - began < PROMPT_SECONDS


def test_a_sensor_that_blocks_delays_no_tick(tree: Tree) -> None:
    """It has no row until it has answered once."""
    test_temperature.chip(tree, 0, "slow")
    fifo = f"{tree.sys}/class/hwmon/hwmon0/temp1_input"
    os.mkfifo(fifo)  # open() of it blocks until another process opens it for writing
    collector = on_real_clocks(tree)
    assert [sample.sections["temperatures"] for sample in ticks(collector)] == [()] * 5
    os.close(os.open(fifo, os.O_WRONLY))
    collector.close()


def test_a_source_that_raises_in_each_tick_loses_only_its_section(tree: Tree) -> None:
    """The other sections are in every sample."""

    def fail(_now: Now) -> object:
        raise RuntimeError("again")

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    for sample in ticks(tree.collector(extra_sources=[ExtraSource("broken", fail)])):
        assert sample.sources["broken"].state == "failed"
        assert sample.sources["load"].state == "ok"


def test_a_file_whose_object_is_gone_fails_in_the_same_tick(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened again. If that fails, too, the section has failed, and the old value is not shown."""
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


def test_two_thousand_processes_are_counted_within_the_limit_of_descriptors(tree: Tree) -> None:
    """In every tick."""
    for pid in range(1, 2001):
        test_process_table.put(tree, pid, comm=f"p{pid}", start=pid)
    collector = on_real_clocks(tree)
    for sample in ticks(collector, 3):
        processes: Any = sample.sections["processes"]
        assert processes.total == processes.by_state.sleeping == 2000
        assert len(processes.top) == 15
    assert len(os.listdir("/proc/self/fd")) < 1200
    collector.close()


def test_twenty_thousand_sockets_are_counted_on_a_worker(tree: Tree) -> None:
    """No tick waits for the table of 3 MB."""
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

    assert eventually(lambda: established() == 20_000)
    collector.close()
