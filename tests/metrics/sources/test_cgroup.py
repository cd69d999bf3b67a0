"""The control group of this program, with expected values computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources import cgroup
from telemetry_stream.metrics.sources.cgroup import (
    REFRESH_SECONDS,
    Cgroup,
    CgroupSource,
    ancestry,
)
from tests.metrics.trees import Tree, assert_sane, odd

MIB = 1024 * 1024
CPU_STAT = "usage_usec {usage}\nuser_usec 1\nnr_periods {periods}\nnr_throttled {throttled}\nthrottled_usec 5\n"


@pytest.fixture
def group(tree: Tree) -> Tree:
    """A version 2 host with 1000 MiB, and this process in /a.slice/b.service."""
    tree.put("proc/self/cgroup", "0::/a.slice/b.service\n")
    tree.put("proc/meminfo", f"MemTotal: {1000 * 1024} kB\n")
    tree.put("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
    put(tree, "", **{"cpu.stat": "usage_usec 99\n"})
    put(tree, "a.slice", **{"memory.max": "max\n", "cpu.max": "max 100000\n"})
    put(
        tree,
        "a.slice/b.service",
        **{
            "memory.max": "max\n",
            "memory.current": f"{100 * MIB}\n",
            "memory.stat": f"anon 5\ninactive_file {30 * MIB}\nactive_file 7\n",
            "cpu.max": "max 100000\n",
            "cpu.stat": CPU_STAT.format(usage=0, periods=0, throttled=0),
        },
    )
    return tree


def put(tree: Tree, path: str, **files: str) -> None:
    """Write files of one group."""
    for name, content in files.items():
        tree.put(f"sys/fs/cgroup/{path}/{name}".replace("//", "/"), content)


def test_without_limits(group: Tree) -> None:
    """``max`` up to the root means no limit. The working set does not contain the inactive file pages."""
    source = CgroupSource(group.files)
    assert source.collect(group.tick()) == Cgroup(
        version=2, memory_current_bytes=100 * MIB, memory_working_set_bytes=70 * MIB
    )
    source.close()


def test_the_smallest_limit_of_a_group_and_its_ancestors_counts(group: Tree) -> None:
    """The slice's 200 MiB and half a core apply, not the service's 300 MiB and two cores.

    In 2 s 0.5 s of CPU were used: 25 % of a core, 50 % of the half. 3 of 20 periods were throttled: 15 %.
    """
    put(group, "a.slice", **{"memory.max": f"{200 * MIB}\n", "cpu.max": "50000 100000\n"})
    put(
        group, "a.slice/b.service", **{"memory.max": f"{300 * MIB}\n", "cpu.max": "200000 100000\n"}
    )
    source = CgroupSource(group.files)
    first = source.collect(group.tick())
    put(
        group,
        "a.slice/b.service",
        **{"cpu.stat": CPU_STAT.format(usage=500_000, periods=20, throttled=3)},
    )
    second = source.collect(group.tick(2.0))
    source.close()
    assert first is not None
    assert (first.cpu_usage_percent, first.cpu_throttled_percent) == (None, None)
    assert second == Cgroup(2, 200 * MIB, 100 * MIB, 70 * MIB, 0.5, 25.0, 50.0, 15.0)


def test_a_memory_limit_is_at_most_the_memory_of_the_host(group: Tree) -> None:
    """A limit of 5000 MiB on a host of 1000 MiB."""
    put(group, "a.slice/b.service", **{"memory.max": f"{5000 * MIB}\n"})
    source = CgroupSource(group.files)
    record = source.collect(group.tick())
    source.close()
    assert record is not None
    assert record.memory_limit_bytes == 1000 * MIB


def test_an_invalid_limit_loses_only_itself(group: Tree) -> None:
    """It is unknown until it is valid, and the limits of the ancestors do not stand for it."""
    put(group, "a.slice", **{"cpu.max": "50000 100000\n"})
    put(group, "a.slice/b.service", **{"cpu.max": "many of them\n", "memory.max": f"{300 * MIB}\n"})
    source = CgroupSource(group.files)
    record = source.collect(group.tick())
    assert record is not None
    assert (record.cpu_limit_cores, record.memory_limit_bytes) == (None, 300 * MIB)
    put(group, "a.slice/b.service", **{"cpu.max": "200000 100000\n"})
    record = source.collect(group.tick(REFRESH_SECONDS))
    source.close()
    assert record is not None
    assert record.cpu_limit_cores == 0.5


def test_throttling_is_unknown_if_no_period_passed(group: Tree) -> None:
    """The share of no periods is null, not 0."""
    source = CgroupSource(group.files)
    source.collect(group.tick())
    record = source.collect(group.tick())
    source.close()
    assert record is not None
    assert (record.cpu_usage_percent, record.cpu_throttled_percent) == (0.0, None)


def test_the_root_group_has_only_a_version(group: Tree) -> None:
    """Its files do not exist, so all other fields are null."""
    group.put("proc/self/cgroup", "0::/\n")
    source = CgroupSource(group.files)
    assert source.collect(group.tick()) == Cgroup(version=2)
    source.close()


def test_a_group_outside_our_namespace_is_not_followed(group: Tree) -> None:
    """The path begins with /.. and does not lead to our group."""
    group.put("proc/self/cgroup", "0::/../../other\n")
    assert CgroupSource(group.files).collect(group.tick()) == Cgroup(version=2)


@pytest.mark.parametrize("content", ["5:memory:/x\n1:name=systemd:/\n", "5:memory:/x\n0::/\n"])
def test_on_version_1_and_hybrid_hosts_only_the_version_is_known(tree: Tree, content: str) -> None:
    """The unified hierarchy has no controllers."""
    tree.put("proc/self/cgroup", content)
    tree.put("sys/fs/cgroup/memory/tasks", "")
    assert CgroupSource(tree.files).collect(tree.tick()) == Cgroup(version=1)


def test_a_kernel_without_control_groups_has_no_section(tree: Tree) -> None:
    """There is no /proc/self/cgroup."""
    assert CgroupSource(tree.files).collect(tree.tick()) is None


def test_after_a_move_to_another_group_the_rates_start_anew(group: Tree) -> None:
    """Noticed within ten seconds. The counters of two groups are never subtracted."""
    source = CgroupSource(group.files)
    source.collect(group.tick())
    put(
        group,
        "c",
        **{
            "memory.current": "7\n",
            "cpu.stat": CPU_STAT.format(usage=9_000_000, periods=9, throttled=9),
        },
    )
    group.put("proc/self/cgroup", "0::/c\n")
    assert source.collect(group.tick(1.0)) is not None
    moved = source.collect(group.tick(9.0))
    source.close()
    assert moved == Cgroup(version=2, memory_current_bytes=7)


def test_ancestry_goes_up_to_the_root() -> None:
    """From the group itself."""
    assert ancestry("/r", "/a/b") == ["/r/a/b", "/r/a", "/r"]
    assert ancestry("/r", "/") == ["/r"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"max 100000\n", None), (b"50000 100000\n", 0.5), (b"250000 100000", 2.5)],
)
def test_cpu_max_is_quota_divided_by_period(content: bytes, expected: float | None) -> None:
    """In cores."""
    assert cgroup.parse_cpu_max(content) == expected


@given(
    odd(
        b"max 100000\n",
        b"50000 100000\n",
        b"max\n",
        b"1048576\n",
        b"usage_usec 5\nnr_periods 6\n",
        b"0::/a/b\n",
    )
)
def test_any_bytes_are_parsed_or_a_parse_error(content: bytes) -> None:
    """Every parser returns possible values or raises ParseError."""
    for parse in (
        cgroup.parse_cpu_max,
        cgroup.parse_max,
        cgroup.parse_flat,
        cgroup.parse_self_cgroup,
    ):
        try:
            assert_sane(parse(content))
        except ParseError:
            pass
