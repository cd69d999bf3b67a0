"""What psutil answers, by the same rules as the files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from telemetry_stream.metrics import fallback as fallback_module
from telemetry_stream.metrics import fallback_devices as devices_module
from telemetry_stream.metrics import fallback_processes as processes_module
from telemetry_stream.metrics.clock import Now
from telemetry_stream.metrics.fallback import parse_cpu_list, psutil_sources
from telemetry_stream.metrics.sources.disk import Disk
from telemetry_stream.metrics.sources.memory import Swap
from telemetry_stream.metrics.sources.network import Interface
from telemetry_stream.metrics.sources.own import SelfStats
from telemetry_stream.metrics.units import PAGE_BYTES
from tests.conftest import eventually
from tests.metrics.trees import Tree, assert_sane


@pytest.fixture
def psutil(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands in for psutil: a test fills in what it needs."""
    made = SimpleNamespace()
    for module in (fallback_module, devices_module, processes_module):
        monkeypatch.setattr(module, "load_psutil", lambda: made)
    return made


def source(tree: Tree, section: str) -> Any:
    """psutil's source of one section."""
    return {of.name: of for of in psutil_sources(tree.clock, SelfStats())}[section]


def ask(tree: Tree, section: str, now: Now | None = None) -> Any:
    """A new fallback's answer for one section."""
    return source(tree, section).collect(now or tree.tick())


def test_a_system_without_proc_runs_on_psutil_alone(tree: Tree) -> None:
    """Everything that psutil can speak for is there, sane, marked, and has its rates in the second sample."""
    collector = tree.collector(fallback=psutil_sources(tree.clock, SelfStats()))
    collector.collect()
    tree.advance(1.0)
    sample = collector.collect()
    assert sample.uptime_seconds is not None
    for name in (
        "cpu",
        "load",
        "memory",
        "swap",
        "disks",
        "disk",
        "interfaces",
        "network",
        "system",
        "self",
    ):
        assert sample.sources[name].state == "psutil", name
        assert_sane(sample.sections[name])
    cpu: Any = sample.sections["cpu"]
    assert cpu.context_switches_per_second is not None


