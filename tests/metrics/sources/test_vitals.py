"""The vitals, derived from the sections of the same sample."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import encode_section
from telemetry_stream.metrics.source import Now
from telemetry_stream.metrics.sources.cpu import Cpu
from telemetry_stream.metrics.sources.disk import Disk
from telemetry_stream.metrics.sources.filesystem import Filesystem
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.metrics.sources.memory import Memory
from telemetry_stream.metrics.sources.network import Network
from telemetry_stream.metrics.sources.pressure import Pressure, Stalls
from telemetry_stream.metrics.sources.swap import Swap
from telemetry_stream.metrics.sources.temperature import Temperature
from telemetry_stream.metrics.sources.vitals import Vitals, VitalsSource, derive
from tests.metrics.extra import ExtraSource
from tests.metrics.trees import Tree

UNKNOWN = Vitals(None, None, None, None, None, None, None, None, None, None)


def cpu(usage: float | None) -> Cpu:
    """Return the section cpu of a host with one core."""
    return Cpu(usage, None, None, None, None, None, None, None, None, None, 1, None, None, None, ())


def memory(used_percent: float | None) -> Memory:
    """Return the section memory."""
    return Memory(
        1, 1, 1, used_percent, 0, 0, 0, 0, 0, 0, available_estimated=False, zfs_arc_bytes=None
    )


def disk(util_percent: float | None, *, counted: bool = True) -> Disk:
    """Return a row of the section disks."""
    return Disk("vda", "disk", counted, util_percent=util_percent)


def filesystem(used_percent: float | None, *, read_only: bool = False) -> Filesystem:
    """Return a row of the section filesystems."""
    return Filesystem(
        "/", "/dev/vda1", "ext4", 1, 1, 1, used_percent, None, read_only, stale=False, age_seconds=1
    )


def sensor(celsius: float | None) -> Temperature:
    """Return a row of the section temperatures."""
    return Temperature("k10temp", None, "temp1", None, celsius, None, None, 1.0)


def pressure(
    cpu: float | None, memory: float | None, io: float | None, irq: float | None
) -> Pressure:
    """Return the section pressure. irq has only a full line."""
    return Pressure(
        Stalls(some_percent=cpu),
        Stalls(some_percent=memory),
        Stalls(some_percent=io),
        Stalls(full_percent=irq),
    )


@pytest.mark.parametrize(
    ("sections", "vitals"),
    [
        ({"cpu": cpu(29.4567)}, {"cpu": 29.5}),
        ({"cpu": cpu(None)}, {}),
        ({"memory": memory(71.25)}, {"memory": 71.2}),
        ({"swap": Swap(8, 6, 2, 25.0, None, None)}, {"swap": 25.0}),
        ({"swap": Swap(0, 0, 0, None, 0.0, 0.0)}, {}),
        ({"load": Load(3.0, 2.0, 1.0, 0.375, 1, 80, 1, 0)}, {"load": 0.38}),
        ({"load": Load(3.0, 2.0, 1.0, None, 1, 80, None, None)}, {}),
        ({"pressure": pressure(1.0, 2.34, None, 99.0)}, {"pressure": 2.3}),
        ({"pressure": pressure(0.0, 0.0, 0.0, None)}, {"pressure": 0.0}),
        ({"pressure": pressure(None, None, None, 1.0)}, {}),
        ({"pressure": Pressure(None, None, Stalls(some_percent=4.0), None)}, {"pressure": 4.0}),
        ({"disks": (disk(3.0), disk(None), disk(41.07))}, {"disk": 41.1}),
        ({"disks": (disk(3.0), disk(99.0, counted=False))}, {"disk": 3.0}),
        ({"disks": (disk(None),)}, {}),
        ({"disks": ()}, {}),
        ({"filesystems": (filesystem(80.0), filesystem(None))}, {"filesystem": 80.0}),
        (
            {"filesystems": (filesystem(80.0), filesystem(100.0, read_only=True))},
            {"filesystem": 80.0},
        ),
        ({"network": Network(1250.6, None)}, {"rx": 1251}),
        ({"network": Network(0.0, 0.4)}, {"rx": 0, "tx": 0}),
        ({"temperatures": (sensor(None), sensor(-3.0), sensor(-20.0))}, {"celsius": -3.0}),
        ({}, {}),
    ],
)
def test_each_number_comes_from_its_section(
    sections: Mapping[str, object], vitals: Mapping[str, object]
) -> None:
    """The highest of several known ones. Null if the section is missing or does not have the number."""
    assert derive(sections) == dataclasses.replace(UNKNOWN, **vitals)  # type: ignore[arg-type]


def test_a_section_of_another_kind_gives_nothing() -> None:
    """An embedding program's origin may have sections of the same names."""
    assert derive({"cpu": {"usage_percent": 1.0}, "disks": [disk(1.0)]}) == UNKNOWN
    assert derive({"disks": (1, "x"), "pressure": ()}) == UNKNOWN


def test_the_largest_vitals_are_short() -> None:
    """160 bytes, so that with 90 bytes for the id of the run, number and time there are at most 256."""
    most = 200 * 10**9
    largest = Vitals(100.0, 100.0, 100.0, 99999.99, 100.0, 100.0, 100.0, most, most, -273.1)
    assert len(encode_section(largest)) <= 160


def test_it_comes_from_the_same_sample(tree: Tree) -> None:
    """Also while only the vitals are wanted: the sources of the other sections run in every tick."""
    tree.put("proc/stat", "cpu0 0 0 0 0\n")
    tree.put("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n")
    collector = tree.collector()
    collector.collect(["vitals"])
    tree.put("proc/stat", "cpu0 25 0 0 75\n")
    tree.advance(1.0)
    sample = collector.collect(["vitals"])
    assert sample.sections["vitals"] == dataclasses.replace(UNKNOWN, cpu=25.0, memory=75.0)
    assert sample.sources["vitals"].state == "ok"
    assert "vitals" in sample.on_demand
    assert "vitals" not in collector.collect().sections


def test_psutil_answers_for_the_vitals_too(tree: Tree) -> None:
    """Where it answers for a section."""
    fallback = ExtraSource("memory", lambda _: memory(12.5))
    sample = tree.collector(fallback=[fallback]).collect(["vitals"])
    assert sample.sections["vitals"] == dataclasses.replace(UNKNOWN, memory=12.5)


def test_the_running_host_has_vitals() -> None:
    """Without its on-demand sections. These two exist on every host."""
    collector = Collector()
    collector.collect(["vitals"])
    sample = collector.collect(["vitals"])
    collector.close()
    vitals = sample.sections["vitals"]
    assert isinstance(vitals, Vitals)
    assert vitals.memory is not None
    assert vitals.load is not None


def test_sources_of_an_embedding_program_do_not_see_the_sections(tree: Tree) -> None:
    """They run on other threads while the built-in sources are collected."""
    seen: list[Now] = []
    tree.put("proc/loadavg", "1.00 0.50 0.25 1/80 9\n")
    tree.collector(extra_sources=[ExtraSource("mine", seen.append)]).collect(["vitals"])
    assert [dict(now.sections) for now in seen] == [{}]
    assert VitalsSource().collect(seen[0]) == UNKNOWN
