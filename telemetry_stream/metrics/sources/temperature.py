"""Temperatures from /sys/class/hwmon and /sys/class/thermal (Documentation/hwmon/sysfs-interface.rst,
Documentation/driver-api/thermal/sysfs-api.rst).

Reading a sensor may take long (a slow bus, a command to a disk) and has side effects: reading once a second warmed idle
NVMe drives by 20 degrees. So a chip is read on a worker (blocking.py), every 10 s, a disk every 60 s, with one call
pending. A device that sleeps is not read; see chips.py and sleep.py.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Annotated

from ..attributes import names_in
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files, KeptFile
from ..section import Field, Section
from ..setup import Setup
from ..source import Clock, Now, Source, Stale
from . import diskstats, sleep
from .chips import Chip, Reading, ReplacedError, find_chips, read

REFRESH_SECONDS = 30.0  # for chips that are added or removed


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


class TemperaturesSource:
    """Section ``temperatures``."""

    name = "temperatures"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock: Clock = files.clock
        self._sys_root = files.sys_root
        self._diskstats: KeptFile[diskstats.Rows] = files.proc(
            "diskstats", diskstats.parse, records=True
        )
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
        names = frozenset(names_in(os.path.join(chip.path, "block")))
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
        prometheus="telemetry_stream_temperature",
        nulls="A threshold that no sensor can reach counts as none. A device that sleeps is not read, and its rows are "
        "null. A disk that did nothing keeps its last temperature.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (TemperaturesSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
