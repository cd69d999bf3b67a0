"""This host, measured by the collector and by well-known tools, within the tolerance of two moments (1 Hz).

scripts/test installs the tools. A missing tool is a failure, not a skip.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.source import Options


@contextmanager
def collector_of_everything() -> Iterator[Collector]:
    """Yield a collector of this host that waits for its workers."""
    made = Collector(options=Options(process_rows=None, timeout_seconds=10.0))
    yield made
    made.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector for a test that takes one sample."""
    with collector_of_everything() as made:
        yield made


def tool(*command: str) -> str:
    """Return the output of a tool, in English and with plain numbers."""
    path = shutil.which(command[0])
    assert path is not None, f"{command[0]} is not installed"
    plain = {**os.environ, "LC_ALL": "C", "S_COLORS": "never"}
    return subprocess.run(
        [path, *command[1:]], capture_output=True, text=True, env=plain, check=True
    ).stdout


def sampled(collector: Collector) -> Any:
    """Return the sections of a sample."""
    sample: Sample = collector.collect(collector.section_names)
    return sample.sections


def test_free(collector: Collector) -> None:
    """Used, available and total memory of ``free`` (procps 4.0.1 or later), to one percent of the memory."""
    memory = sampled(collector)["memory"]
    words = tool("free", "-b").splitlines()[1].split()
    total, available = int(words[1]), int(words[6])
    assert memory.total_bytes == total
    assert memory.available_bytes == pytest.approx(available, abs=total / 100)
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", tool("free", "--version"))
    if version and tuple(map(int, version.groups())) >= (4, 0, 1):
        assert memory.used_bytes == pytest.approx(int(words[2]), abs=total / 100)


def test_df(collector: Collector) -> None:
    """Size, used and available of each filesystem that both show, to one percent, because others write meanwhile."""
    rows = {row.mountpoint: row for row in sampled(collector)["filesystems"]}
    shown = 0
    for line in tool("df", "-B1", "--output=target,size,used,avail").splitlines()[1:]:
        mountpoint, size, used, available = line.rsplit(maxsplit=3)
        if mountpoint in rows:
            row = rows[mountpoint]
            shown += 1
            assert row.size_bytes == int(size)
            assert row.used_bytes == pytest.approx(int(used), rel=0.01, abs=1 << 26)
            assert row.available_bytes == pytest.approx(int(available), rel=0.01, abs=1 << 26)
    assert shown == len(rows) >= 1


def test_ss(collector: Collector) -> None:
    """TCP states are between those of two ``ss -tan``, one before and one after. The best of a few tries counts."""
    names = {
        "ESTAB": "established",
        "LISTEN": "listen",
        "TIME-WAIT": "time_wait",
        "CLOSE-WAIT": "close_wait",
    }

    def listed() -> Counter[str]:
        return Counter(line.split()[0] for line in tool("ss", "-H", "-tan").splitlines())

    def apart() -> Any:
        before, states, after = listed(), sampled(collector)["tcp"].states, listed()
        return max(
            max(low - getattr(states, ours), getattr(states, ours) - high)
            for theirs, ours in names.items()
            for low, high in [sorted((before[theirs], after[theirs]))]
        )

    assert min(apart() for _ in range(5)) <= 20


def test_uptime(collector: Collector) -> None:
    """Between two reads, which have steps of 10 ms."""

    def read() -> float:
        return float(Path("/proc/uptime").read_text().split()[0])

    before, ours, after = read(), sampled(collector)["system"].uptime_seconds, read()
    assert before - 0.01 <= ours <= after + 0.01


def test_interfaces_by_ip(collector: Collector) -> None:
    """Every interface of ``ip`` has a row, with the same state."""
    rows = {row.name: row for row in sampled(collector)["interfaces"]}
    listed = re.findall(r"^\d+: ([^:@]+)[:@].* state (\S+)", tool("ip", "-o", "link"), re.MULTILINE)
    assert {name for name, _ in listed} == rows.keys()
    for name, state in listed:
        assert rows[name].operstate == state.lower()


