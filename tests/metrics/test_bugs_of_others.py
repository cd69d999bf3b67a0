"""Wrong numbers that other monitors have shipped, one test each: none of them may appear here.

The comment above each test names the reports. Most traps have more tests beside their source; these are the ones that
stay even if a source is rewritten.
"""

from __future__ import annotations

import errno
import math
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample, encode_section
from telemetry_stream.metrics.sources import Options
from telemetry_stream.metrics.sources.link import parse_speed
from telemetry_stream.metrics.sources.pressure import PressureSource
from telemetry_stream.metrics.units import CLK_TCK
from tests.conftest import eventually
from tests.metrics.sources import (
    test_disk,
    test_filesystem,
    test_network,
    test_process_table,
    test_temperature,
)
from tests.metrics.trees import Tree, assert_sane


class Host:
    """A collector on a tree, asked for everything."""

    def __init__(self, tree: Tree, **options: Any) -> None:
        self.tree = tree
        self.collector: Collector = tree.collector(
            options=Options(process_rows=None, patience_seconds=10.0, **options)
        )
        self.collector.want(None, math.inf)

    def section(self, name: str, *, seconds: float = 1.0) -> Any:
        """One section of the next sample."""
        return self.sample(seconds=seconds).sections[name]

    def sample(self, *, seconds: float = 1.0) -> Sample:
        """The next sample."""
        self.tree.advance(seconds)
        return self.collector.collect()


def cores(*rows: tuple[int, tuple[int, ...]]) -> str:
    """/proc/stat of these cores, with a summary line that is wrong on purpose."""
    lines = ["cpu  999999 9 9 9 9 9 9 9 9 9"]
    lines += [f"cpu{core} {' '.join(map(str, ticks))}" for core, ticks in rows]
    return "\n".join([*lines, "ctxt 5", ""])


def idle(value: int) -> tuple[int, ...]:
    """A core that has only ever been idle."""
    return (0, 0, 0, value, 0, 0, 0, 0, 0, 0)


# 1: psutil 940
def test_01_guest_time_summed_twice(tree: Tree) -> None:
    """A hypervisor whose guests use 50 of 100 ticks is half busy, not 67 %."""
    host = Host(tree)
    tree.put("proc/stat", cores((0, (0,) * 10)))
    host.sample()
    tree.put("proc/stat", cores((0, (50, 0, 0, 50, 0, 0, 0, 0, 50, 0))))
    cpu = host.section("cpu")
    assert (cpu.usage_percent, cpu.user_percent, cpu.guest_percent) == (50.0, 0.0, 50.0)


# 2: psutil 392 645 1210 2172, node_exporter 1686 1903, sysstat 14
@pytest.mark.parametrize(
    ("before", "after", "usage"),
    [
        (
            (0, 0, 0, 500, 9, 0, 0, 9, 0, 0),
            (50, 0, 0, 550, 7, 0, 0, 0, 0, 0),
            50.0,
        ),  # iowait, steal: clamped
        (
            (900, 0, 90, 90_000, 0, 0, 0, 0, 0, 0),
            (950, 0, 95, 10, 0, 0, 0, 0, 0, 0),
            None,
        ),  # plugged in again
    ],
)
def test_02_counters_of_a_core_backwards(
    tree: Tree, before: tuple[int, ...], after: tuple[int, ...], usage: float | None
) -> None:
    """Never negative, never stuck, never a false 100 %."""
    host = Host(tree)
    tree.put("proc/stat", cores((0, before)))
    host.sample()
    tree.put("proc/stat", cores((0, after)))
    cpu = host.section("cpu")
    assert cpu.usage_percent == usage
    assert_sane(cpu)


