"""Sensor chips of /sys/class/hwmon and zones of /sys/class/thermal: finds, identifies and reads them
(Documentation/hwmon/sysfs-interface.rst, Documentation/driver-api/thermal/sysfs-api.rst).

A thermal zone has a hwmon chip of its own if the kernel is built with it. The chip is a directory of the zone, and its
temperatures are the zone's. Any other zone has a row beside the chips.

The number in hwmonN may change at every boot, and when a driver is loaded again. A chip is identified by its name and
the device behind it. The worker reads both before and after the sensors, so that no value gets the name of another
chip.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..attributes import maybe_linked_directory, maybe_read_once, maybe_text, names_in
from . import sleep

CHIP_SECONDS = 10.0
DISK_SECONDS = 60.0
DISKS = frozenset({"nvme", "drivetemp"})
# The kernel's own drivers for the sensors in a processor: the zone x86_pkg_temp is the package sensor of coretemp.
PACKAGE_ZONE, PACKAGE_CHIP = "x86_pkg_temp", "coretemp"
# Values outside mean "not set": -273150, and 65261850 of NVMe.
MIN_CELSIUS, MAX_CELSIUS = -273.0, 1000.0
INPUT = re.compile(r"(temp\d+)_input$")
ZONE = re.compile(r"thermal_zone\d+$")
HWMON = re.compile(r"hwmon\d+$")
TRIP = re.compile(r"trip_point_(\d+)_type$")


@dataclass(slots=True)
class Reading:
    """One sensor as a worker read it."""

    sensor: str
    label: str | None
    celsius: float | None
    high_celsius: float | None
    critical_celsius: float | None


@dataclass(frozen=True, slots=True)
class Chip:
    """One directory of sensors, and what is behind it now."""

    directory: str
    name: str
    device: str | None
    path: str | None  # of the device in sysfs

    @property
    def interval_seconds(self) -> float:
        """How often it is read."""
        return DISK_SECONDS if self.name in DISKS else CHIP_SECONDS


def parse_millidegrees(content: bytes | None) -> float | None:
    """Return ``45000`` as 45 degrees. Other text, and values that no sensor measures, are None."""
    try:
        celsius = int(content or b"") / 1000
    except (ValueError, OverflowError):
        return None
    return celsius if MIN_CELSIUS < celsius < MAX_CELSIUS else None


def read_chip(directory: str, *, is_asleep: bool = False) -> tuple[Reading, ...]:
    """Read every temperature of one hwmon directory. Old drivers have the attributes in its ``device``.

    Of a device that sleeps, only the labels are read: the driver has them in memory.
    """
    return tuple(
        _read_sensor(where, sensor, is_asleep=is_asleep)
        for where in (directory, os.path.join(directory, "device"))
        for sensor in _sensors(where)
    )


def _sensors(directory: str) -> list[str]:
    matches = [INPUT.match(name) for name in names_in(directory)]
    return sorted((m.group(1) for m in matches if m), key=lambda sensor: int(sensor[4:]))


def _read_sensor(directory: str, sensor: str, *, is_asleep: bool) -> Reading:
    def read(attribute: str) -> bytes | None:
        return maybe_read_once(os.path.join(directory, f"{sensor}_{attribute}"))

    label = maybe_text(read("label"))
    if is_asleep:
        return Reading(sensor, label, None, None, None)
    faulty = (read("fault") or b"").strip() == b"1"
    return Reading(
        sensor,
        label,
        None if faulty else parse_millidegrees(read("input")),
        parse_millidegrees(read("max")),
        parse_millidegrees(read("crit")),
    )


def read_zone(directory: str) -> tuple[Reading, ...]:
    """Read one thermal zone and its trip points."""
    limits: dict[str, float | None] = {}
    for name in names_in(directory):
        match = TRIP.match(name)
        kind = maybe_text(maybe_read_once(os.path.join(directory, name))) if match else None
        if match and kind in ("hot", "critical"):
            path = os.path.join(directory, f"trip_point_{match.group(1)}_temp")
            limits[kind] = parse_millidegrees(maybe_read_once(path))
    celsius = parse_millidegrees(maybe_read_once(os.path.join(directory, "temp")))
    return (Reading("temp", None, celsius, limits.get("hot"), limits.get("critical")),)


class ReplacedError(Exception):
    """The directory belongs to another chip than before: a driver was loaded again."""


def read(chip: Chip) -> tuple[Reading, ...]:
    """Read a chip or a zone. Raises ReplacedError if another one has its directory. Runs on a worker."""
    if identify(chip.directory) != chip:
        raise ReplacedError(chip.directory)
    if ZONE.search(chip.directory):
        readings = read_zone(chip.directory)
    else:
        readings = read_chip(chip.directory, is_asleep=sleep.is_asleep(chip.path))
    if identify(chip.directory) != chip:
        raise ReplacedError(chip.directory)
    return readings


def identify(directory: str) -> Chip:
    """Return what is behind a directory of hwmon or thermal."""
    behind = os.path.join(directory, "device")
    if ZONE.search(directory):
        kind = maybe_text(maybe_read_once(os.path.join(directory, "type")))
        path = maybe_linked_directory(behind)
        return Chip(directory, kind or "thermal", os.path.basename(directory), path)
    path = maybe_linked_directory(behind)
    device = None if path is None else os.path.basename(path)
    name = maybe_text(maybe_read_once(os.path.join(directory, "name")))
    name = name or maybe_text(maybe_read_once(os.path.join(behind, "name")))
    return Chip(directory, name or device or "unknown", device, path)


def find_chips(sys_root: str) -> list[Chip]:
    """Return the chips that have temperatures, and the thermal zones that are not among them."""
    hwmon = os.path.join(sys_root, "class", "hwmon")
    directories = [os.path.join(hwmon, entry) for entry in names_in(hwmon)]
    chips = [
        identify(directory)
        for directory in directories
        if _sensors(directory) or _sensors(os.path.join(directory, "device"))
    ]
    # Not in the order of hwmonN, which may differ after the next boot.
    chips.sort(key=lambda chip: (chip.name, chip.device or "", chip.directory))
    thermal = os.path.join(sys_root, "class", "thermal")
    zones = [
        identify(os.path.join(thermal, entry)) for entry in names_in(thermal) if ZONE.match(entry)
    ]
    in_hwmon = zones_in_hwmon(zones, hwmon)
    has_package = any(chip.name == PACKAGE_CHIP for chip in chips)
    return chips + [
        zone
        for zone in zones
        if zone not in in_hwmon and not (has_package and zone.name == PACKAGE_ZONE)
    ]


def zones_in_hwmon(zones: Sequence[Chip], hwmon: str) -> set[Chip]:
    """Return the zones whose temperatures are those of a chip in the directory ``hwmon``.

    Zones of the same type share one chip, which is in the directory of the first (drivers/thermal/thermal_hwmon.c). It
    has a temperature for each of them.
    """
    found = set()
    for zone in zones:
        for entry in filter(HWMON.match, names_in(zone.directory)):
            alike = [other for other in zones if other.name == zone.name]
            sensors = _sensors(os.path.join(hwmon, entry))
            if sensors:  # Otherwise the chip is not shown: its entry in the class may be hidden.
                found.update(alike if len(sensors) >= len(alike) else [zone])
    return found
