"""The sections containers, container_restarts and container_counts, with expected values computed by hand."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from telemetry_stream.metrics.source import SEARCH_SECONDS, Options
from telemetry_stream.metrics.sources import container_finder, containers
from telemetry_stream.metrics.sources.container_api import Api
from telemetry_stream.metrics.sources.container_finder import Finder
from telemetry_stream.metrics.sources.container_path import Identity, find_containers
from telemetry_stream.metrics.sources.container_record import Container, ContainerCounts, Described
from telemetry_stream.metrics.sources.container_restarts import (
    RECENT_SECONDS,
    ContainerRestarts,
    Restarts,
)
from telemetry_stream.metrics.sources.containers import (
    DETAILS_PER_TICK,
    FIND_SECONDS,
    ContainersSource,
    CountsSource,
    RestartsSource,
)
from tests.metrics.sources.test_container_files import (
    MIB,
    PSI,
    put_v1,
    put_v2,
)
from tests.metrics.sources.test_container_network import NET_DEV, put_process
from tests.metrics.trees import Tree, assert_sane

ID = "4f5a6b7c8d9e" + "0123456789abcdef" * 3 + "0123"
DOCKER = f"/system.slice/docker-{ID}.scope"


def numbered(number: int) -> str:
    """Return the group of one of many containers."""
    return f"/docker/{number:064x}"


@pytest.fixture
def source(tree: Tree) -> Iterator[ContainersSource]:
    """The section of a host with two cores."""
    tree.put("proc/stat", "cpu 1 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1\n")
    restarts = Restarts()
    finder = Finder(tree.files, timeout_seconds=10.0)
    made = ContainersSource(tree.files, finder, restarts)
    yield made
    made.close()
    restarts.close()
    finder.close()


def rows(source: ContainersSource, tree: Tree, seconds: float = 1.0) -> list[Container]:
    """Return the rows of the next tick, by id."""
    section = source.collect(tree.tick(seconds))
    assert section is not None
    assert_sane(section)
    return sorted(section, key=lambda row: row.id)


def gone(tree: Tree, group: str) -> None:
    """Remove a group. Reading through an open descriptor fails, as it does for the kernel's files."""
    shutil.rmtree(f"{tree.sys}/fs/cgroup{group}")


def test_what_a_container_uses(tree: Tree, source: ContainersSource) -> None:
    """In 2 s: 1.5 s of CPU are 75 % of a core and 50 % of the 1.5 cores; 5 of 20 periods were throttled.

    100 - 30 of 200 MiB are in use: 35 %. 4000 and 6000 bytes are 2000 and 3000 per second, and 100 ms of 2 s are 5 %.
    """
    put_v2(tree, DOCKER)
    put_process(tree, 50, DOCKER)
    (first,) = rows(source, tree)
    assert first == Container(
        id="4f5a6b7c8d9e",
        name=None,
        runtime="docker",
        pod=None,
        unit=f"docker-{ID}.scope",
        image=None,
        health=None,
        labels=(),
        restarts=0,
        cpu_percent=None,
        cpu_limit_cores=1.5,
        cpu_limit_used_percent=None,
        cpu_throttled_percent=None,
        memory_working_set_bytes=70 * MIB,
        memory_limit_bytes=200 * MIB,
        memory_percent=35.0,
        pids=7,
        pids_limit=None,
        read_bytes_per_second=None,
        write_bytes_per_second=None,
        cpu_stall_percent=None,
        memory_stall_percent=None,
        io_stall_percent=None,
        rx_bytes_per_second=None,
        tx_bytes_per_second=None,
        age_seconds=0.0,
    )
    put_v2(
        tree,
        DOCKER,
        **{
            "cpu.stat": "usage_usec 1505000\nnr_periods 30\nnr_throttled 9\n",
            "io.stat": "8:0 rbytes=4100 wbytes=6200\n",
            "cpu.pressure": PSI.format(100_011),
        },
    )
    tree.put(
        "proc/50/net/dev",
        NET_DEV.replace(" 1000 ", " 2000 ").replace(
            " 2000 1 0 0 0 0 0 0\n", " 6000 1 0 0 0 0 0 0\n"
        ),
    )
    (row,) = rows(source, tree, 2.0)
    assert (row.cpu_percent, row.cpu_limit_used_percent, row.cpu_throttled_percent) == (
        75.0,
        50.0,
        25.0,
    )
    assert (row.read_bytes_per_second, row.write_bytes_per_second) == (2000.0, 3000.0)
    assert (row.cpu_stall_percent, row.memory_stall_percent, row.io_stall_percent) == (
        5.0,
        0.0,
        0.0,
    )
    assert (row.rx_bytes_per_second, row.tx_bytes_per_second) == (500.0, 2000.0)