# 3: psutil 1086 2628, htop 648, s-tui 304
def test_03_cores_shifted_by_one_that_went_offline(tree: Tree) -> None:
    """Cores 0, 1 and 3 are online: the third row is core 3, nobody is averaged in as 0, the count is new."""
    host = Host(tree)
    tree.put("proc/stat", cores(*((core, idle(0)) for core in range(4))))
    assert host.section("cpu").online_count == 4
    busy = (100, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    tree.put("proc/stat", cores((0, busy), (1, busy), (3, busy)))
    cpu = host.section("cpu")
    assert [core.id for core in cpu.cores] == [0, 1, 3]
    assert (cpu.online_count, cpu.usage_percent) == (3, 100.0)


# 4: psutil 332 1095 1703
def test_04_a_first_call_shown_as_a_measurement(tree: Tree) -> None:
    """The first sample has null and not 0.0, and two collectors do not share one previous reading."""
    one, other = Host(tree), Host(tree)
    tree.put("proc/stat", cores((0, idle(0))))
    assert one.section("cpu").usage_percent is None
    tree.put("proc/stat", cores((0, (30, 0, 0, 70, 0, 0, 0, 0, 0, 0))))
    assert other.section("cpu").usage_percent is None
    assert one.section("cpu").usage_percent == 30.0
    assert '"usage_percent":null' in encode_section(Host(tree).section("cpu"))


MEMINFO = """MemTotal: 1000 kB
MemFree: 100 kB
MemAvailable: {available} kB
Buffers: 50 kB
Cached: 400 kB
Shmem: 300 kB
"""


# 5: psutil 685 862 887 2604, glances 1924 3343
def test_05_memory_by_a_homemade_formula(tree: Tree) -> None:
    """Used is total less available; total - free - buffers - cached would say 450, free alone 900."""
    tree.put("proc/meminfo", MEMINFO.format(available=350))
    memory = Host(tree).section("memory")
    assert (memory.used_bytes, memory.available_bytes) == (650 * 1024, 350 * 1024)


# 6: glances 3358, htop 863 1406
def test_06_negative_memory_in_a_container(tree: Tree) -> None:
    """lxcfs gives the host's MemAvailable and ZFS its ARC: used stays between 0 and the total."""
    tree.put("proc/meminfo", MEMINFO.format(available=64_000_000))
    tree.put("proc/spl/kstat/zfs/arcstats", "size 4 99999999999\n")
    memory = Host(tree).section("memory")
    assert (memory.used_bytes, memory.used_percent) == (900 * 1024, 90.0)
    assert memory.zfs_arc_bytes == 99999999999


# 7: psutil 1915 2809
def test_07_odd_lines_in_meminfo(tree: Tree) -> None:
    """No space after a colon is no error; MemAvailable 0 with free memory is a broken kernel: estimated."""
    odd = "ShadowCallStack:10373888 kB\nDirty:7 kB\n"
    tree.put("proc/meminfo", MEMINFO.format(available=0) + odd)
    memory = Host(tree).section("memory")
    assert memory.dirty_bytes == 7 * 1024
    assert memory.available_estimated
    assert memory.available_bytes == 100 * 1024


# 8: psutil 1244 1305, dool 32, node_exporter 2311
def test_08_an_nvme_counted_with_its_partitions(tree: Tree) -> None:
    """One disk of two partitions reads 1000 sectors of 512 bytes: 512 000 B/s, whatever its logical block size."""
    test_disk.make(tree, "nvme0n1")
    tree.put("sys/block/nvme0n1/queue/logical_block_size", "4096\n")
    host = Host(tree)

    def put(sectors: int) -> None:
        numbers = (1, 0, sectors, 1, 0, 0, 0, 0, 0, 1, 1)
        names = {"nvme0n1": "259 0", "nvme0n1p1": "259 1", "nvme0n1p2": "259 2"}
        tree.put(
            "proc/diskstats",
            "".join(test_disk.line(name, numbers, number) for name, number in names.items()),
        )

    put(0)
    host.sample()
    put(1000)
    sample = host.sample()
    disk: Any = sample.sections["disk"]
    assert disk.total_read_bytes_per_second == 512_000.0
    assert [row.name for row in sample.sections["disks"]] == ["nvme0n1"]  # type: ignore[attr-defined]


# 9: psutil 1354, glances 1601
@pytest.mark.parametrize("extra", [0, 4, 6, 12])
def test_09_new_columns_in_diskstats(tree: Tree, extra: int) -> None:
    """More columns than today's are no reason to drop the disk."""
    test_disk.make(tree, "sda")
    tree.put("proc/diskstats", test_disk.line("sda", (1,) * (11 + extra)))
    assert [row.name for row in Host(tree).section("disks")] == ["sda"]


# 10: telegraf 17411, sysstat 355 412, netdata 6077
def test_10_trillions_after_a_wrap_or_a_reset(tree: Tree) -> None:
    """A counter that starts again is null once, whatever it counted; util never passes 100."""
    test_disk.make(tree, "sda")
    test_network.make(tree, "eth0")
    host = Host(tree)
    big = 10**15
    tree.put("proc/diskstats", test_disk.line("sda", (big,) * 11))
    tree.put("proc/net/dev", test_network.HEAD + test_network.line("eth0", (big, 5, 5, 5)))
    host.sample()
    tree.put("proc/diskstats", test_disk.line("sda", (5,) * 11))
    tree.put("proc/net/dev", test_network.HEAD + test_network.line("eth0", (5, 5, 5, 5)))
    sample = host.sample()
    disks, interfaces = sample.sections["disks"], sample.sections["interfaces"]
    assert disks[0].read_bytes_per_second is None  # type: ignore[index]
    assert interfaces[0].rx_bytes_per_second is None  # type: ignore[index]
    tree.put("proc/diskstats", test_disk.line("sda", (5, 5, 5, 5, 5, 5, 5, 5, 5, 9_000, 5)))
    assert host.section("disks")[0].util_percent == 100.0


# 11: gopsutil 511, htop 1469, netdata 18384
def test_11_a_sum_over_interfaces_of_which_one_goes(tree: Tree) -> None:
    """A vanished card does not make the total negative; a bond and a VLAN on it are not counted beside it."""
    for name in ("eth0", "eth1"):
        test_network.make(tree, name)
    for name in ("bond0", "bond0.5"):
        test_network.make(tree, name, device=False)
    host = Host(tree)

    def put(names: tuple[str, ...], received: int) -> None:
        rows = "".join(test_network.line(name, (received, 0, 0, 0)) for name in names)
        tree.put("proc/net/dev", test_network.HEAD + rows)

    put(("eth0", "eth1", "bond0", "bond0.5"), 10**9)
    host.sample()
    put(("eth0", "bond0", "bond0.5"), 10**9 + 700)
    assert host.section("network").total_rx_bytes_per_second == 700.0


# 12: iGlance 39, glances 3126
@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.5, 60.0])
def test_12_a_rate_that_is_right_for_one_second_only(tree: Tree, seconds: float) -> None:
    """The same traffic at any interval is the same rate: 1000 bytes and 1000 switches a second."""
    test_network.make(tree, "eth0")
    host = Host(tree)
    sample = host.sample()
    for step in range(2):
        count = round(step * 1000 * seconds)
        tree.put("proc/net/dev", test_network.HEAD + test_network.line("eth0", (count, 0, 0, 0)))
        tree.put("proc/stat", cores((0, idle(step))).replace("ctxt 5", f"ctxt {count}"))
        sample = host.sample(seconds=seconds)
    interfaces: Any = sample.sections["interfaces"]
    cpu: Any = sample.sections["cpu"]
    assert interfaces[0].rx_bytes_per_second == pytest.approx(1000.0)
    assert cpu.context_switches_per_second == pytest.approx(1000.0)


