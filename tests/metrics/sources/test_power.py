"""The section power: supplies, energy counters, fans and power meters."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from telemetry_stream.metrics.attributes import MOST_TEXT
from telemetry_stream.metrics.source import SEARCH_SECONDS, Stale
from telemetry_stream.metrics.sources import power
from telemetry_stream.metrics.sources.power import Power, PowerSource
from telemetry_stream.metrics.sources.power_supply import Supply, read_supply
from tests.metrics.sources.test_power_supply import LAPTOP, supply
from tests.metrics.sources.test_rapl import zone
from tests.metrics.sources.test_temperature import PCI, chip
from tests.metrics.trees import Tree, opened_below


@pytest.fixture
def source(tree: Tree) -> Iterator[PowerSource]:
    """A source that waits for its devices."""
    made = PowerSource(tree.files, timeout_seconds=10.0)
    yield made
    made.close()


def collect(tree: Tree, source: PowerSource, seconds: float = 1.0) -> Power:
    """Return the section of the next tick."""
    section = source.collect(tree.tick(seconds))
    assert isinstance(section, Power)
    return section


def test_a_host_without_any_of_it_has_no_section(tree: Tree, source: PowerSource) -> None:
    """Its directories are looked for every 30 s only."""
    assert source.collect(tree.tick()) is None
    supply(tree, "BAT0", **LAPTOP)
    assert source.collect(tree.tick(SEARCH_SECONDS - 1)) is None
    assert source.collect(tree.tick(1.0)) is not None


def test_an_absent_host_opens_nothing_between_two_searches(tree: Tree, source: PowerSource) -> None:
    """A tick costs two comparisons."""
    source.collect(tree.tick())
    with opened_below(tree.sys) as opened:
        for _ in range(20):
            source.collect(tree.tick())
    assert opened == []


def test_all_kinds_together(tree: Tree, source: PowerSource) -> None:
    """A fan that stands still has 0, one with a fault null. A meter has its value now, or else a mean."""
    supply(tree, "BAT0", **LAPTOP)
    zone(tree, "intel-rapl:0", "package-0", 1)
    chip(
        tree,
        1,
        "nct6775",
        "nct6775.656",
        fan10_input="0",
        fan2_input="1200",
        fan2_label="CPU fan",
        fan3_input="900",
        fan3_fault="1",
        fan4_input="-5",
        temp1_input="40000",
    )
    chip(tree, 0, "power_meter", "ACPI000D:00", power1_average="231500000", power1_label="PSU")
    chip(tree, 2, "ina226", None, power1_input="4500000", power1_average="1")
    section = collect(tree, source)
    assert [(one.name, one.watts, one.age_seconds) for one in section.supplies] == [
        ("BAT0", 12.0, 0.0)
    ]
    assert [(one.name, one.watts) for one in section.rapl] == [("package-0", None)]
    assert [(fan.chip, fan.device, fan.sensor, fan.label, fan.rpm) for fan in section.fans] == [
        ("nct6775", "nct6775.656", "fan2", "CPU fan", 1200),
        ("nct6775", "nct6775.656", "fan3", None, None),
        ("nct6775", "nct6775.656", "fan4", None, None),
        ("nct6775", "nct6775.656", "fan10", None, 0),
    ]
    assert [(one.chip, one.device, one.label, one.watts) for one in section.meters] == [
        ("ina226", None, None, 4.5),
        ("power_meter", "ACPI000D:00", "PSU", 231.5),
    ]


def test_devices_are_read_every_10_seconds_and_the_processor_in_each_tick(
    tree: Tree, source: PowerSource
) -> None:
    """An embedded controller is slow."""
    supply(tree, "BAT0", **LAPTOP)
    zone(tree, "intel-rapl:0", "package-0", 1_000_000)
    collect(tree, source)
    supply(tree, "BAT0", power_now="20000000")
    zone(tree, "intel-rapl:0", "package-0", 91_000_000)
    section = collect(tree, source, 9.0)
    assert (section.supplies[0].watts, section.supplies[0].age_seconds) == (12.0, 9.0)
    assert section.rapl[0].watts == 10.0
    section = collect(tree, source, 1.0)
    assert (section.supplies[0].watts, section.supplies[0].age_seconds) == (20.0, 0.0)


def test_a_new_device_is_read_when_it_is_found(tree: Tree, source: PowerSource) -> None:
    """A UPS was plugged in. One that is unplugged disappears."""
    supply(tree, "BAT0", **LAPTOP)
    collect(tree, source)
    collect(tree, source, 25.0)
    supply(tree, "ups", type="UPS", capacity="90")
    section = collect(tree, source, 5.0)
    assert [(one.name, one.charge_percent) for one in section.supplies] == [
        ("BAT0", 63.0),
        ("ups", 90.0),
    ]
    tree.remove("sys/class/power_supply/ups/type")
    assert [one.name for one in collect(tree, source, 10.0).supplies] == ["BAT0"]


def test_a_device_that_sleeps_is_not_read(tree: Tree, source: PowerSource) -> None:
    """Reading would wake it up."""
    chip(tree, 0, "gpu", "pci0000:00/0000:01:00.0", fan1_input="900", fan1_label="fan")
    tree.put(f"{PCI}/power/runtime_status", "suspended\n")
    tree.put(f"{PCI}/power_state", "D3cold\n")
    with opened_below(tree.sys) as opened:
        assert [(fan.label, fan.rpm) for fan in collect(tree, source).fans] == [("fan", None)]
    assert not [path for path in opened if path.endswith("fan1_input")]


def test_the_sensors_of_a_graphics_card_are_not_here(tree: Tree, source: PowerSource) -> None:
    """They are in the section gpus. Two readers would keep it awake."""
    chip(tree, 0, "amdgpu", "pci0000:00/0000:01:00.0", power1_average="9000000", fan1_input="900")
    tree.put(f"{PCI}/drm/card0/uevent", "")
    assert source.collect(tree.tick()) is None


def test_a_chip_that_was_replaced_is_found_in_the_next_tick(
    tree: Tree, source: PowerSource
) -> None:
    """A driver was loaded again, and another chip got the number."""
    chip(tree, 0, "nct6775", "nct6775.656", fan1_input="1200")
    collect(tree, source)
    tree.put("sys/class/hwmon/hwmon0/name", "it87\n")
    assert collect(tree, source, 10.0).fans == ()
    assert [fan.chip for fan in collect(tree, source).fans] == ["it87"]


def test_a_device_that_hangs_makes_the_section_stale(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last values are kept, and the others are read."""
    hangs, answers = threading.Event(), threading.Event()
    answers.set()

    def slow(directory: str) -> Supply:
        if hangs.is_set():
            answers.wait(30)
        return read_supply(directory)

    monkeypatch.setattr(power, "read_supply", slow)
    supply(tree, "BAT0", **LAPTOP)
    source = PowerSource(tree.files, timeout_seconds=10.0)
    collect(tree, source)
    source._blocking._timeout_seconds = 0.0
    answers.clear()
    hangs.set()
    try:
        source.collect(tree.tick(10.0))
        section = source.collect(tree.tick(5.0))
        assert isinstance(section, Stale)
        assert section.age_seconds == 15.0
        assert isinstance(section.section, Power)
        assert section.section.supplies[0].watts == 12.0
    finally:
        answers.set()
        source.close()


@pytest.mark.parametrize("name", ["b\udcff", "a b", "%s", "-rf", "x" * 200])
def test_odd_names(tree: Tree, source: PowerSource, name: str) -> None:
    """Names of devices come from firmware."""
    supply(tree, name, type="Battery", capacity="50", status="x" * 500)
    (found,) = collect(tree, source).supplies
    assert found.charge_percent == 50.0
    assert found.status == "x" * MOST_TEXT
