"""Sensors of hwmon and thermal zones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from telemetry_stream.metrics.source import Stale
from telemetry_stream.metrics.sources.temperature import (
    TemperaturesSource,
    parse_millidegrees,
)
from tests.metrics.trees import Tree, odd


def chip(
    tree: Tree, number: int, name: str | None, device: str | None = None, **attributes: str
) -> None:
    """Make one hwmon directory."""
    directory = f"sys/class/hwmon/hwmon{number}"
    if name is not None:
        tree.put(f"{directory}/name", f"{name}\n")
    if device is not None:
        tree.put(f"sys/devices/{device}/uevent", "")
        tree.link(f"{directory}/device", f"../../../devices/{device}")
    for attribute, content in attributes.items():
        tree.put(f"{directory}/{attribute}", f"{content}\n")


@pytest.fixture
def source(tree: Tree) -> Iterator[TemperaturesSource]:
    """A source that waits for its sensors."""
    made = TemperaturesSource(tree.files, timeout_seconds=10.0)
    yield made
    made.close()


def rows(section: object) -> list[tuple[Any, ...]]:
    """Return chip, device, sensor, label, celsius, high and critical of each row."""
    assert isinstance(section, tuple)
    return [
        (
            row.chip,
            row.device,
            row.sensor,
            row.label,
            row.celsius,
            row.high_celsius,
            row.critical_celsius,
        )
        for row in section
    ]


def test_chips_are_identified_and_sorted_by_name_and_device(
    tree: Tree, source: TemperaturesSource
) -> None:
    """The number in hwmonN may change at every boot."""
    chip(tree, 0, "coretemp", "coretemp.1", temp1_input="46000", temp1_label="Package id 1")
    chip(
        tree,
        3,
        "coretemp",
        "coretemp.0",
        temp1_input="45500",
        temp1_label="Package id 0",
        temp1_max="80000",
        temp1_crit="100000",
    )
    assert rows(source.collect(tree.tick())) == [
        ("coretemp", "coretemp.0", "temp1", "Package id 0", 45.5, 80.0, 100.0),
        ("coretemp", "coretemp.1", "temp1", "Package id 1", 46.0, None, None),
    ]


def test_sensors_are_sorted_by_number(tree: Tree, source: TemperaturesSource) -> None:
    """temp10 comes after temp2. Other attributes are not sensors."""
    chip(tree, 0, "nct", temp10_input="1000", temp2_input="2000", fan1_input="900", temp3_max="5")
    assert [(row[2], row[4]) for row in rows(source.collect(tree.tick()))] == [
        ("temp2", 2.0),
        ("temp10", 1.0),
    ]


def test_values_that_mean_not_set_are_null(tree: Tree, source: TemperaturesSource) -> None:
    """-273150 is "not set", and so is 65261850 of NVMe. A sensor that reports a fault has no temperature."""
    chip(
        tree,
        0,
        "nvme",
        temp1_input="38850",
        temp1_max="65261850",
        temp1_crit="-273150",
        temp2_input="20000",
        temp2_fault="1",
        temp3_input="",
    )
    assert rows(source.collect(tree.tick())) == [
        ("nvme", None, "temp1", None, 38.85, None, None),
        ("nvme", None, "temp2", None, None, None, None),
        ("nvme", None, "temp3", None, None, None, None),
    ]


def test_old_drivers_have_attributes_and_name_in_the_device(
    tree: Tree, source: TemperaturesSource
) -> None:
    """Without a name, the chip has that of the device."""
    chip(tree, 0, None, "lm75.0")
    tree.put("sys/devices/lm75.0/temp1_input", "21000\n")
    tree.put("sys/devices/lm75.0/name", "lm75\n")
    chip(tree, 1, None, "w83.0", temp1_input="22000")
    assert rows(source.collect(tree.tick())) == [
        ("lm75", "lm75.0", "temp1", None, 21.0, None, None),
        ("w83.0", "w83.0", "temp1", None, 22.0, None, None),
    ]


def zone(tree: Tree, number: int, kind: str, **attributes: str) -> None:
    """Make one thermal zone."""
    for name, content in {"type": kind, **attributes}.items():
        tree.put(f"sys/class/thermal/thermal_zone{number}/{name}", f"{content}\n")


TRIPS = {
    "trip_point_0_type": "passive",
    "trip_point_0_temp": "70000",
    "trip_point_1_type": "hot",
    "trip_point_1_temp": "85000",
    "trip_point_2_type": "critical",
    "trip_point_2_temp": "95000",
}


def test_thermal_zones_are_used_without_hwmon(tree: Tree, source: TemperaturesSource) -> None:
    """Each trip point has its own type and temperature."""
    chip(tree, 0, "fan", fan1_input="900")
    zone(tree, 0, "cpu-thermal", temp="51540", **TRIPS)
    zone(tree, 1, "gpu-thermal", temp="49000")
    assert rows(source.collect(tree.tick())) == [
        ("cpu-thermal", "thermal_zone0", "temp", None, 51.54, 85.0, 95.0),
        ("gpu-thermal", "thermal_zone1", "temp", None, 49.0, None, None),
    ]


def test_thermal_zones_are_not_shown_in_addition_to_hwmon(
    tree: Tree, source: TemperaturesSource
) -> None:
    """They have the same sensors."""
    chip(tree, 0, "cpu_thermal", temp1_input="51540")
    zone(tree, 0, "cpu-thermal", temp="51540")
    assert [row[0] for row in rows(source.collect(tree.tick()))] == ["cpu_thermal"]


def test_a_host_without_sensors_has_no_section(tree: Tree, source: TemperaturesSource) -> None:
    """As most virtual machines. Without sysfs, psutil may answer."""
    with pytest.raises(FileNotFoundError):
        source.collect(tree.tick())
    tree.put("sys/class/net/lo/ifindex", "1")
    assert source.collect(tree.tick()) is None


def test_disks_are_read_every_minute_and_others_every_10_seconds(
    tree: Tree, source: TemperaturesSource
) -> None:
    """Reading an NVMe drive every second warms it."""
    chip(tree, 0, "coretemp", temp1_input="40000")
    chip(tree, 1, "nvme", temp1_input="30000")
    source.collect(tree.tick())
    chip(tree, 0, "coretemp", temp1_input="50000")
    chip(tree, 1, "nvme", temp1_input="35000")

    def celsius(seconds: float) -> list[tuple[float | None, float | None]]:
        section = source.collect(tree.tick(seconds))
        assert isinstance(section, tuple)
        return [(row.celsius, row.age_seconds) for row in section]

    assert celsius(9.0) == [(40.0, 9.0), (30.0, 9.0)]
    assert celsius(1.0) == [(50.0, 0.0), (30.0, 10.0)]
    assert celsius(49.0) == [(50.0, 0.0), (30.0, 59.0)]
    assert celsius(1.0) == [(50.0, 1.0), (35.0, 0.0)]


def test_a_new_chip_is_found_within_half_a_minute(tree: Tree, source: TemperaturesSource) -> None:
    """hwmon is listed again then."""
    chip(tree, 0, "coretemp", temp1_input="40000")
    assert len(rows(source.collect(tree.tick()))) == 1
    chip(tree, 1, "nvme", temp1_input="30000")
    assert len(rows(source.collect(tree.tick(30.0)))) == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"45000\n", 45.0),
        (b"-5000", -5.0),
        (b"0", 0.0),
        (b"-273150", None),
        (b"1000000", None),
        (b"", None),
        (None, None),
        (b"hot", None),
    ],
)
def test_millidegrees(content: bytes | None, expected: float | None) -> None:
    """Degrees, or None for values that no sensor measures."""
    assert parse_millidegrees(content) == expected


@given(odd(b"45000\n", b"-273150\n"))
def test_any_bytes_are_a_temperature_or_none(content: bytes) -> None:
    """Between -273 and 1000 degrees."""
    celsius = parse_millidegrees(content)
    assert celsius is None or -273 < celsius < 1000


def test_a_sensor_between_two_reads_is_not_stale(tree: Tree, source: TemperaturesSource) -> None:
    """Only a call that does not return makes it stale."""
    chip(tree, 0, "nvme", temp1_input="30000")
    source.collect(tree.tick())
    assert not isinstance(source.collect(tree.tick(59.0)), Stale)