def test_psutil_is_imported_only_when_it_is_needed() -> None:
    """A healthy host never pays for it."""
    program = (
        "import sys; from telemetry_stream.metrics.collector import Collector\n"
        "c = Collector(); c.collect(); c.close(); sys.exit('psutil' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_cpu_goes_by_field_names_and_the_rules_of_the_file(
    tree: Tree, psutil: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psutil 8 has another order and other systems fewer fields; ids come from sysfs: cores 0 and 3 are online.

    Core 0: 0.25 s user and 0.75 s idle passed; core 3: 0.5 s system, 0.5 s idle.
    """
    monkeypatch.setattr(fallback_module, "maybe_read_once", lambda _path: b"0,3\n")
    times = [SimpleNamespace(idle=5.0, user=1.0), SimpleNamespace(system=1.0, idle=7.0)]
    psutil.cpu_times = lambda percpu: times
    psutil.cpu_stats = lambda: SimpleNamespace(ctx_switches=100, interrupts=10)
    answer = source(tree, "cpu").collect
    first: Any = answer(tree.tick())
    assert [core.usage_percent for core in first.cores] == [
        None,
        None,
    ]  # never the 0.0 of psutil's first call
    times[:] = [SimpleNamespace(idle=5.75, user=1.25), SimpleNamespace(system=1.5, idle=7.5)]
    second: Any = answer(tree.tick())
    assert [(core.id, core.usage_percent) for core in second.cores] == [(0, 25.0), (3, 50.0)]
    assert second.usage_percent == 37.5


def test_swap_counts_in_pages_of_this_machine(tree: Tree, psutil: SimpleNamespace) -> None:
    """psutil multiplies pages by 4096 whatever they are: two pages in, one out, in a second."""
    counts = SimpleNamespace(total=1000, free=250, sin=0, sout=0)
    psutil.swap_memory = lambda: counts
    answer = source(tree, "swap").collect
    answer(tree.tick())
    counts.sin, counts.sout = 2 * 4096, 4096
    assert answer(tree.tick()) == Swap(1000, 250, 750, 75.0, 2.0 * PAGE_BYTES, 1.0 * PAGE_BYTES)


def test_memory_is_total_less_available(tree: Tree, psutil: SimpleNamespace) -> None:
    """Not psutil's own used, which changed its meaning in 7.1."""
    psutil.virtual_memory = lambda: SimpleNamespace(total=1000, available=600, used=123, free=50)
    memory = ask(tree, "memory")
    assert (memory.used_bytes, memory.used_percent, memory.cached_bytes) == (400, 40.0, None)


def test_uptime_is_since_psutils_boot_time(tree: Tree, psutil: SimpleNamespace) -> None:
    """Both move with the wall clock: the difference does not."""
    psutil.boot_time = lambda: tree.realtime - 50.0
    system = ask(tree, "system", tree.tick(0.0))
    assert (system.uptime_seconds, system.boot_id) == (50.0, None)


def pair(tree: Tree, of: Any, *, between: Callable[[], None]) -> Any:
    """The second of two answers, a second apart."""
    of.collect(tree.tick())
    between()
    return of.collect(tree.tick())


def test_disks_by_psutil(
    tree: Tree, psutil: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only whole disks, as sysfs says; every reset is a reset (nowrap is off); what psutil lacks is null.

    10 reads of 5120 bytes took 50 ms, busy for 250 ms of the second.
    """
    monkeypatch.setattr(os.path, "isdir", lambda path: path in ("/sys/block", "/sys/block/sda"))
    now = SimpleNamespace(
        read_count=5,
        write_count=5,
        read_bytes=1024,
        write_bytes=512,
        read_time=10,
        write_time=5,
        busy_time=100,
    )
    asked = []

    def counters(**how: bool) -> dict[str, Any]:
        asked.append(how)
        return {"sda": now, "sda1": now}

    psutil.disk_io_counters = counters

    def more() -> None:
        now.read_count, now.read_bytes, now.read_time, now.busy_time = 15, 6144, 60, 350

    disks = source(tree, "disks")
    rows = pair(tree, disks, between=more)
    assert rows == (Disk("sda", "disk", True, 5120.0, 0.0, 10.0, 0.0, 5.0, None, None, 25.0, None),)
    assert asked == [{"perdisk": True, "nowrap": False}] * 2
    now.read_count = 0
    assert disks.collect(tree.tick())[0].read_bytes_per_second is None


def test_interfaces_by_psutil(tree: Tree, psutil: SimpleNamespace) -> None:
    """State and speed from psutil, -1 and 0 are no speeds; without devices all but lo is counted."""
    now = SimpleNamespace(
        bytes_recv=0,
        bytes_sent=0,
        packets_recv=0,
        packets_sent=0,
        errin=0,
        errout=0,
        dropin=0,
        dropout=0,
    )
    psutil.net_io_counters = lambda pernic, nowrap: {"lo0": now, "en77": now}
    psutil.net_if_stats = lambda: {"en77": SimpleNamespace(isup=True, speed=1000)}

    def more() -> None:
        now.bytes_recv, now.dropout = 500, 2

    rows = pair(tree, source(tree, "interfaces"), between=more)
    assert rows == (
        Interface("lo0", None, None, False, 500.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0),
        Interface("en77", "up", 1000, True, 500.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0),
    )


def until_answered(tree: Tree, of: Any) -> Any:
    """The first section with rows that the source's worker has brought."""
    found: list[Any] = []

    def answered() -> bool:
        section = of.collect(tree.tick())
        if section and getattr(section[0], "size_bytes", 1) is not None:
            found.append(section)
        return bool(found)

    assert eventually(answered)
    of.close()
    return found[0]


def test_filesystems_by_psutil(tree: Tree, psutil: SimpleNamespace) -> None:
    """Its list of mounts, our rules: types left out, one row per device, statvfs on a worker."""
    part = SimpleNamespace(device="/dev/x", mountpoint="/", fstype="ext4", opts="rw,noatime")
    psutil.disk_partitions = lambda **_: [
        part,
        SimpleNamespace(device="proc", mountpoint="/proc", fstype="proc", opts="rw"),
    ]
    (row,) = until_answered(tree, source(tree, "filesystems"))
    assert (row.mountpoint, row.device, row.fstype, row.read_only) == ("/", "/dev/x", "ext4", False)
    assert row.size_bytes > 0


def test_temperatures_by_psutil(tree: Tree, psutil: SimpleNamespace) -> None:
    """Read on a worker; limits that are none are left out."""
    psutil.sensors_temperatures = lambda: {
        "cpu": [SimpleNamespace(label="Core 0", current=45.5, high=65261.85, critical=100.0)]
    }
    (row,) = until_answered(tree, source(tree, "temperatures"))
    assert (row.chip, row.sensor, row.label) == ("cpu", "temp1", "Core 0")
    assert (row.celsius, row.high_celsius, row.critical_celsius) == (45.5, None, 100.0)


def test_a_psutil_without_sensors(tree: Tree, psutil: SimpleNamespace) -> None:
    """Some systems' has none: absent."""
    of = source(tree, "temperatures")
    assert [of.collect(tree.tick()) for _ in range(3)] == [None, None, None]
    of.close()


def test_processes_by_psutil(tree: Tree) -> None:
    """The real psutil knows this very process, whose it is and what it uses."""
    of = source(tree, "processes")
    of._shown = None
    section = pair(tree, of, between=lambda: None)
    assert_sane(section)
    assert section.total >= 1
    mine = {row.pid: row for row in section.top}[os.getpid()]
    assert mine.memory_rss_bytes > 1 << 20
    assert mine.state == "R"
    assert mine.user is not None
    assert mine.cpu_percent is not None
    of.close()


@pytest.mark.parametrize(
    ("content", "expected"), [(b"0-1\n", [0, 1]), (b"0,2-3,7", [0, 2, 3, 7]), (b"5\n", [5])]
)
def test_cpu_lists(content: bytes, expected: list[int]) -> None:
    """Ids and ranges, as sysfs writes them."""
    assert parse_cpu_list(content) == expected