def test_version_1(tree: Tree, source: ContainersSource) -> None:
    """The hierarchies are those of version 1 if that is all there is."""
    put_v1(tree, f"/docker/{ID}")
    rows(source, tree)
    tree.put(f"sys/fs/cgroup/cpuacct/docker/{ID}/cpuacct.usage", "505000999\n")
    (row,) = rows(source, tree)
    assert (row.runtime, row.cpu_percent, row.memory_percent) == ("docker", 50.0, 35.0)
    assert (row.cpu_stall_percent, row.pids) == (None, 7)


def test_a_host_without_containers_has_no_section(tree: Tree) -> None:
    """With control groups, and without."""
    finder = Finder(tree.files, timeout_seconds=10.0)
    restarts = Restarts()
    sources = (
        CountsSource(finder),
        RestartsSource(finder, restarts),
        ContainersSource(tree.files, finder, restarts),
    )
    for _ in range(2):
        for source in sources:
            assert source.collect(tree.tick(SEARCH_SECONDS)) is None
        put_v2(tree, "/system.slice/a.service")
    restarts.close()
    finder.close()


def test_containers_are_counted_by_runtime(tree: Tree) -> None:
    """Every 30 s. The ticks between make no system call."""
    counts = CountsSource(Finder(tree.files, timeout_seconds=10.0))
    put_v2(tree, DOCKER)
    put_v2(tree, numbered(1))
    put_v2(tree, "/lxc.payload.web")
    assert counts.collect(tree.tick()) == ContainerCounts(docker=2, lxc=1)
    gone(tree, DOCKER)
    with pytest.MonkeyPatch.context() as patched:
        for name in ("listdir", "stat", "open", "scandir"):
            patched.setattr(os, name, lambda *_, **__: pytest.fail("a system call"))
        section = counts.collect(tree.tick(SEARCH_SECONDS - 1))
    assert section == ContainerCounts(docker=2, lxc=1)
    assert counts.collect(tree.tick(1.0)) == ContainerCounts(docker=1, lxc=1)
    counts.close()


def test_a_container_that_is_gone_is_left_out_at_once(tree: Tree, source: ContainersSource) -> None:
    """And the others stay. Its name may be that of a new one, which is a first reading."""
    put_v2(tree, DOCKER)
    put_v2(tree, numbered(1))
    assert len(rows(source, tree)) == 2
    gone(tree, DOCKER)
    # The kernel's file fails with ENODEV; a file of a tree does not.
    source._rows[DOCKER].group.close()
    assert [row.id for row in rows(source, tree)] == ["000000000000"]
    put_v2(tree, DOCKER)
    again = rows(source, tree)
    assert [row.cpu_percent for row in again] == [0.0, None]


