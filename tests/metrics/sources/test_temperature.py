"""Sensors of hwmon and thermal zones."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry_stream.metrics.source import Stale
from telemetry_stream.metrics.sources.temperature import TemperaturesSource
from tests.metrics.trees import Tree


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


def chips_of(tree: Tree, source: TemperaturesSource) -> list[tuple[str, float | None]]:
    """Return chip and celsius of each row."""
    return [(row[0], row[4]) for row in rows(source.collect(tree.tick()))]


def test_a_zone_with_a_chip_of_its_own_is_shown_once(
    tree: Tree, source: TemperaturesSource
) -> None:
    """CONFIG_THERMAL_HWMON makes a chip in the directory of the zone. Other zones are shown beside the chips."""
    chip(tree, 0, "cpu_thermal", temp1_input="51540")
    chip(tree, 1, "nvme", temp1_input="38000")
    zone(tree, 0, "cpu-thermal", temp="51540", **{"hwmon0/name": "cpu_thermal"})
    zone(tree, 1, "gpu-thermal", temp="49000")
    assert chips_of(tree, source) == [
        ("cpu_thermal", 51.54),
        ("nvme", 38.0),
        ("gpu-thermal", 49.0),
    ]


def test_zones_of_one_type_share_a_chip(tree: Tree, source: TemperaturesSource) -> None:
    """thermal_hwmon.c: the second zone of a type adds temp2 to the chip that is in the directory of the first."""
    chip(tree, 0, "acpitz", temp1_input="27800", temp2_input="29800")
    for number in (0, 1):
        zone(tree, number, "acpitz", temp=f"{27800 + 2000 * number}")
    tree.put("sys/class/thermal/thermal_zone0/hwmon0/name", "acpitz")
    assert chips_of(tree, source) == [("acpitz", 27.8), ("acpitz", 29.8)]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("coretemp", [("coretemp", 45.0)]),
        ("nvme", [("nvme", 45.0), ("x86_pkg_temp", 46.0)]),
    ],
)
def test_the_zone_of_the_package_is_that_of_coretemp(
    tree: Tree, source: TemperaturesSource, other: str, expected: list[tuple[str, float]]
) -> None:
    """Without coretemp, the zone is the only temperature of the processor."""
    chip(tree, 0, other, temp1_input="45000")
    zone(tree, 0, "x86_pkg_temp", temp="46000")
    assert chips_of(tree, source) == expected


def test_a_zone_without_a_valid_temperature_is_null(tree: Tree, source: TemperaturesSource) -> None:
    """THERMAL_TEMP_INVALID in include/linux/thermal.h is -274000."""
    zone(tree, 0, "gpu-thermal", temp="-274000")
    assert chips_of(tree, source) == [("gpu-thermal", None)]


def swap(tree: Tree) -> None:
    """Let hwmon0 and hwmon1 change their places, as after a driver was loaded again."""
    for number, (name, label, celsius) in enumerate(
        (("k10temp", "Tctl", "77000"), ("nvme", "Composite", "41000"))
    ):
        chip(tree, number, name, temp1_label=label, temp1_input=celsius)


def test_a_value_never_gets_the_name_of_another_chip(
    tree: Tree, source: TemperaturesSource
) -> None:
    """The chips changed their places between two readings. Each value has the name that was read with it."""
    chip(tree, 0, "nvme", temp1_label="Composite", temp1_input="40000")
    chip(tree, 1, "k10temp", temp1_label="Tctl", temp1_input="45000")
    source.collect(tree.tick())
    swap(tree)
    found = rows(source.collect(tree.tick(10.0)))
    assert [(row[0], row[3], row[4]) for row in found] == [
        ("k10temp", "Tctl", 77.0),
        ("nvme", "Composite", 41.0),
    ]


def opened(tree: Tree, source: TemperaturesSource, *, seconds: float = 10.0) -> set[str]:
    """Return the names of the attributes that the next sample reads."""
    names: set[str] = set()
    watching = True

    def record(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).startswith(tree.sys):
            names.add(os.path.basename(str(arguments[0])))

    sys.addaudithook(record)
    source.collect(tree.tick(seconds))
    watching = False
    return names


PCI = "sys/devices/pci0000:00/0000:01:00.0"


@pytest.mark.parametrize(
    ("name", "device", "state"),
    [
        # drivers/gpu/drm/amd: the card sleeps after 5 s, and each read of its sensor resumes it.
        ("amdgpu", "pci0000:00/0000:01:00.0", {"power/runtime_status": "suspended"}),
        ("amdgpu", "pci0000:00/0000:01:00.0", {"power/runtime_status": "suspending"}),
        # ABI/testing/sysfs-bus-pci: power_state.
        ("nouveau", "pci0000:00/0000:01:00.0", {"power_state": "D3hot"}),
        ("nouveau", "pci0000:00/0000:01:00.0", {"power_state": "D3cold"}),
        # The chip of an NVMe drive belongs to its controller, which is below the PCI device.
        ("nvme", "pci0000:00/0000:01:00.0/nvme/nvme0", {"power_state": "D3cold"}),
    ],
)
def test_a_device_that_sleeps_is_not_woken(
    tree: Tree, source: TemperaturesSource, name: str, device: str, state: dict[str, str]
) -> None:
    """Its row is null, and no attribute of its sensors is read. When it is awake, it is read again."""
    chip(tree, 0, name, device, temp1_input="38000", temp1_crit="90000")
    for file, content in state.items():
        tree.put(f"{PCI}/{file}", f"{content}\n")
    assert not {"temp1_input", "temp1_crit"} & opened(tree, source)
    assert chips_of(tree, source) == [(name, None)]
    for file in state:
        tree.put(f"{PCI}/{file}", "active\n" if "runtime" in file else "D0\n")
    assert "temp1_input" in opened(tree, source, seconds=60.0)


def test_a_sensor_behind_a_bus_that_sleeps_between_transfers_is_read(
    tree: Tree, source: TemperaturesSource
) -> None:
    """i2c-i801 suspends its PCI device after a second. The memory module behind it does not sleep."""
    chip(tree, 0, "jc42", "pci0000:00/0000:01:00.0/i2c-0/0-0018", temp1_input="31000")
    tree.put(f"{PCI}/power/runtime_status", "suspended\n")
    tree.put(f"{PCI}/power_state", "D3hot\n")
    assert chips_of(tree, source) == [("jc42", 31.0)]


def test_a_disk_that_does_nothing_is_not_kept_from_its_standby(
    tree: Tree, source: TemperaturesSource
) -> None:
    """Documentation/hwmon/drivetemp.rst: reading the temperature restarts the timer of the drive."""
    chip(tree, 0, "drivetemp", "ata1/0:0:0:0", temp1_input="31000")
    tree.put("sys/devices/ata1/0:0:0:0/block/sda/stat", "")
    tree.put("proc/diskstats", f"8 0 sda 10{' 0' * 10}\n")
    assert chips_of(tree, source) == [("drivetemp", 31.0)]
    for _ in range(3):
        assert "temp1_input" not in opened(tree, source, seconds=60.0)
    tree.put("proc/diskstats", f"8 0 sda 11{' 0' * 10}\n")
    assert "temp1_input" in opened(tree, source, seconds=60.0)


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


def test_a_sensor_between_two_reads_is_not_stale(tree: Tree, source: TemperaturesSource) -> None:
    """Only a call that does not return makes it stale."""
    chip(tree, 0, "nvme", temp1_input="30000")
    source.collect(tree.tick())
    assert not isinstance(source.collect(tree.tick(59.0)), Stale)
