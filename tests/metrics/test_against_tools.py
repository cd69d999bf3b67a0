"""This host, measured by us and by the tools that people trust, within the tolerances of two moments (1 Hz).

scripts/test installs the tools; here a missing one fails, it is never passed over in silence.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.sources import Options


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Of this host, everything, waited for."""
    made = Collector(options=Options(process_rows=None, patience_seconds=10.0))
    made.want(None, math.inf)
    yield made
    made.close()


def tool(*command: str) -> str:
    """What a tool prints, in plain English and numbers."""
    path = shutil.which(command[0])
    assert path is not None, f"{command[0]} is not installed"
    plain = {**os.environ, "LC_ALL": "C", "S_COLORS": "never"}
    return subprocess.run(
        [path, *command[1:]], capture_output=True, text=True, env=plain, check=True
    ).stdout


def sampled(collector: Collector, seconds: float = 0.0) -> Any:
    """The sections of a sample, so many seconds after one before."""
    if seconds:
        collector.collect()
        threading.Event().wait(seconds)
    sample: Sample = collector.collect()
    return sample.sections


def test_free(collector: Collector) -> None:
    """Used, available and total as ``free`` of procps 4.0.1 and later says, to one percent of the memory."""
    memory = sampled(collector)["memory"]
    words = tool("free", "-b").splitlines()[1].split()
    total, available = int(words[1]), int(words[6])
    assert memory.total_bytes == total
    assert memory.available_bytes == pytest.approx(available, abs=total / 100)
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", tool("free", "--version"))
    if version and tuple(map(int, version.groups())) >= (4, 0, 1):
        assert memory.used_bytes == pytest.approx(int(words[2]), abs=total / 100)


def test_df(collector: Collector) -> None:
    """Size, used and available of each filesystem that both show, to a percent (others write meanwhile)."""
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
    """TCP states as ``ss -tan`` lists them, give or take what came and went meanwhile: the best of a few."""
    names = {
        "ESTAB": "established",
        "LISTEN": "listen",
        "TIME-WAIT": "time_wait",
        "CLOSE-WAIT": "close_wait",
    }

    def apart() -> Any:
        lines = tool("ss", "-H", "-tan").splitlines()
        states = sampled(collector)["tcp"].states
        counted = {theirs: sum(line.startswith(theirs) for line in lines) for theirs in names}
        return max(abs(getattr(states, ours) - counted[theirs]) for theirs, ours in names.items())

    assert min(apart() for _ in range(5)) <= 20


def test_uptime(collector: Collector) -> None:
    """To 20 ms, if nobody held us up between the two reads: the best of a few."""

    def apart() -> Any:
        before = float(Path("/proc/uptime").read_text().split()[0])
        return abs(sampled(collector)["system"].uptime_seconds - before)

    assert min(apart() for _ in range(5)) <= 0.02


def test_mpstat(collector: Collector) -> None:
    """Use per core over the same two seconds, guest time taken out of user as there, to five points."""
    sampled(collector)
    report = json.loads(tool("mpstat", "-P", "ALL", "-o", "JSON", "2", "1"))
    cpu = sampled(collector)["cpu"]
    loads = report["sysstat"]["hosts"][0]["statistics"][0]["cpu-load"]
    theirs = {int(row["cpu"]): row for row in loads if row["cpu"].isdigit()}
    assert theirs.keys() == {core.id for core in cpu.cores}
    for core in cpu.cores:
        row = theirs[core.id]
        assert core.usage_percent == pytest.approx(100 - row["idle"] - row["iowait"], abs=5)
        assert core.user_percent == pytest.approx(row["usr"], abs=5)
        assert core.system_percent == pytest.approx(row["sys"], abs=5)


def test_iostat(collector: Collector, tmp_path: Path) -> None:
    """What a steady writer writes, over the same two seconds, in total over all whole disks."""
    done = threading.Event()

    def write() -> None:
        with (tmp_path / "steady").open("wb", buffering=0) as file:
            while not done.wait(0.02):
                file.seek(0)
                file.write(b"x" * 262144)
                os.fsync(file.fileno())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        sampled(collector)
        report = json.loads(tool("iostat", "-dxyk", "-o", "JSON", "2", "1"))
        sections = sampled(collector)
    finally:
        done.set()
        writer.join()
    counted = {row.name for row in sections["disks"] if row.counted}
    rows = report["sysstat"]["hosts"][0]["statistics"][0]["disk"]
    kib = sum(row["wkB/s"] for row in rows if row["disk_device"] in counted)
    ours = sections["disk"].total_write_bytes_per_second
    assert ours == pytest.approx(kib * 1024, rel=0.15, abs=65536)


def test_a_busy_process_by_top(collector: Collector) -> None:
    """A process that computes: our percent of a core and top's (Irix mode), and it leads our list."""
    with subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) as busy:
        try:
            processes = sampled(collector, 2.0)["processes"]
            ours = {row.pid: row.cpu_percent for row in processes.top}[busy.pid]
            lines = tool("top", "-b", "-d", "2", "-n", "2", "-p", str(busy.pid)).splitlines()
            theirs = [line.split() for line in lines if line.split()[:1] == [str(busy.pid)]][-1]
        finally:
            busy.kill()
    # Two moments on a machine that others use, too: both see a process that wants a whole core.
    assert ours == pytest.approx(float(theirs[8]), abs=40)
    assert ours > 20


def test_interface_counters_by_ip(collector: Collector) -> None:
    """Every interface that ``ip`` lists is a row of ours, up and down as it says."""
    rows = {row.name: row for row in sampled(collector)["interfaces"]}
    listed = re.findall(r"^\d+: ([^:@]+)[:@].* state (\S+)", tool("ip", "-o", "link"), re.MULTILINE)
    assert {name for name, _ in listed} == rows.keys()
    for name, state in listed:
        assert rows[name].operstate == state.lower()
