"""Temperatures from /sys/class/hwmon, else from /sys/class/thermal (metrics.md 10; kernel docs: hwmon/sysfs-interface).

Reading a sensor may take long (a slow bus, a command to a disk) and has side effects: polling once a second warmed idle
NVMe drives by 20 degrees. So a chip is read on a worker (blocking.py), every 10 s, disks every 60 s, with one call
outstanding. hwmonN changes with every boot; a chip is its name and the device behind it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..attributes import maybe_read_once
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files
from ..source import Clock, Now, Stale

CHIP_SECONDS = 10.0
DISK_SECONDS = 60.0
DISKS = frozenset({"nvme", "drivetemp"})
LOOK_SECONDS = 30.0  # for chips that come and go
# Limits outside are marks of "not set": -273150, NVMe's 65261850.
LOWEST_CELSIUS, HIGHEST_CELSIUS = -273.0, 1000.0
INPUT = re.compile(r"(temp\d+)_input$")
ZONE = re.compile(r"thermal_zone\d+$")
TRIP = re.compile(r"trip_point_(\d+)_type$")


@dataclass(slots=True)
class Temperature:
    """One sensor. ``celsius`` is None where it does not answer or says itself that it is broken."""

    chip: str
    device: str | None  # tells two chips of one name apart
    sensor: str
    label: str | None
    celsius: float | None
    high_celsius: float | None
    critical_celsius: float | None
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a worker found out about one sensor."""

    sensor: str
    label: str | None
    celsius: float | None
    high_celsius: float | None
    critical_celsius: float | None


@dataclass(frozen=True, slots=True)
class Chip:
    """One directory of sensors."""

    directory: str
    name: str
    device: str | None

    @property
    def seconds(self) -> float:
        """How often it may be read."""
        return DISK_SECONDS if self.name in DISKS else CHIP_SECONDS


def parse_millidegrees(content: bytes | None) -> float | None:
    """``45000`` is 45 degrees; outside of what a sensor can mean, or no number, is None."""
    try:
        celsius = int(content or b"") / 1000
    except (ValueError, OverflowError):
        return None
    return celsius if LOWEST_CELSIUS < celsius < HIGHEST_CELSIUS else None


def read_chip(directory: str) -> tuple[Reading, ...]:
    """Every temperature of one hwmon directory; attributes of old drivers sit in its device. One try each."""
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

    broken = (read("fault") or b"").strip() == b"1"
    return Reading(
        sensor,
        _text(read("label")),
        None if broken else parse_millidegrees(read("input")),
        parse_millidegrees(read("max")),
        parse_millidegrees(read("crit")),
    )


def read_zone(directory: str) -> tuple[Reading, ...]:
    """One thermal zone; each trip point is converted on its own."""
    limits: dict[str, float | None] = {}
    for name in _names(directory):
        match = TRIP.match(name)
        kind = _text(maybe_read_once(os.path.join(directory, name))) if match else None
        if match and kind in ("hot", "critical"):
            path = os.path.join(directory, f"trip_point_{match.group(1)}_temp")
            limits[kind] = parse_millidegrees(maybe_read_once(path))
    celsius = parse_millidegrees(maybe_read_once(os.path.join(directory, "temp")))
    return (Reading("temp", None, celsius, limits.get("hot"), limits.get("critical")),)


def read_directory(directory: str) -> tuple[Reading, ...]:
    """What the worker runs."""
    return read_zone(directory) if ZONE.search(directory) else read_chip(directory)


def _names(directory: str) -> Sequence[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return ()


def _text(content: bytes | None) -> str | None:
    return content.decode("utf-8", "replace").strip() or None if content is not None else None


def find_chips(sys_root: str) -> list[Chip]:
    """The chips with temperatures, or the thermal zones where no chip has any (else each would show twice)."""
    chips = []
    hwmon = os.path.join(sys_root, "class", "hwmon")
    for entry in _names(hwmon):
        directory = os.path.join(hwmon, entry)
        behind = os.path.join(directory, "device")
        device = os.path.basename(os.path.realpath(behind)) if os.path.exists(behind) else None
        if _sensors(directory) or _sensors(behind):
            name = _text(maybe_read_once(os.path.join(directory, "name")))
            name = name or _text(maybe_read_once(os.path.join(behind, "name")))
            chips.append(Chip(directory, name or device or "unknown", device))
    if chips:
        # Not by hwmonN, which is another one after the next boot.
        return sorted(chips, key=lambda chip: (chip.name, chip.device or "", chip.directory))
    thermal = os.path.join(sys_root, "class", "thermal")
    for entry in _names(thermal):
        if ZONE.match(entry):
            directory = os.path.join(thermal, entry)
            kind = _text(maybe_read_once(os.path.join(directory, "type")))
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
        self._look_at = -math.inf
        self._due: dict[str, float] = {}

    def collect(self, now: Now) -> tuple[Temperature, ...] | Stale | None:
        """None on a host without sensors (most virtual ones). Never waits for one.

        Raises FileNotFoundError where there is no sysfs to ask.
        """
        if now.monotonic >= self._look_at:
            os.stat(os.path.join(self._sys_root, "class"))
            self._look_at = now.monotonic + LOOK_SECONDS
            self._chips = find_chips(self._sys_root)
            self._blocking.keep_only(chip.directory for chip in self._chips)
            self._due = {
                chip.directory: self._due.get(chip.directory, -math.inf) for chip in self._chips
            }
        if not self._chips:
            return None
        due = [chip for chip in self._chips if now.monotonic >= self._due[chip.directory]]
        for chip in due:
            self._due[chip.directory] = now.monotonic + chip.seconds
        if due:
            self._blocking.ask([chip.directory for chip in due])
        self._blocking.tend()
        rows = tuple(row for chip in self._chips for row in self._rows(chip))
        hung = [
            row.age_seconds
            for chip in self._chips
            if self._blocking.outstanding_seconds(chip.directory) > HUNG_SECONDS
            for row in self._rows(chip)
        ]
        if hung:
            return Stale(rows, max((age for age in hung if age is not None), default=None))
        return rows

    def close(self) -> None:
        """Let idle workers go."""
        self._blocking.close()
        self._look_at = -math.inf
        self._due.clear()

    def _rows(self, chip: Chip) -> list[Temperature]:
        answer = self._blocking.answer(chip.directory)
        if answer is None or answer.value is None:
            return []
        age = round(max(0.0, self._clock.monotonic() - answer.at), 1)
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
            for reading in answer.value
        ]