def test_a_container_whose_cpu_time_cannot_be_read(
    tree: Tree, source: ContainersSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 1 without cpuacct: everything else is known, and the hierarchy is not searched in each tick."""
    put_v1(tree, f"/docker/{ID}")
    shutil.rmtree(f"{tree.sys}/fs/cgroup/cpuacct")
    searches: list[str] = []

    def find(root: str) -> dict[str, Identity]:
        searches.append(root)
        return find_containers(root)

    monkeypatch.setattr(container_finder, "find_containers", find)
    for _ in range(3):
        (row,) = rows(source, tree)
        assert (row.cpu_percent, row.cpu_throttled_percent, row.memory_percent) == (
            None,
            None,
            35.0,
        )
    assert len(searches) == 1


def test_without_free_descriptors_a_container_stays(
    tree: Tree, source: ContainersSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its CPU time is unknown in the tick, and known again after the next reading."""
    put_v2(tree, DOCKER)
    rows(source, tree)
    with monkeypatch.context() as patched:
        patched.setattr(source._rows[DOCKER].group, "maybe_cpu", lambda: None)
        (row,) = rows(source, tree)
    assert row.cpu_percent is None
    assert [row.cpu_percent for _ in range(2) for row in rows(source, tree)] == [None, 0.0]


def test_a_new_container_appears_within_5_s(tree: Tree, source: ContainersSource) -> None:
    """The hierarchy is not searched in each tick."""
    put_v2(tree, numbered(1))
    assert len(rows(source, tree)) == 1
    put_v2(tree, numbered(2))
    assert len(rows(source, tree, FIND_SECONDS - 1)) == 1
    assert len(rows(source, tree, 1.0)) == 2


def test_the_first_container_appears_within_30_s(tree: Tree, source: ContainersSource) -> None:
    """Most hosts have none: their hierarchy is not searched every 5 s."""
    assert source.collect(tree.tick()) is None
    put_v2(tree, DOCKER)
    assert source.collect(tree.tick(SEARCH_SECONDS - 1)) is None
    assert len(rows(source, tree)) == 1


def test_details_are_read_in_turns(tree: Tree, source: ContainersSource) -> None:
    """With 25 containers, every third tick, and those of five in the one before, too. CPU is read in each."""
    for number in range(25):
        put_v2(tree, numbered(number))
    assert [row.age_seconds for row in rows(source, tree)].count(0.0) == DETAILS_PER_TICK
    assert all(row.cpu_percent == 0.0 for row in rows(source, tree))
    ages = [row.age_seconds for row in rows(source, tree)]
    assert None not in ages
    assert (ages.count(0.0), ages.count(1.0), ages.count(2.0)) == (10, 10, 5)


def test_rates_divide_by_the_time_between_two_turns(
    tree: Tree, source: ContainersSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read every second tick: 4000 bytes in 2 s are 2000 per second."""
    monkeypatch.setattr(containers, "DETAILS_PER_TICK", 1)
    for number in range(2):
        put_v2(tree, numbered(number), **{"io.stat": "8:0 rbytes=0 wbytes=0\n"})
    rows(source, tree)
    rows(source, tree)
    for number in range(2):
        put_v2(tree, numbered(number), **{"io.stat": "8:0 rbytes=4000 wbytes=0\n"})
    rows(source, tree)
    assert [row.read_bytes_per_second for row in rows(source, tree)] == [2000.0, 2000.0]


def test_counters_that_fall_or_leap_are_unknown(tree: Tree, source: ContainersSource) -> None:
    """CPU time of more than all cores, and bytes that fall because a disk was replaced."""
    put_v2(tree, DOCKER)
    rows(source, tree)
    changes = {"cpu.stat": "usage_usec 99999999\n", "io.stat": "8:0 rbytes=1 wbytes=2\n"}
    put_v2(tree, DOCKER, **changes)
    (row,) = rows(source, tree)
    assert (row.cpu_percent, row.read_bytes_per_second) == (None, None)


def test_an_interface_that_moves_into_a_container_is_no_traffic(
    tree: Tree, source: ContainersSource
) -> None:
    """Nor is a disk that appears. What the others transfer is known."""
    put_v2(tree, DOCKER)
    put_process(tree, 50, DOCKER)
    rows(source, tree)
    moved = "  eth2: 50000000000 1 0 0 0 0 0 0 50000000000 1 0 0 0 0 0 0\n"
    tree.put("proc/50/net/dev", NET_DEV.replace(" 30 1", " 90 1") + moved)
    put_v2(
        tree,
        DOCKER,
        **{"io.stat": "8:0 rbytes=107 wbytes=200\n8:32 rbytes=50000000000 wbytes=9\n"},
    )
    (row,) = rows(source, tree)
    assert (row.rx_bytes_per_second, row.tx_bytes_per_second) == (60.0, 0.0)
    assert (row.read_bytes_per_second, row.write_bytes_per_second) == (7.0, 0.0)
    tree.put("proc/50/net/dev", NET_DEV)
    (row,) = rows(source, tree)
    assert (row.rx_bytes_per_second, row.tx_bytes_per_second) == (0.0, 0.0)


def test_a_group_that_has_done_nothing_reads_nothing(tree: Tree, source: ContainersSource) -> None:
    """It has no disks. The first that appears has no rate yet."""
    put_v2(tree, DOCKER, **{"io.stat": ""})
    rows(source, tree)
    (row,) = rows(source, tree)
    assert (row.read_bytes_per_second, row.write_bytes_per_second) == (0.0, 0.0)
    put_v2(tree, DOCKER)
    (row,) = rows(source, tree)
    assert (row.read_bytes_per_second, row.write_bytes_per_second) == (None, None)


def test_after_close_the_next_sample_is_a_first_one(tree: Tree, source: ContainersSource) -> None:
    """No viewer wanted the section for a while. No descriptor stays open."""
    put_v2(tree, DOCKER)
    rows(source, tree)
    source.close()
    assert source._budget.kept == 0
    (row,) = rows(source, tree)
    assert row.cpu_percent is None


@pytest.mark.parametrize(
    ("put", "file", "content"),
    [
        (put_v2, f"docker/{ID}/cpu.stat", "usage_usec 300000\n"),
        (put_v1, f"cpuacct/docker/{ID}/cpuacct.usage", "300000000\n"),
    ],
    ids=["version 2", "version 1"],
)
def test_the_first_values_after_a_restart_are_those_of_a_new_container(
    tree: Tree, source: ContainersSource, put: Callable[..., None], file: str, content: str
) -> None:
    """The new group has used more CPU time than the one before, so that its rate looks possible. The row stays."""
    for group in (f"/docker/{ID}", numbered(1)):
        put(tree, group)
    rows(source, tree)
    row = rows(source, tree)[1]
    assert (row.restarts, row.cpu_percent, row.read_bytes_per_second) == (0, 0.0, 0.0)
    kept = source._budget.kept
    for group in glob.glob(f"{tree.sys}/fs/cgroup/**/docker/{ID}", recursive=True):
        shutil.rmtree(group)
    put(tree, f"/docker/{ID}")
    tree.put(f"sys/fs/cgroup/{file}", content)
    other, row = rows(source, tree)
    assert (other.restarts, other.cpu_percent) == (0, 0.0)
    assert (row.restarts, row.cpu_percent, row.read_bytes_per_second) == (1, None, None)
    assert row.memory_percent == 35.0
    row = rows(source, tree)[1]
    assert (row.restarts, row.cpu_percent, row.read_bytes_per_second) == (1, 0.0, 0.0)
    assert source._budget.kept == kept


def test_a_restart_between_two_readings_of_a_tick(
    tree: Tree, source: ContainersSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's file of the group that is gone fails with ENODEV, and the path is that of the new one."""
    put_v2(tree, DOCKER)
    put_v2(tree, numbered(1))
    rows(source, tree)
    group = source._rows[DOCKER].group
    made_again: list[int] = []
    pread = os.pread

    def restart(fd: int, size: int, offset: int) -> bytes:
        if fd == group._stat._fd and not made_again:  # type: ignore[attr-defined]
            made_again.append(fd)
            gone(tree, DOCKER)
            put_v2(tree, DOCKER, **{"cpu.stat": "usage_usec 5100000\n"})
            raise OSError(errno.ENODEV, "")
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", restart)
    row = rows(source, tree)[1]
    assert made_again
    assert (row.restarts, row.cpu_percent, row.memory_percent) == (1, None, None)
    row = rows(source, tree)[1]
    assert (row.restarts, row.cpu_percent, row.memory_percent) == (1, 0.0, 35.0)
    assert source._budget.kept == 2


def test_restarts_are_counted_without_a_viewer(tree: Tree) -> None:
    """The section has a container that was restarted, also while it does not run, for 15 minutes."""
    put_v2(tree, numbered(1))
    collector = tree.collector(options=Options(timeout_seconds=10.0))

    def collected(seconds: float) -> Any:
        tree.advance(seconds)
        return collector.collect().sections.get("container_restarts")

    assert collected(1.0) == ()
    for _ in range(3):
        gone(tree, numbered(1))
        put_v2(tree, numbered(1))
    gone(tree, numbered(1))
    expected = ContainerRestarts("000000000000", "docker", "000000000000", 3, 3)
    assert collected(1.0) == (expected,)
    assert collected(RECENT_SECONDS - 1.0) == (expected,)
    assert collected(1.0) is None


def test_the_name_of_a_restarted_container_comes_from_the_api(tree: Tree) -> None:
    """It is requested only while there is one."""
    put_v2(tree, numbered(1))
    api = Mock(spec=Api)
    api.described.return_value = {f"{1:064x}": Described(name="web")}
    restarts = Restarts()
    finder = Finder(tree.files, timeout_seconds=10.0)
    source = RestartsSource(finder, restarts, api)
    assert source.collect(tree.tick()) == ()
    api.described.assert_not_called()
    gone(tree, numbered(1))
    put_v2(tree, numbered(1))
    (row,) = source.collect(tree.tick()) or ()
    assert (row.id, row.name) == ("000000000000", "web")
    source.close()
    assert source.collect(tree.tick()) == ()
    source.close()
    finder.close()


def test_the_collector_collects_them_on_demand(tree: Tree) -> None:
    """The counts are in every sample."""
    put_v2(tree, DOCKER)
    collector = tree.collector(options=Options(timeout_seconds=10.0))
    sections: Any = collector.collect().sections
    assert "containers" not in sections
    assert sections["container_counts"].docker == 1
    sections = collector.collect(["containers"]).sections
    assert [row.id for row in sections["containers"]] == ["4f5a6b7c8d9e"]
