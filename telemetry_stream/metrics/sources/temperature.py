"""Temperatures from /sys/class/hwmon, or else from /sys/class/thermal (Documentation/hwmon/sysfs-interface.rst).

Reading a sensor may take long (a slow bus, a command to a disk) and has side effects: reading once a second warmed idle
NVMe drives by 20 degrees. So a chip is read on a worker (blocking.py), every 10 s, a disk every 60 s, with one call
pending. The number in hwmonN may change at every boot; a chip is identified by its name and the device behind it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ..attributes import maybe_read_once
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files
from ..section import Field, Section
from ..setup import Setup
from ..source import Clock, Now, Source, Stale

CHIP_SECONDS = 10.0
DISK_SECONDS = 60.0
DISKS = frozenset({"nvme", "drivetemp"})
REFRESH_SECONDS = 30.0  # for chips that are added or removed
# Values outside mean "not set": -273150, and 65261850 of NVMe.
MIN_CELSIUS, MAX_CELSIUS = -273.0, 1000.0
INPUT = re.compile(r"(temp\d+)_input$")
ZONE = re.compile(r"thermal_zone\d+$")
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
            "The temperature. Null if the sensor does not answer or reports a fault.",
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


@dataclass(slots=True)
class Chip:
    """One directory of sensors."""

    directory: str
    name: str
    device: str | None

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


def read_chip(directory: str) -> tuple[Reading, ...]:
    """Read every temperature of one hwmon directory. Old drivers have the attributes in its ``device``."""
    return tuple(
        _read_sensor(where, sensor)
        for where in (directory, os.path.join(directory, "device"))
        for sensor in _sensors(where)
    )


def _sensors(directory: str) -> list[str]:
    matches = [INPUT.match(name) for name in _names(directory)]
    return sorted((m.group(1) for m in matches if m), key=lambda sensor: int(sensor[4:]))


def _read_sensor(directory: str, sensor: str) -> Reading:
    def read(attribute: str) -> bytes | None:
        return maybe_read_once(os.path.join(directory, f"{sensor}_{attribute}"))

    faulty = (read("fault") or b"").strip() == b"1"
    return Reading(
        sensor,
        _maybe_text(read("label")),
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


def read_directory(directory: str) -> tuple[Reading, ...]:
    """Read a chip or a zone. Runs on a worker."""
    return read_zone(directory) if ZONE.search(directory) else read_chip(directory)


def _names(directory: str) -> Sequence[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return ()


def _maybe_text(content: bytes | None) -> str | None:
    return content.decode("utf-8", "replace").strip() or None if content is not None else None


def find_chips(sys_root: str) -> list[Chip]:
    """Return the chips that have temperatures, or the thermal zones if no chip has.

    With both, each sensor would be shown twice.
    """
    chips = []
    hwmon = os.path.join(sys_root, "class", "hwmon")
    for entry in _names(hwmon):
        directory = os.path.join(hwmon, entry)
        behind = os.path.join(directory, "device")
        device = os.path.basename(os.path.realpath(behind)) if os.path.exists(behind) else None
        if _sensors(directory) or _sensors(behind):
            name = _maybe_text(maybe_read_once(os.path.join(directory, "name")))
            name = name or _maybe_text(maybe_read_once(os.path.join(behind, "name")))
            chips.append(Chip(directory, name or device or "unknown", device))
    if chips:
        # Not in the order of hwmonN, which may differ after the next boot.
        return sorted(chips, key=lambda chip: (chip.name, chip.device or "", chip.directory))
    thermal = os.path.join(sys_root, "class", "thermal")
    for entry in _names(thermal):
        if ZONE.match(entry):
            directory = os.path.join(thermal, entry)
            kind = _maybe_text(maybe_read_once(os.path.join(directory, "type")))
            chips.append(Chip(directory, kind or "thermal", entry))
    return chips


class TemperaturesSource:
    """Section ``temperatures``."""

    name = "temperatures"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock: Clock = files.clock
        self._sys_root = files.sys_root
        self._blocking: Blocking[str, tuple[Reading, ...]] = Blocking(
            "ts-sensors", read_directory, files.clock, timeout_seconds=timeout_seconds
        )
        self._chips: list[Chip] = []
        self._refresh_at = -math.inf
        self._due_at: dict[str, float] = {}

    def collect(self, now: Now) -> tuple[Temperature, ...] | Stale | None:
        """Return None on a host without sensors, as most virtual machines are. Never waits for a sensor.

        Raises FileNotFoundError if the host has no sysfs.
        """
        if now.monotonic >= self._refresh_at:
            os.stat(os.path.join(self._sys_root, "class"))
            self._refresh_at = now.monotonic + REFRESH_SECONDS
            self._chips = find_chips(self._sys_root)
            self._blocking.forget_all_except(chip.directory for chip in self._chips)
            self._due_at = {
                chip.directory: self._due_at.get(chip.directory, -math.inf) for chip in self._chips
            }
        if not self._chips:
            return None
        due = [chip for chip in self._chips if now.monotonic >= self._due_at[chip.directory]]
        for chip in due:
            self._due_at[chip.directory] = now.monotonic + chip.interval_seconds
        if due:
            self._blocking.request([chip.directory for chip in due])
        self._blocking.check_workers()
        rows = tuple(row for chip in self._chips for row in self._rows(chip))
        hung = [
            row.age_seconds
            for chip in self._chips
            if self._blocking.pending_seconds(chip.directory) > HUNG_SECONDS
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

    def _rows(self, chip: Chip) -> list[Temperature]:
        result = self._blocking.maybe_result(chip.directory)
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
        nulls="A threshold that no sensor can reach counts as none.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (TemperaturesSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