# Three tools that measure over two seconds of the time between two samples, which is longer on a busy machine.

WRITES_PER_SECOND = 50
WRITTEN_BYTES = 262144


@dataclass(frozen=True)
class Watched:
    """A computing process and a steady writer, measured by the collector and by three tools."""

    ours: Any
    seconds: float  # over which ours was measured, at most
    busy_pid: int
    mpstat: Any
    iostat: Any
    top: str

    @property
    def outside(self) -> float:
        """The share of our time in which the tools may not have measured."""
        return (self.seconds - 2) / self.seconds


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write a quarter of a megabyte at most fifty times a second."""
    done = threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            while not done.wait(1 / WRITES_PER_SECOND):
                file.seek(0)
                file.write(b"x" * WRITTEN_BYTES)
                os.fsync(file.fileno())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


@contextmanager
def computing() -> Iterator[int]:
    """Yield the pid of a process that uses a whole core."""
    with subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) as busy:
        try:
            yield busy.pid
        finally:
            busy.kill()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """All tools run at the same time, since each takes two seconds."""
    steady = tmp_path_factory.mktemp("written") / "steady"
    with (
        collector_of_everything() as collector,
        ThreadPoolExecutor(3) as tools,
        computing() as pid,
        writing(steady),
    ):
        began = time.monotonic()
        sampled(collector)
        mpstat = tools.submit(tool, "mpstat", "-P", "ALL", "-o", "JSON", "2", "1")
        iostat = tools.submit(tool, "iostat", "-dxyk", "-o", "JSON", "2", "1")
        top = tools.submit(tool, "top", "-b", "-d", "2", "-n", "2", "-p", str(pid))
        wait((mpstat, iostat, top))
        ours = sampled(collector)
        seconds = time.monotonic() - began
    return Watched(
        ours, seconds, pid, json.loads(mpstat.result()), json.loads(iostat.result()), top.result()
    )


def test_mpstat(watched: Watched) -> None:
    """Use per core, with guest taken out of user, to ten points, and what it can differ outside of the two seconds."""
    points = 10 + 100 * watched.outside
    cpu = watched.ours["cpu"]
    loads = watched.mpstat["sysstat"]["hosts"][0]["statistics"][0]["cpu-load"]
    theirs = {int(row["cpu"]): row for row in loads if row["cpu"].isdigit()}
    assert theirs.keys() == {core.id for core in cpu.cores}
    for core in cpu.cores:
        row = theirs[core.id]
        assert core.usage_percent == pytest.approx(100 - row["idle"] - row["iowait"], abs=points)
        assert core.user_percent == pytest.approx(row["usr"], abs=points)
        assert core.system_percent == pytest.approx(row["sys"], abs=points)


def test_iostat(watched: Watched) -> None:
    """The bytes of the steady writer, in total over all whole disks, to 30 %: a wrong unit is twice as much."""
    counted = {row.name for row in watched.ours["disks"] if row.counted}
    rows = watched.iostat["sysstat"]["hosts"][0]["statistics"][0]["disk"]
    kib = sum(row["wkB/s"] for row in rows if row["disk_device"] in counted)
    ours, theirs = watched.ours["disk"].total_write_bytes_per_second, kib * 1024
    least = 0.7 * theirs * (1 - watched.outside)  # nothing was written outside of the two seconds
    most = 1.3 * theirs + WRITES_PER_SECOND * WRITTEN_BYTES * watched.outside
    assert least - 65536 <= ours <= most + 65536


def test_top(watched: Watched) -> None:
    """The computing process is in our list. 100 % is one core, as in top's Irix mode."""
    ours = {row.pid: row.cpu_percent for row in watched.ours["processes"].top}[watched.busy_pid]
    words = [line.split() for line in watched.top.splitlines()]
    theirs = [line for line in words if line[:1] == [str(watched.busy_pid)]][-1]
    assert ours == pytest.approx(float(theirs[8]), abs=20 + 100 * watched.outside)
    assert ours > 0