# 13: glances 1922 3694
def test_13_zero_taken_for_no_data_and_read_for_write(tree: Tree) -> None:
    """Nothing moved is 0.0 and said; what was written is not what was read."""
    test_disk.make(tree, "sda")
    host = Host(tree)
    tree.put("proc/diskstats", test_disk.line("sda", test_disk.SDA))
    host.sample()
    tree.put(
        "proc/diskstats",
        test_disk.line("sda", test_disk.change(test_disk.SDA, sectors_written=1010)),
    )
    disk = host.section("disk")
    assert (disk.total_read_bytes_per_second, disk.total_write_bytes_per_second) == (0.0, 5120.0)
    assert '"total_read_bytes_per_second":0.0' in encode_section(disk)


# 14: dstat 120, sysstat 28, gopsutil 120, psutil 2455
def test_14_a_name_with_spaces_shifts_all_fields(tree: Tree) -> None:
    """tmux has its own memory, not its address space; a file of too few fields costs that process only."""
    test_process_table.put(tree, 7, comm="tmux: server", rss=3, start=9)
    test_process_table.put(tree, 8, comm=") S 1 (x", rss=4, start=9)
    tree.put("proc/9/stat", "9 (short) S 1 2 3\n")
    processes = Host(tree).section("processes")
    pages = {row.name: row.memory_rss_bytes for row in processes.top}
    assert pages == {
        "tmux: server": 3 * os.sysconf("SC_PAGESIZE"),
        ") S 1 (x": 4 * os.sysconf("SC_PAGESIZE"),
    }


