"""The files of a control group, with expected values computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.attributes import Budget
from telemetry_stream.metrics.sources.container_files import (
    Cpu,
    Details,
    Devices,
    GroupV1,
    GroupV2,
    parse_io,
    parse_service_bytes,
)
from tests.metrics.trees import Tree, odd

GROUP = "/docker/web"
MIB = 1 << 20
PSI = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"
V2 = {
    "cpu.stat": "usage_usec 5000\nuser_usec 1\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5\n",
    "cpu.max": "150000 100000\n",
    "memory.current": f"{100 * MIB}\n",
    "memory.stat": f"anon 1\ninactive_file {30 * MIB}\n",
    "memory.max": f"{200 * MIB}\n",
    "pids.current": "7\n",
    "pids.max": "max\n",
    "io.stat": "8:0 rbytes=100 wbytes=200 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n",
    "cpu.pressure": PSI.format(11),
    "memory.pressure": PSI.format(12),
    "io.pressure": PSI.format(13),
}
V1 = {
    "cpuacct/cpuacct.usage": "5000999\n",
    "cpu/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 5\n",
    "cpu/cpu.cfs_quota_us": "150000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "memory/memory.usage_in_bytes": f"{100 * MIB}\n",
    "memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {30 * MIB}\n",
    "memory/memory.limit_in_bytes": f"{200 * MIB}\n",
    "pids/pids.current": "7\n",
    "pids/pids.max": "max\n",
    "blkio/blkio.throttle.io_service_bytes": "8:0 Read 101\n8:0 Write 202\n8:0 Total 303\nTotal 303\n",
}


def put_v2(tree: Tree, group: str = GROUP, **changes: str) -> None:
    """Write the files of a group of version 2."""
    tree.put("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
    for name, content in {**V2, **changes}.items():
        tree.put(f"sys/fs/cgroup{group}/{name}", content)


def put_v1(tree: Tree, group: str = GROUP) -> None:
    """Write the files of a group of version 1."""
    for name, content in V1.items():
        hierarchy, _, file = name.partition("/")
        tree.put(f"sys/fs/cgroup/{hierarchy}{group}/{file}", content)


def all_count(_number: str) -> bool:
    """Count every device."""
    return True


def test_version_2(tree: Tree) -> None:
    """Every file of the group, and each of its disks."""
    put_v2(tree)
    group = GroupV2(Budget(), f"{tree.sys}/fs/cgroup", GROUP)
    assert group.maybe_cpu() == Cpu(5000, 10, 4)
    assert group.details(all_count) == Details(
        cpu_limit_cores=1.5,
        memory_bytes=100 * MIB,
        inactive_file_bytes=30 * MIB,
        memory_limit_bytes=200 * MIB,
        pids=7,
        pids_limit=None,
        disks={"8:0": (100, 200), "8:16": (1, 2)},
        cpu_stall_us=11,
        memory_stall_us=12,
        io_stall_us=13,
    )
    group.close()


def test_version_1(tree: Tree) -> None:
    """The same numbers, from four hierarchies. There is no pressure."""
    put_v1(tree)
    group = GroupV1(Budget(), f"{tree.sys}/fs/cgroup", GROUP)
    assert group.maybe_cpu() == Cpu(5000, 10, 4)
    assert group.details(all_count) == Details(
        cpu_limit_cores=1.5,
        memory_bytes=100 * MIB,
        inactive_file_bytes=30 * MIB,
        memory_limit_bytes=200 * MIB,
        pids=7,
        disks={"8:0": (101, 202)},
    )
    group.close()


def test_version_1_without_limits(tree: Tree) -> None:
    """-1 is no quota, and the largest number of pages is no limit. The recursive file counts what it has."""
    put_v1(tree)
    tree.put(f"sys/fs/cgroup/cpu{GROUP}/cpu.cfs_quota_us", "-1\n")
    tree.put(f"sys/fs/cgroup/memory{GROUP}/memory.limit_in_bytes", "9223372036854771712\n")
    recursive = "blkio.throttle.io_service_bytes_recursive"
    tree.put(f"sys/fs/cgroup/blkio{GROUP}/{recursive}", "8:0 Read 7\n8:0 Write 8\n")
    details = GroupV1(Budget(), f"{tree.sys}/fs/cgroup", GROUP).details(all_count)
    assert (details.cpu_limit_cores, details.memory_limit_bytes) == (None, None)
    assert details.disks == {"8:0": (7, 8)}


@pytest.mark.parametrize("kind", [GroupV1, GroupV2])
def test_a_group_that_is_gone(tree: Tree, kind: type[GroupV1 | GroupV2]) -> None:
    """Its CPU time is None, and everything else is unknown: nothing is 0."""
    group = kind(Budget(), f"{tree.sys}/fs/cgroup", GROUP)
    assert group.maybe_cpu() is None
    assert group.details(all_count) == Details()


def test_missing_and_invalid_files_lose_their_own_values(tree: Tree) -> None:
    """An empty io.stat is a group that has done nothing; without the file, nothing is known."""
    put_v2(
        tree,
        **{
            "cpu.stat": "usage_usec none\nnr_periods -1\n",
            "cpu.max": "some 5\n",
            "memory.current": "-4096\n",
            "memory.max": "much\n",
            "io.stat": "",
            "io.pressure": "some avg10=x\n",
            "memory.pressure": "",
        },
    )
    tree.remove(f"sys/fs/cgroup{GROUP}/pids.current")
    group = GroupV2(Budget(), f"{tree.sys}/fs/cgroup", GROUP)
    assert group.maybe_cpu() == Cpu(None, None, None)
    details = group.details(all_count)
    group.close()
    assert (details.cpu_limit_cores, details.memory_bytes, details.memory_limit_bytes) == (
        None,
        None,
        None,
    )
    assert (details.pids, details.disks) == (None, {})
    assert (details.io_stall_us, details.memory_stall_us, details.cpu_stall_us) == (None, None, 11)


def test_a_device_that_is_made_of_others_does_not_count() -> None:
    """Its bytes are those of its disks again."""
    io = b"8:0 rbytes=1 wbytes=2\n253:0 rbytes=1 wbytes=2\n"
    assert parse_io(io, lambda number: number == "8:0") == {"8:0": (1, 2)}
    old = b"8:0 Read 1\n8:0 Write 2\n253:0 Read 1\n253:0 Write 2\n"
    assert parse_service_bytes(old, lambda number: number == "8:0") == {"8:0": (1, 2)}


def test_an_unknown_number_of_a_device() -> None:
    """The others are known. A device without the keys has read and written nothing."""
    io = b"8:0 rbytes=1 wbytes=2\n8:16 rbytes=-1 wbytes=2\n8:32 cost.usage=5\n8:48\n"
    assert parse_io(io, all_count) == {"8:0": (1, 2), "8:16": (None, 2), "8:32": (0, 0)}
    assert parse_service_bytes(b"8:0 Read 1\n8:0 Write x\n8:16 Total 3\n", all_count) == {
        "8:0": (1, None)
    }


@given(odd(V2["io.stat"].encode(), V1["blkio/blkio.throttle.io_service_bytes"].encode()))
def test_any_io_is_parsed(content: bytes) -> None:
    """To counts, or None."""
    for parse in (parse_io, parse_service_bytes):
        for both in parse(content, all_count).values():
            assert all(count is None or count >= 0 for count in both)


def test_devices_are_looked_up_once(tree: Tree) -> None:
    """Whole physical disks count, and what sysfs does not have, which may be one."""
    tree.put("sys/block/sda/slaves/none", "")
    tree.remove("sys/block/sda/slaves/none")
    tree.put("sys/block/dm-0/slaves/sda/size", "")
    tree.put("sys/block/loop3/size", "")
    for number, name in (("8:0", "sda"), ("253:0", "dm-0"), ("7:3", "loop3")):
        tree.link(f"sys/dev/block/{number}", f"../../block/{name}")
    devices = Devices(tree.sys)
    numbers = ("8:0", "253:0", "7:3", "9:9", "../../x")
    assert [devices.counts(number) for number in numbers] == [True, False, False, True, True]
    tree.remove("sys/dev/block/253:0")
    assert devices.counts("253:0") is False
    devices.forget()
    assert devices.counts("253:0") is True


def test_the_descriptors_are_limited(tree: Tree) -> None:
    """Beyond the limit, the file is opened for each read."""
    put_v2(tree)
    put_v2(tree, "/docker/other")
    budget = Budget(most=1)
    groups = [GroupV2(budget, f"{tree.sys}/fs/cgroup", path) for path in (GROUP, "/docker/other")]
    for _ in range(2):
        assert [group.maybe_cpu() for group in groups] == [Cpu(5000, 10, 4)] * 2
    assert budget.kept == 1
    for group in groups:
        group.close()
    assert budget.kept == 0


def test_same_content_is_parsed_once(tree: Tree) -> None:
    """Most containers are idle."""
    put_v2(tree)
    group = GroupV2(Budget(), f"{tree.sys}/fs/cgroup", GROUP)
    first = group.maybe_cpu()
    assert group.maybe_cpu() is first
    tree.put(f"sys/fs/cgroup{GROUP}/cpu.stat", "usage_usec 6000\n")
    assert group.maybe_cpu() == Cpu(6000, None, None)
    group.close()
