"""The part ``clocks`` of the section cpu: when it is read, and its rates."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from telemetry_stream.metrics.source import SEARCH_SECONDS
from telemetry_stream.metrics.sources.clock_reader import Scan
from telemetry_stream.metrics.sources.clocks import Clocks, ClocksScan
from telemetry_stream.metrics.sources.cpu import CpuSource
from tests.metrics.sources.test_clock_reader import CPUS, FIRMWARE, core, policy
from tests.metrics.trees import Tree, assert_sane, opened_below


@pytest.fixture
def scan(tree: Tree) -> Iterator[ClocksScan]:
    """A reader that waits for its worker."""
    made = ClocksScan(tree.files, timeout_seconds=10.0)
    yield made
    made.close()


def collect(tree: Tree, scan: ClocksScan, seconds: float = 1.0) -> Clocks:
    """Return the part of the next tick."""
    clocks = scan.maybe_clocks(tree.tick(seconds))
    assert clocks is not None
    return clocks


def throttle(tree: Tree, number: int, count: object, package: object) -> None:
    """Set the counters of one core and its package."""
    core(
        tree,
        number,
        thermal_throttle__core_throttle_count=count,
        thermal_throttle__package_throttle_count=package,
        topology__physical_package_id=0,
    )


def test_throttling_is_the_rise_of_the_counters(tree: Tree, scan: ClocksScan) -> None:
    """Unknown at first, and after a counter fell."""
    throttle(tree, 0, 5, 7)
    throttle(tree, 1, 0, 7)
    first = collect(tree, scan)
    assert [one.throttles for one in first.cores] == [5, 0]
    assert (first.core_throttles_per_second, first.packages[0].throttles_per_second) == (None, None)
    throttle(tree, 0, 9, 13)
    second = collect(tree, scan, 2.0)
    assert [one.throttles_per_second for one in second.cores] == [2.0, 0.0]
    assert second.core_throttles_per_second == 2.0
    assert [(one.id, one.throttles, one.throttles_per_second) for one in second.packages] == [
        (0, 13, 3.0)
    ]
    throttle(tree, 0, 0, 0)
    assert collect(tree, scan).packages[0].throttles_per_second is None


def test_a_host_without_any_of_it_is_searched_every_30_seconds(
    tree: Tree, scan: ClocksScan
) -> None:
    """A virtual machine."""
    core(tree, 0, topology__core_id=0)
    assert scan.maybe_clocks(tree.tick()) is None
    with opened_below(tree.sys) as opened:
        for _ in range(20):
            assert scan.maybe_clocks(tree.tick()) is None
    assert opened == []
    policy(tree, 0, range(1, 2), 1000000)
    scan.maybe_clocks(tree.tick(SEARCH_SECONDS))
    assert [one.id for one in collect(tree, scan).cores] == [1]


def test_a_slow_reading_is_repeated_less_often(tree: Tree, scan: ClocksScan) -> None:
    """A reading of 50 ms has 10 s to wait, so it costs 0.5 % of a core at most."""
    policy(tree, 0, range(1), 1000000)
    read = scan._reader.read
    calls: list[None] = []

    def slow(key: None) -> Scan:
        calls.append(key)
        found = read(key)
        found.took = 0.05
        return found

    scan._blocking._call = slow
    for _ in range(15):
        scan.maybe_clocks(tree.tick())
    assert len(calls) == 2


def test_ages_and_readings_in_each_tick(tree: Tree, scan: ClocksScan) -> None:
    """A tick that comes a little early is not left out."""
    policy(tree, 0, range(1), 1000000)
    for khz in (1000000, 1100000, 1200000):
        tree.put(f"{CPUS}/cpufreq/policy0/scaling_cur_freq", str(khz))
        clocks = collect(tree, scan, 0.95)
        assert (clocks.cores[0].frequency_mhz, clocks.age_seconds) == (khz / 1000, 0.0)


def test_it_is_read_only_while_the_section_is_wanted(tree: Tree) -> None:
    """The rest of the section is always there."""
    tree.put("proc/stat", "cpu  1 0 1 8 0 0 0 0 0 0\ncpu0 1 0 1 8 0 0 0 0 0 0\nintr 1\nctxt 1\n")
    policy(tree, 0, range(1), 1000000)
    source = CpuSource(tree.files, timeout_seconds=10.0)
    with opened_below(tree.sys) as opened:
        assert source.collect(tree.tick()).clocks is None
    assert opened == []
    cpu = source.collect(tree.tick(wanted={"cpu"}))
    assert cpu.clocks is not None
    assert cpu.clocks.cores[0].frequency_mhz == 1000.0
    source.close()


def test_a_viewer_does_not_get_the_reading_of_the_viewer_before(tree: Tree) -> None:
    """It may be hours old. What was throttled since then did not happen now."""
    tree.put("proc/stat", "cpu  1 0 1 8 0 0 0 0 0 0\ncpu0 1 0 1 8 0 0 0 0 0 0\nintr 1\nctxt 1\n")
    throttle(tree, 0, 5, 7)
    source = CpuSource(tree.files, timeout_seconds=10.0)
    scan = source._clocks
    assert source.collect(tree.tick(wanted={"cpu"})).clocks is not None
    source.collect(tree.tick())
    throttle(tree, 0, 9, 13)
    answered = threading.Event()
    read = scan._blocking._call
    scan._blocking._call = lambda key: read(key) if answered.wait(10.0) else pytest.fail("no end")
    scan._blocking._timeout_seconds = 0.0
    assert source.collect(tree.tick(3600.0, wanted={"cpu"})).clocks is None
    answered.set()
    scan._blocking._timeout_seconds = 10.0
    clocks = source.collect(tree.tick(wanted={"cpu"})).clocks
    assert clocks is not None
    assert (clocks.cores[0].throttles, clocks.core_throttles_per_second) == (9, None)
    assert clocks.packages[0].throttles_per_second is None
    throttle(tree, 0, 10, 13)
    clocks = source.collect(tree.tick(wanted={"cpu"})).clocks
    assert clocks is not None
    assert clocks.core_throttles_per_second == 1.0
    source.close()


def test_a_board_alone_is_enough(tree: Tree, scan: ClocksScan) -> None:
    """Without cpufreq in the kernel."""
    tree.put(FIRMWARE, "50005\n")
    board = collect(tree, scan).board
    assert board is not None
    assert (board.is_under_voltage, board.was_throttled) == (True, True)


def test_cores_that_go_offline_while_they_are_read(tree: Tree, scan: ClocksScan) -> None:
    """Their files are gone until the directories are listed again."""
    policy(tree, 0, range(2), 1000000)
    policy(tree, 2, range(2, 4), 2000000)
    collect(tree, scan)
    for name in os.listdir(f"{tree.sys}/devices/system/cpu/cpufreq/policy2"):
        tree.remove(f"{CPUS}/cpufreq/policy2/{name}")
    clocks = collect(tree, scan)
    assert [one.frequency_mhz for one in clocks.cores] == [1000.0, 1000.0, None, None]
    assert_sane(clocks)
    for number in (2, 3):
        core(tree, number, online=0)
    assert [one.id for one in collect(tree, scan, 10.0).cores] == [0, 1]
