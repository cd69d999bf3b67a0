"""psutil's figures of the system, under the same rules as the files."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import time
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import psutil as real_psutil
import pytest

from telemetry_stream.metrics.collector import PSUTIL_SECTIONS, Collector
from telemetry_stream.metrics.fallback.system import core_ids
from telemetry_stream.metrics.source import Now, Options
from telemetry_stream.metrics.sources.process_list import PageQuery
from telemetry_stream.metrics.sources.swap import Swap
from telemetry_stream.metrics.units import PAGE_BYTES
from tests.metrics.psutils import pair, source, sources
from tests.metrics.trees import Tree, assert_sane


def collected(tree: Tree, psutil: SimpleNamespace, section: str, now: Now | None = None) -> Any:
    """Return one section of a new fallback source."""
    return source(tree, psutil, section).collect(now or tree.tick())


def test_a_system_without_proc_runs_on_psutil_alone(tree: Tree) -> None:
    """Every section that psutil can fill is there, with its rates in the second sample, and is marked."""
    tree.realtime = time.time()  # real, as the boot time
    collector = tree.collector(fallback=tuple(sources(tree, real_psutil).values()))
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
    """A host without failures does not pay for it."""
    program = (
        "import sys; from telemetry_stream.metrics.collector import Collector\n"
        "c = Collector(); c.collect(); c.close(); sys.exit('psutil' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_collector_has_the_names_of_all_fallback_sources(tree: Tree) -> None:
    """It has them without an import of psutil."""
    assert sources(tree, real_psutil).keys() == PSUTIL_SECTIONS


@pytest.mark.parametrize(("section", "is_imported"), [("tcp", False), ("load", True)])
def test_psutil_is_imported_only_for_sections_that_it_can_fill(
    section: str, is_imported: bool
) -> None:
    """A failure of another one would cost memory for nothing."""
    program = (
        "import sys; from telemetry_stream.metrics.collector import Collector\n"
        "def fail(now): raise OSError(5, 'Input/output error')\n"
        f"c = Collector(); c._plan = [({section!r}, fail)]; c.collect([{section!r}]); c.close()\n"
        "sys.exit('psutil' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == is_imported


def test_an_import_of_psutil_that_fails_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason stays the same."""
    tried = []
    real = builtins.__import__

    def fail(name: str, *arguments: Any) -> Any:
        if name == "psutil":
            tried.append(name)
            raise ModuleNotFoundError("No module named 'psutil'")
        return real(name, *arguments)

    def broken(_now: Now) -> object:
        raise OSError(5, "Input/output error")

    collector = Collector()
    collector._plan = [("load", broken)]
    monkeypatch.setattr(builtins, "__import__", fail)
    states = [collector.collect().sources["load"] for _ in range(3)]
    collector.close()
    assert tried == ["psutil"]
    assert {(one.state, one.reason) for one in states} == {
        ("failed", "Input/output error; psutil: No module named 'psutil'")
    }


def test_psutil_follows_the_options_of_the_collector() -> None:
    """All processes are shown and can be requested, and the first sample waits for the filesystems."""

    def broken(_now: Now) -> object:
        raise OSError(5, "Input/output error")

    called = []

    def statvfs(path: str) -> os.statvfs_result:
        called.append(path)
        return os.statvfs(path)

    collector = Collector(options=Options(process_rows=None, timeout_seconds=60.0, statvfs=statvfs))
    collector._plan = [("filesystems", broken), ("processes", broken)]
    sample = collector.collect(["processes"])
    filesystems: Any = sample.sections["filesystems"]
    processes: Any = sample.sections["processes"]
    assert collector.all_processes is not None
    page = collector.all_processes.maybe_page(PageQuery())
    collector.close()
    assert "/" in called
    assert filesystems[0].size_bytes > 0
    assert len(processes.top) == sum(asdict(processes.by_state).values())
    assert page is not None
    assert page.total == processes.total
    assert page.processes
    users = {row.pid: row.user for row in processes.top}
    assert {row.user for row in page.processes} <= {*users.values(), None}


