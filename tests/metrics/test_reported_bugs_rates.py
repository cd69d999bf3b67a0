"""Regression tests for wrong differences of two readings in other monitors. (Wrong readings: test_reported_bugs.)"""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.metrics.sample import encode_section
from telemetry_stream.metrics.units import CLK_TCK
from tests.metrics.sources import test_disk, test_network, test_process_table
from tests.metrics.trees import Host, Tree, assert_sane


def cores(*rows: tuple[int, tuple[int, ...]]) -> str:
    """Return /proc/stat of these cores, with a summary line that is wrong on purpose."""
    lines = ["cpu  999999 9 9 9 9 9 9 9 9 9"]
    lines += [f"cpu{core} {' '.join(map(str, ticks))}" for core, ticks in rows]
    return "\n".join([*lines, "ctxt 5", ""])


def idle(value: int) -> tuple[int, ...]:
    """Return a core that was always idle."""
    return (0, 0, 0, value, 0, 0, 0, 0, 0, 0)


# 1: psutil 940
def test_01_guest_time_counts_once(tree: Tree) -> None:
    """A hypervisor whose virtual machines use 50 of 100 ticks is at 50 %, not at 67 %."""
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
        # Iowait and steal decrease by themselves.
        ((0, 0, 0, 500, 9, 0, 0, 9, 0, 0), (50, 0, 0, 550, 7, 0, 0, 0, 0, 0), 50.0),
        # The core was plugged in again.
        ((900, 0, 90, 90_000, 0, 0, 0, 0, 0, 0), (950, 0, 95, 10, 0, 0, 0, 0, 0, 0), None),
    ],
)
def test_02_counters_of_a_core_may_decrease(
    tree: Tree, before: tuple[int, ...], after: tuple[int, ...], usage: float | None
) -> None:
    """Shares are never negative, never stuck, and never falsely 100 %."""
    host = Host(tree)
    tree.put("proc/stat", cores((0, before)))
    host.sample()
    tree.put("proc/stat", cores((0, after)))
    cpu = host.section("cpu")
    assert cpu.usage_percent == usage
    assert_sane(cpu)


# 3: psutil 1086 2628, htop 648, s-tui 304
def test_03_an_offline_core_does_not_shift_the_others(tree: Tree) -> None:
    """Cores 0, 1 and 3 are online: the third row is core 3, no core counts as 0, and the number of cores is new."""
    host = Host(tree)
    tree.put("proc/stat", cores(*((core, idle(0)) for core in range(4))))
    assert host.section("cpu").online_count == 4
    busy = (100, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    tree.put("proc/stat", cores((0, busy), (1, busy), (3, busy)))
    cpu = host.section("cpu")
    assert [core.id for core in cpu.cores] == [0, 1, 3]
    assert (cpu.online_count, cpu.usage_percent) == (3, 100.0)


# 4: psutil 332 1095 1703
def test_04_the_first_sample_has_no_rates(tree: Tree) -> None:
    """They are null and not 0.0, and two collectors do not share a previous reading."""
    one, other = Host(tree), Host(tree)
    tree.put("proc/stat", cores((0, idle(0))))
    assert one.section("cpu").usage_percent is None
    tree.put("proc/stat", cores((0, (30, 0, 0, 70, 0, 0, 0, 0, 0, 0))))
    assert other.section("cpu").usage_percent is None
    assert one.section("cpu").usage_percent == 30.0
    assert '"usage_percent":null' in encode_section(Host(tree).section("cpu"))


# 8: psutil 1244 1305, dool 32, node_exporter 2311
def test_08_partitions_are_not_added_to_their_disk(tree: Tree) -> None:
    """A disk with two partitions reads 1000 sectors of 512 bytes: 512 000 B/s, whatever its logical block size."""
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


# 10: telegraf 17411, sysstat 355 412, netdata 6077
def test_10_a_reset_makes_no_spike(tree: Tree) -> None:
    """A counter that starts anew is null once, and util is at most 100."""
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
    tree.put("proc/diskstats", test_disk.line("sda", (5, 5, 5, 5, 5, 5, 5, 5, 5, 2_900, 5)))
    assert host.section("disks")[0].util_percent == 100.0


# 11: gopsutil 511, htop 1469, netdata 18384
def test_11_a_removed_interface_does_not_make_the_total_negative(tree: Tree) -> None:
    """The bytes of a bond and a VLAN are not added to those of the card."""
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
def test_12_a_rate_does_not_depend_on_the_interval(tree: Tree, seconds: float) -> None:
    """The same traffic at any interval is 1000 bytes and 1000 switches per second."""
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
def test_13_zero_is_reported_and_read_is_not_write(tree: Tree) -> None:
    """0.0 is a measured value. Writing does not count as reading."""
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


# 15: nscp 1327, psutil 711 1724 2526 2541
def test_15_a_reused_pid_is_another_process(tree: Tree) -> None:
    """A process stays the same if the system time is set."""
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
