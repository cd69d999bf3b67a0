"""Regression tests for wrong numbers that other monitors have reported, one test for each: none may appear here.

The comment above each test names the public bug reports. Most have more tests in the test module of the source; these
stay even if a source is rewritten. Wrong differences between two readings: test_reported_bugs_rates.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from typing import Any

import pytest

from telemetry_stream.metrics.source import Options
from telemetry_stream.metrics.sources.link import parse_speed
from telemetry_stream.metrics.sources.pressure import PressureSource
from tests.conftest import eventually
from tests.metrics import test_reported_bugs_rates
from tests.metrics.sources import (
    test_disk,
    test_filesystem,
    test_process_table,
    test_temperature,
)
from tests.metrics.trees import Host, Tree

MEMINFO = """MemTotal: 1000 kB
MemFree: 100 kB
MemAvailable: {available} kB
Buffers: 50 kB
Cached: 400 kB
Shmem: 300 kB
"""


# 5: psutil 685 862 887 2604, glances 1924 3343
def test_05_used_memory_is_total_minus_available(tree: Tree) -> None:
    """total - free - buffers - cached would be 450, and total - free 900."""
    tree.put("proc/meminfo", MEMINFO.format(available=350))
    memory = Host(tree).section("memory")
    assert (memory.used_bytes, memory.available_bytes) == (650 * 1024, 350 * 1024)


# 6: glances 3358, htop 863 1406
def test_06_used_memory_is_never_negative_in_a_container(tree: Tree) -> None:
    """lxcfs reports the MemAvailable and the ZFS cache of the host. Used stays between 0 and the total."""
    tree.put("proc/meminfo", MEMINFO.format(available=64_000_000))
    tree.put("proc/spl/kstat/zfs/arcstats", "size 4 99999999999\n")
    tree.put("proc/self/mountinfo", "9 1 0:9 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n")
    memory = Host(tree).section("memory")
    assert (memory.used_bytes, memory.used_percent) == (900 * 1024, 90.0)
    assert memory.zfs_arc_bytes == 99999999999


# 7: psutil 1915 2809
def test_07_odd_lines_of_meminfo_are_parsed(tree: Tree) -> None:
    """No space after a colon is valid. MemAvailable 0 with free memory comes from a broken kernel, and is estimated."""
    odd = "ShadowCallStack:10373888 kB\nDirty:7 kB\n"
    tree.put("proc/meminfo", MEMINFO.format(available=0) + odd)
    memory = Host(tree).section("memory")
    assert memory.dirty_bytes == 7 * 1024
    assert memory.available_estimated
    assert memory.available_bytes == 100 * 1024


# 9: psutil 1354, glances 1601
@pytest.mark.parametrize("extra", [0, 4, 6, 12])
def test_09_a_disk_may_have_new_columns(tree: Tree, extra: int) -> None:
    """More columns than today do not hide the disk."""
    test_disk.make(tree, "sda")
    tree.put("proc/diskstats", test_disk.line("sda", (1,) * (11 + extra)))
    assert [row.name for row in Host(tree).section("disks")] == ["sda"]


# 14: dstat 120, sysstat 28, gopsutil 120, psutil 2455
def test_14_a_name_with_spaces_shifts_no_fields(tree: Tree) -> None:
    """tmux has its own memory, not its address space. A file with too few fields loses only that process."""
    test_process_table.put(tree, 7, comm="tmux: server", rss=3, start=9)
    test_process_table.put(tree, 8, comm=") S 1 (x", rss=4, start=9)
    tree.put("proc/9/stat", "9 (short) S 1 2 3\n")
    processes = Host(tree).section("processes")
    pages = {row.name: row.memory_rss_bytes for row in processes.top}
    assert pages == {
        "tmux: server": 3 * os.sysconf("SC_PAGESIZE"),
        ") S 1 (x": 4 * os.sysconf("SC_PAGESIZE"),
    }


# 16: glances 1729, docker for-linux 151, psutil 1011 2100
def test_16_the_numbers_of_host_and_container_are_separate(tree: Tree) -> None:
    """Two cores are online (of many that are possible), and the group may use half a core. Both are reported."""
    tree.put("proc/stat", "cpu0 0 0 0 9\ncpu1 0 0 0 9\n")
    tree.put("proc/meminfo", MEMINFO.format(available=500))
    tree.put("proc/uptime", "9.0 9.0\n")
    tree.link("proc/self/ns/pid", "pid:[4026532201]")
    tree.put("proc/self/cgroup", "0::/\n")
    limits = {"memory.max": "102400", "memory.current": "51200", "cpu.max": "50000 100000"}
    for name, content in {"cgroup.controllers": "", **limits}.items():
        tree.put(f"sys/fs/cgroup/{name}", content)
    tree.put("sys/devices/system/cpu/possible", "0-127\n")
    sample = Host(tree).sample()
    cpu, memory, cgroup, system = (
        sample.sections[name] for name in ("cpu", "memory", "cgroup", "system")
    )
    assert cpu.online_count == 2  # type: ignore[attr-defined]
    assert memory.total_bytes == 1000 * 1024  # type: ignore[attr-defined]
    assert cgroup.memory_limit_bytes == 102400  # type: ignore[attr-defined]
    assert cgroup.cpu_limit_cores == 0.5  # type: ignore[attr-defined]
    assert system.view == "container"  # type: ignore[attr-defined]


# 17: psutil 829
def test_17_used_percent_is_without_the_reserve_of_root(tree: Tree) -> None:
    """600 of 1000 blocks are used and 350 are available: 63.2 % as in df, not 60."""
    tree.put("proc/self/mountinfo", test_filesystem.ROOT)
    host = Host(tree, statvfs=test_filesystem.Statvfs())
    host.sample()
    assert host.section("filesystems")[0].used_percent == 63.158
    host.collector.close()


# 18: glances 3290, psutil 1931, node_exporter 578 868
def test_18_a_dead_mount_blocks_one_thread_only(tree: Tree) -> None:
    """statvfs never returns: fifty ticks go on, one thread waits, one call was made."""
    dead = test_filesystem.Statvfs()
    path = f"{tree.proc}/1/root/data"
    dead.dead.add(path)
    tree.put("proc/self/mountinfo", test_filesystem.ROOT + test_filesystem.DATA)
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector(options=Options(statvfs=dead))
    sample = collector.collect()
    try:
        assert eventually(lambda: path in dead.called)
        for _ in range(50):
            tree.advance(10.0)
            sample = collector.collect()
        rows: Any = sample.sections["filesystems"]
        assert [(row.mountpoint, row.stale) for row in rows][1] == ("/data", True)
        assert sample.sources["filesystems"].state == "stale"
        assert sample.sources["load"].state == "ok"
        assert dead.called.count(path) == 1
        assert sum(thread.name == "ts-statvfs" for thread in threading.enumerate()) <= 2
    finally:
        dead.gate.set()
        collector.close()


# 19: psutil 1708 2439 2959
def test_19_each_temperature_is_shown_once_and_divided_once(tree: Tree) -> None:
    """Zones have the same sensors as hwmon. -273 and 65 thousand are not thresholds."""
    test_temperature.chip(
        tree, 0, "coretemp", temp1_input="45000", temp1_max="65261850", temp1_crit="-273150"
    )
    test_temperature.zone(tree, 0, "x86_pkg_temp", temp="45000", **test_temperature.TRIPS)
    (row,) = Host(tree).section("temperatures")
    assert (row.celsius, row.high_celsius, row.critical_celsius) == (45.0, None, None)


# 20: netdata 7531, node_exporter 1961
def test_20_pressure_that_is_switched_off_is_absent(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """EOPNOTSUPP on reading: no error, no log line per second, no read per second."""
    tree.put("proc/pressure/cpu", "")
    reads: list[int] = []

    def pread(fd: int, *_: int) -> bytes:
        reads.append(fd)
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "pread", pread)
    source = PressureSource(tree.files)
    assert [source.collect(tree.tick()) for _ in range(20)] == [None] * 20
    assert len(reads) == 1
    assert not [record for record in caplog.records if record.levelname != "INFO"]


# 21: psutil 2095, glances 1092
def test_21_link_speed_and_uptime_are_plain_numbers(tree: Tree) -> None:
    """100 GbE is 100 000 Mbit/s, and -1 is no speed. 400 days of uptime are a number of seconds."""
    assert (parse_speed(b"100000\n"), parse_speed(b"-1\n")) == (100_000, None)
    tree.put("proc/uptime", "34560000.25 1.0\n")
    assert Host(tree).section("system").uptime_seconds == 34560000.25


def test_every_reported_bug_has_a_test() -> None:
    """Twenty-one numbered tests, none missing."""
    names = [*globals(), *vars(test_reported_bugs_rates)]
    numbers = [int(name[5:7]) for name in names if re.match(r"test_\d\d_", name)]
    assert sorted(numbers) == list(range(1, 22))