def test_an_embedding_program_s_failing_source_does_not_import_psutil() -> None:
    """psutil cannot answer for it."""
    program = (
        "import sys; from telemetry_stream.metrics.collector import Collector\n"
        "class Broken:\n"
        "    name = 'broken'\n"
        "    def collect(self, now): raise RuntimeError\n"
        "c = Collector(extra_sources=[Broken()]); c.collect(); c.close()\n"
        "sys.exit('psutil' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_cpu_goes_by_field_names_and_the_rules_of_the_file(
    tree: Tree, psutil: SimpleNamespace
) -> None:
    """psutil 8 has another order, and other systems have fewer fields.

    The first core: 0.25 s user and 0.75 s idle passed; the other one: 0.5 s system, 0.5 s idle.
    """
    times = [
        SimpleNamespace(idle=5.0, user=1.0, system=1.0),
        SimpleNamespace(system=1.0, idle=7.0, user=0.0),
    ]
    psutil.cpu_times = lambda percpu: times
    psutil.cpu_stats = lambda: SimpleNamespace(ctx_switches=100, interrupts=10)
    collect = source(tree, psutil, "cpu").collect
    first: Any = collect(tree.tick())
    # Never the 0.0 that psutil's first call returns.
    assert [core.usage_percent for core in first.cores] == [None, None]
    times[:] = [
        SimpleNamespace(idle=5.75, user=1.25, system=1.0),
        SimpleNamespace(system=1.5, idle=7.5, user=0.0),
    ]
    second: Any = collect(tree.tick())
    assert [core.usage_percent for core in second.cores] == [25.0, 50.0]
    assert second.usage_percent == 37.5


def test_swap_counts_in_pages_of_this_machine(tree: Tree, psutil: SimpleNamespace) -> None:
    """psutil multiplies pages by 4096 on every machine: two pages in and one out, in a second."""
    counts = SimpleNamespace(total=1000, free=250, sin=4096, sout=0)
    psutil.swap_memory = lambda: counts
    collect = source(tree, psutil, "swap").collect
    collect(tree.tick())
    counts.sin, counts.sout = 3 * 4096, 4096
    assert collect(tree.tick()) == Swap(1000, 250, 750, 75.0, 2.0 * PAGE_BYTES, 1.0 * PAGE_BYTES)


def test_zeros_that_psutil_made_up_are_unknown(tree: Tree, psutil: SimpleNamespace) -> None:
    """psutil warns, and returns 0, for what it cannot find in /proc/vmstat and /proc/meminfo (_pslinux.py)."""
    psutil.swap_memory = lambda: SimpleNamespace(total=1000, free=250, sin=0, sout=0)
    psutil.virtual_memory = lambda: SimpleNamespace(
        total=1000, available=0, free=50, buffers=0, cached=0, shared=0
    )
    for name in ("swap", "memory"):
        collect = source(tree, psutil, name).collect
        collect(tree.tick())
        record: Any = collect(tree.tick())
        if name == "swap":
            assert record == Swap(1000, 250, 750, 75.0, None, None)
        else:
            assert (record.available_bytes, record.used_bytes, record.free_bytes) == (
                None,
                None,
                50,
            )
            assert (record.buffers_bytes, record.cached_bytes, record.shared_bytes) == (None,) * 3


def test_columns_that_psutil_does_not_have_are_unknown(tree: Tree, psutil: SimpleNamespace) -> None:
    """macOS has user, nice, system and idle. The other shares are null, not 0."""
    times = SimpleNamespace(user=1.0, nice=0.0, system=1.0, idle=1.0)
    psutil.cpu_times = lambda percpu: [times]
    psutil.cpu_stats = lambda: SimpleNamespace(ctx_switches=1, interrupts=1)

    def more() -> None:
        times.user, times.idle = 1.25, 1.75

    cpu = pair(tree, source(tree, psutil, "cpu"), between=more)
    assert (cpu.usage_percent, cpu.nice_percent) == (25.0, 0.0)
    assert (cpu.iowait_percent, cpu.softirq_percent, cpu.steal_percent) == (None, None, None)


def test_used_memory_is_total_minus_available(tree: Tree, psutil: SimpleNamespace) -> None:
    """psutil's own used changed its meaning in 7.1."""
    psutil.virtual_memory = lambda: SimpleNamespace(total=1000, available=600, used=123, free=50)
    memory = collected(tree, psutil, "memory")
    assert (memory.used_bytes, memory.used_percent, memory.cached_bytes) == (400, 40.0, None)


def test_uptime_is_the_time_since_psutil_s_boot_time(tree: Tree, psutil: SimpleNamespace) -> None:
    """Both move if the system time is set, so the difference does not."""
    psutil.boot_time = lambda: tree.realtime - 50.0
    of = source(tree, psutil, "system")
    system = of.collect(tree.tick(0.0))
    of.close()
    assert (system.uptime_seconds, system.boot_time_unix) == (50.0, int(tree.realtime - 50))


@pytest.mark.parametrize(
    ("online", "expected"),
    [(b"0,3\n", [0, 3]), (b"0-3\n", [0, 1]), (b"?\n", [0, 1]), (None, [0, 1])],
)
def test_core_ids_come_from_sysfs(online: bytes | None, expected: list[int]) -> None:
    """Without sysfs, and if it has another number of cores than psutil, they are numbered."""
    assert core_ids(online, 2) == expected
