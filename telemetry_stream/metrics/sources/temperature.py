"""Temperatures from /sys/class/hwmon and /sys/class/thermal (Documentation/hwmon/sysfs-interface.rst,
Documentation/driver-api/thermal/sysfs-api.rst).

Reading a sensor may take long (a slow bus, a command to a disk) and has side effects: reading once a second warmed idle
NVMe drives by 20 degrees. So a chip is read on a worker (blocking.py), every 10 s, a disk every 60 s, with one call
pending. A device that sleeps is not read; see sleep.py.

A thermal zone has a hwmon chip of its own if the kernel is built with it. The chip is a directory of the zone, and its
temperatures are the zone's. Any other zone has a row beside the chips.

The number in hwmonN may change at every boot, and when a driver is loaded again. A chip is identified by its name and
the device behind it. The worker reads both before and after the sensors, so that no value gets the name of another
chip.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ..attributes import maybe_linked_directory, maybe_read_once
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files, KeptFile
from ..section import Field, Section
from ..setup import Setup
from ..source import Clock, Now, Source, Stale
from . import disk, sleep

CHIP_SECONDS = 10.0
DISK_SECONDS = 60.0
DISKS = frozenset({"nvme", "drivetemp"})
# The kernel's own drivers for the sensors in a processor: the zone x86_pkg_temp is the package sensor of coretemp.
PACKAGE_ZONE, PACKAGE_CHIP = "x86_pkg_temp", "coretemp"
REFRESH_SECONDS = 30.0  # for chips that are added or removed
# Values outside mean "not set": -273150, and 65261850 of NVMe.
MIN_CELSIUS, MAX_CELSIUS = -273.0, 1000.0
INPUT = re.compile(r"(temp\d+)_input$")
ZONE = re.compile(r"thermal_zone\d+$")
HWMON = re.compile(r"hwmon\d+$")
TRIP = re.compile(r"trip_point_(\d+)_type$")


@dataclass(slots=True)
class Temperature:
    """One sensor."""

    chip: Annotated[
        str, Field("Name of the driver, or type of the thermal zone.", is_identity=True)
    ]
    device: Annotated[
        str | None,
        Field(
            "The device of the sensor chip. It distinguishes chips of the same name. Null if unknown.",
            is_identity=True,
        ),
    ]
    sensor: Annotated[str, Field("temp1, temp2, ...", is_identity=True)]
    label: Annotated[
        str | None,
        Field("The driver's name of the sensor; null if it has none.", is_identity=True),
    ]
    celsius: Annotated[
        float | None,
        Field(
            "The temperature. Null if the sensor does not answer or reports a fault, and while its device sleeps.",
            title="temperature",
        ),
    ]
    high_celsius: Annotated[float | None, "High threshold of the device; null if it has none."]
    critical_celsius: Annotated[
        float | None, "Critical threshold of the device; null if it has none."
    ]
    age_seconds: Annotated[
        float | None, "Time since it was read. Sensors are read every 10 s, disks every 60 s."
    ]


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
    matches = [INPUT.match(name) for name in _names(directory)]
    return sorted((m.group(1) for m in matches if m), key=lambda sensor: int(sensor[4:]))


def _read_sensor(directory: str, sensor: str, *, is_asleep: bool) -> Reading:
    def read(attribute: str) -> bytes | None:
        return maybe_read_once(os.path.join(directory, f"{sensor}_{attribute}"))

    label = _maybe_text(read("label"))
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
    for name in _names(directory):
        match = TRIP.match(name)
        kind = _maybe_text(maybe_read_once(os.path.join(directory, name))) if match else None
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


def _names(directory: str) -> Sequence[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return ()


def _maybe_text(content: bytes | None) -> str | None:
    return content.decode("utf-8", "replace").strip() or None if content is not None else None


def identify(directory: str) -> Chip:
    """Return what is behind a directory of hwmon or thermal."""
    behind = os.path.join(directory, "device")
    if ZONE.search(directory):
        kind = _maybe_text(maybe_read_once(os.path.join(directory, "type")))
        path = maybe_linked_directory(behind)
        return Chip(directory, kind or "thermal", os.path.basename(directory), path)
    path = maybe_linked_directory(behind)
    device = None if path is None else os.path.basename(path)
    name = _maybe_text(maybe_read_once(os.path.join(directory, "name")))
    name = name or _maybe_text(maybe_read_once(os.path.join(behind, "name")))
    return Chip(directory, name or device or "unknown", device, path)


def find_chips(sys_root: str) -> list[Chip]:
    """Return the chips that have temperatures, and the thermal zones that are not among them."""
    hwmon = os.path.join(sys_root, "class", "hwmon")
    directories = [os.path.join(hwmon, entry) for entry in _names(hwmon)]
    chips = [
        identify(directory)
        for directory in directories
        if _sensors(directory) or _sensors(os.path.join(directory, "device"))
    ]
    # Not in the order of hwmonN, which may differ after the next boot.
    chips.sort(key=lambda chip: (chip.name, chip.device or "", chip.directory))
    thermal = os.path.join(sys_root, "class", "thermal")
    zones = [
        identify(os.path.join(thermal, entry)) for entry in _names(thermal) if ZONE.match(entry)
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
        for entry in filter(HWMON.match, _names(zone.directory)):
            alike = [other for other in zones if other.name == zone.name]
            sensors = _sensors(os.path.join(hwmon, entry))
            if sensors:  # Otherwise the chip is not shown: its entry in the class may be hidden.
                found.update(alike if len(sensors) >= len(alike) else [zone])
    return found


class TemperaturesSource:
    """Section ``temperatures``."""

    name = "temperatures"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock: Clock = files.clock
        self._sys_root = files.sys_root
        self._diskstats: KeptFile[disk.Rows] = files.proc("diskstats", disk.parse, records=True)
        self._blocking: Blocking[Chip, tuple[Reading, ...]] = Blocking(
            "ts-sensors", read, files.clock, timeout_seconds=timeout_seconds
        )
        self._chips: list[Chip] = []
        self._refresh_at = -math.inf
        self._due_at: dict[Chip, float] = {}
        # Of each disk whose temperature was read: its counters at that time.
        self._activity: dict[Chip, object] = {}

    def collect(self, now: Now) -> tuple[Temperature, ...] | Stale | None:
        """Return None on a host without sensors, as most virtual machines are. Never waits for a sensor.

        Raises FileNotFoundError if the host has no sysfs.
        """
        if now.monotonic >= self._refresh_at:
            self._find(now)
        if not self._chips:
            return None
        self._request(now)
        if any(self._was_replaced(chip) for chip in self._chips):
            self._find(now)
            self._request(now)
        self._blocking.check_workers()
        rows = tuple(row for chip in self._chips for row in self._rows(chip))
        hung = [
            row.age_seconds
            for chip in self._chips
            if self._blocking.pending_seconds(chip) > HUNG_SECONDS
            for row in self._rows(chip)
        ]
        if hung:
            return Stale(rows, max((age for age in hung if age is not None), default=None))
        return rows

    def close(self) -> None:
        """End the idle workers."""
        self._blocking.close()
        self._refresh_at = -math.inf
        self._due_at.clear()
        self._activity.clear()

    def _find(self, now: Now) -> None:
        os.stat(os.path.join(self._sys_root, "class"))
        self._refresh_at = now.monotonic + REFRESH_SECONDS
        self._chips = find_chips(self._sys_root)
        self._blocking.forget_all_except(self._chips)
        self._due_at = {
            chip: -math.inf if self._was_replaced(chip) else self._due_at.get(chip, -math.inf)
            for chip in self._chips
        }
        self._activity = {
            chip: counters for chip, counters in self._activity.items() if chip in self._due_at
        }

    def _request(self, now: Now) -> None:
        due = [chip for chip in self._chips if now.monotonic >= self._due_at[chip]]
        for chip in due:
            self._due_at[chip] = now.monotonic + chip.interval_seconds
        due = [chip for chip in due if not self._is_idle_disk(chip, now)]
        if due:
            self._blocking.request(due)

    def _is_idle_disk(self, chip: Chip, now: Now) -> bool:
        """Return whether a disk did nothing since its temperature was read. It may be about to spin down.

        Reading the temperature restarts the timer of the drive (Documentation/hwmon/drivetemp.rst).
        """
        if chip.name != sleep.SPINNING_CHIP or chip.path is None:
            return False
        names = frozenset(_names(os.path.join(chip.path, "block")))
        rows = self._diskstats.maybe_read(now) or {}
        counters = [numbers for (name, _), numbers in rows.items() if name in names]
        if not counters:
            return False
        idle = self._activity.get(chip) == counters
        self._activity[chip] = counters
        return idle

    def _was_replaced(self, chip: Chip) -> bool:
        result = self._blocking.maybe_result(chip)
        return result is not None and isinstance(result.error, ReplacedError)

    def _rows(self, chip: Chip) -> list[Temperature]:
        result = self._blocking.maybe_result(chip)
        if result is None or result.value is None:
            return []
        age = round(max(0.0, self._clock.monotonic() - result.at), 1)
        return [
            Temperature(
                chip.name,
                chip.device,
                reading.sensor,
                reading.label,
                reading.celsius,
                reading.high_celsius,
                reading.critical_celsius,
                age,
            )
            for reading in result.value
        ]


SECTIONS = (
    Section(
        TemperaturesSource,
        tuple[Temperature, ...],
        title="Temperatures",
        text="Every sensor, read every 10 s, disks every 60 s: reading more often can warm a device or wake it. "
        "Compare a sensor with its own thresholds.",
        files="/sys/class/hwmon, /sys/class/thermal",
        prometheus="node_temperature",
        nulls="A threshold that no sensor can reach counts as none. A device that sleeps is not read, and its rows are "
        "null. A disk that did nothing keeps its last temperature.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (TemperaturesSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