# 15: nscp 1327, psutil 711 1724 2526 2541
def test_15_a_pid_used_again_and_a_clock_that_is_set(tree: Tree) -> None:
    """A smaller counter under an old pid is another process; the same one stays the same when the clock is set."""
    host = Host(tree)
    tree.put("proc/stat", cores((0, idle(0))) + "btime 1700000000\n")
    test_process_table.put(tree, 7, ticks=10**6, start=50)
    test_process_table.put(tree, 8, ticks=500, start=60)
    host.sample()
    test_process_table.put(tree, 7, ticks=3, start=99)
    test_process_table.put(tree, 8, ticks=500 + CLK_TCK, start=60)
    tree.put("proc/stat", cores((0, idle(1))) + "btime 1600000000\n")
    tree.realtime -= 10**8
    cpu = {row.pid: row.cpu_percent for row in host.section("processes").top}
    assert cpu == {7: None, 8: 100.0}


# 16: glances 1729, docker for-linux 151, psutil 1011 2100
def test_16_the_hosts_numbers_taken_for_the_containers(tree: Tree) -> None:
    """Two cores are online (of however many are possible), the group may use half a one: both are said, apart."""
    tree.put("proc/stat", cores((0, idle(0)), (1, idle(0))))
    tree.put("proc/meminfo", MEMINFO.format(available=500))
    tree.put("proc/uptime", "9.0 9.0\n")
    tree.put("proc/self/mountinfo", "1 0 0:50 / / rw - overlay overlay rw\n")
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
def test_17_a_disk_percentage_with_the_reserve_of_root(tree: Tree) -> None:
    """600 of 1000 blocks used and 350 free to us: 63.2 % as df says, not 60."""
    tree.put("proc/self/mountinfo", test_filesystem.ROOT)
    host = Host(tree, statvfs=test_filesystem.Statvfs())
    host.sample()
    assert host.section("filesystems")[0].used_percent == 63.158
    host.collector.close()


# 18: glances 3290, psutil 1931, node_exporter 578 868
def test_18_a_dead_mount_stops_or_leaks_everything(tree: Tree) -> None:
    """A statvfs that never returns: fifty ticks go on, one thread waits, one call was made."""
    dead = test_filesystem.Statvfs()
    path = f"{tree.proc}/1/root/data"
    dead.dead.add(path)
    tree.put("proc/self/mountinfo", test_filesystem.ROOT + test_filesystem.DATA)
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector(options=Options(statvfs=dead))
    sample = collector.collect()
    try:
        assert eventually(lambda: path in dead.asked)
        for _ in range(50):
            tree.advance(10.0)
            sample = collector.collect()
        rows: Any = sample.sections["filesystems"]
        assert [(row.mountpoint, row.stale) for row in rows][1] == ("/data", True)
        assert sample.sources["filesystems"].state == "stale"
        assert sample.sources["load"].state == "ok"
        assert dead.asked.count(path) == 1
        assert sum(thread.name == "ts-statvfs" for thread in threading.enumerate()) <= 2
    finally:
        dead.gate.set()
        collector.close()


# 19: psutil 1708 2439 2959
def test_19_temperatures_twice_divided_twice_or_from_nowhere(tree: Tree) -> None:
    """Zones beside hwmon are the same sensors; each limit is divided once; -273 and 65 thousand are no limits."""
    test_temperature.chip(
        tree, 0, "coretemp", temp1_input="45000", temp1_max="65261850", temp1_crit="-273150"
    )
    test_temperature.zone(tree, 0, "x86_pkg_temp", temp="45000", **test_temperature.TRIPS)
    (row,) = Host(tree).section("temperatures")
    assert (row.celsius, row.high_celsius, row.critical_celsius) == (45.0, None, None)


# 20: netdata 7531, node_exporter 1961
def test_20_pressure_built_in_but_off(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """EOPNOTSUPP on read is an absence: no error, no line in the log per second, no read per second."""
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
def test_21_a_link_speed_that_overflows_and_an_uptime_as_text(tree: Tree) -> None:
    """100 GbE is 100 000 Mbit/s, -1 is no speed; 400 days of uptime are a number of seconds."""
    assert (parse_speed(b"100000\n"), parse_speed(b"-1\n")) == (100_000, None)
    tree.put("proc/uptime", "34560000.25 1.0\n")
    assert Host(tree).section("system").uptime_seconds == 34560000.25


def test_every_trap_has_its_test() -> None:
    """Twenty-one numbered tests, none missing."""
    tests: dict[str, Callable[..., None]] = {
        name: value
        for name, value in globals().items()
        if name.startswith("test_") and name[5:7].isdigit()
    }
    assert sorted(int(name[5:7]) for name in tests) == list(range(1, 22))
