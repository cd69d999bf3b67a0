"""Power and what follows from it: batteries and UPS (power_supply.py), the energy counters of the processor (rapl.py),
and the fans and power meters of /sys/class/hwmon (Documentation/hwmon/sysfs-interface.rst).

Supplies and chips are read on a worker (blocking.py), every 10 s, with one call pending for each: an embedded
controller or a bus may be slow. A chip whose device sleeps is not read; supplies are read always. The energy counters
are registers of the processor and are read in the tick. The sensors of a graphics card are in the section ``gpus``:
reading them here as well could keep it awake.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from ..attributes import maybe_read_once, maybe_text, names_in
from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files
from ..section import Field, Part, Section
from ..setup import Setup
from ..source import SEARCH_SECONDS, Now, Source, Stale
from . import sleep
from .chips import Chip, ReplacedError, identify
from .power_supply import (
    MOST_WATTS,
    Supply,
    find_supplies,
    maybe_integer,
    maybe_micro,
    read_supply,
)
from .rapl import Rapl, RaplZone

READ_SECONDS = 10.0
# No fan turns faster.
MOST_RPM = 200_000
# A meter has its present power or a mean of it; a chip with both has the same sensor in both.
SENSOR = re.compile(r"(?:(fan\d+)_input|(power\d+)_(?:input|average))$")


@dataclass(slots=True)
class Fan:
    """One fan."""

    chip: Annotated[str, Field("Name of the driver.", is_identity=True)]
    device: Annotated[
        str | None,
        Field("The device of the chip. It distinguishes chips of the same name.", is_identity=True),
    ]
    sensor: Annotated[str, Field("fan1, fan2, ...", is_identity=True)]
    label: Annotated[str | None, "The driver's name of the fan; null if it has none."]
    rpm: Annotated[
        int | None,
        Field(
            "Revolutions per minute. 0: it stands still. Null if it does not answer or reports a fault, and while its "
            "device sleeps.",
            unit="per minute",
            title="speed",
        ),
    ]
    age_seconds: Annotated[float | None, "Time since it was read. Fans are read every 10 s."]


@dataclass(slots=True)
class PowerMeter:
    """One power meter."""

    chip: Annotated[str, Field("Name of the driver.", is_identity=True)]
    device: Annotated[
        str | None,
        Field("The device of the chip. It distinguishes chips of the same name.", is_identity=True),
    ]
    sensor: Annotated[str, Field("power1, power2, ...", is_identity=True)]
    label: Annotated[str | None, "The driver's name of the meter; null if it has none."]
    watts: Annotated[
        float | None,
        Field(
            "Power now, or the mean of the chip's own interval. Null if it does not answer or reports a fault, and "
            "while its device sleeps.",
            title="power",
        ),
    ]
    age_seconds: Annotated[float | None, "Time since it was read. Meters are read every 10 s."]


@dataclass(slots=True)
class Power:
    """What supplies this host, and what measures its power."""

    supplies: Annotated[
        tuple[Supply, ...],
        Part(
            text="Batteries, UPS and adapters.",
            files="/sys/class/power_supply",
            prometheus="telemetry_stream_power_supply",
            nulls="A field is null if the driver does not have it.",
        ),
    ]
    rapl: Annotated[
        tuple[RaplZone, ...],
        Part(
            text="Energy counters of the processor (RAPL).",
            files="/sys/class/powercap/intel-rapl:*",
            prometheus="telemetry_stream_rapl",
            nulls="Only root may read the counters (Linux 5.10); docs/operations.md describes how to grant it.",
        ),
    ]
    fans: Annotated[
        tuple[Fan, ...],
        Part(text="Fans.", files="/sys/class/hwmon", prometheus="telemetry_stream_hwmon_fan"),
    ]
    meters: Annotated[
        tuple[PowerMeter, ...],
        Part(
            text="Power meters, except those of graphics cards, which are in the section `gpus`.",
            files="/sys/class/hwmon",
            prometheus="telemetry_stream_hwmon_power",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One fan or power meter as a worker read it."""

    sensor: str
    label: str | None
    value: int | None


def _sensors(directory: str) -> list[str]:
    """Return the names of the fans and power meters in a directory, by kind and number."""
    matches = [SENSOR.match(name) for name in names_in(directory)]
    found = {match.group(1) or match.group(2) for match in matches if match}
    return sorted(found, key=lambda sensor: (sensor.rstrip("0123456789"), len(sensor), sensor))


def find_chips(sys_root: str) -> list[Chip]:
    """Return the chips that have fans or power meters, except those of graphics cards."""
    hwmon = os.path.join(sys_root, "class", "hwmon")
    found = [
        identify(directory)
        for directory in (os.path.join(hwmon, entry) for entry in names_in(hwmon))
        if _sensors(directory) or _sensors(os.path.join(directory, "device"))
    ]
    # Not in the order of hwmonN, which may differ after the next boot.
    return sorted(
        (
            chip
            for chip in found
            if not os.path.isdir(os.path.join(chip.directory, "device", "drm"))
        ),
        key=lambda chip: (chip.name, chip.device or "", chip.directory),
    )


def read_chip(chip: Chip) -> tuple[_Reading, ...]:
    """Read the fans and meters of a chip. Raises ReplacedError if another one has its directory. Runs on a worker."""
    if identify(chip.directory) != chip:
        raise ReplacedError(chip.directory)
    is_asleep = sleep.is_asleep(chip.path)
    readings = tuple(
        _read_sensor(where, sensor, is_asleep=is_asleep)
        for where in (chip.directory, os.path.join(chip.directory, "device"))
        for sensor in _sensors(where)
    )
    if identify(chip.directory) != chip:
        raise ReplacedError(chip.directory)
    return readings


def _read_sensor(directory: str, sensor: str, *, is_asleep: bool) -> _Reading:
    def read(attribute: str) -> bytes | None:
        return maybe_read_once(os.path.join(directory, f"{sensor}_{attribute}"))

    label = maybe_text(read("label"))
    if is_asleep or maybe_integer(read("fault")) == 1:
        return _Reading(sensor, label, None)
    value = maybe_integer(read("input"))
    return _Reading(sensor, label, maybe_integer(read("average")) if value is None else value)


def _read(device: Chip | str) -> tuple[_Reading, ...] | Supply:
    """Read a chip or a power supply. Runs on a worker."""
    return read_supply(device) if isinstance(device, str) else read_chip(device)


class PowerSource:
    """Section ``power``."""

    name = "power"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock = files.clock
        self._sys_root = files.sys_root
        self._rapl = Rapl(files)
        self._blocking: Blocking[Chip | str, tuple[_Reading, ...] | Supply] = Blocking(
            "ts-power", _read, files.clock, timeout_seconds=timeout_seconds
        )
        self._devices: list[Chip | str] = []
        self._is_absent = True
        self._search_at = -math.inf
        self._read_at = -math.inf

    def collect(self, now: Now) -> Power | Stale | None:
        """Return None on a host that has nothing of it. Never waits for a device."""
        if now.monotonic >= self._search_at:
            self._find(now)
        if self._is_absent:
            return None
        if now.monotonic >= self._read_at and self._devices:
            self._read_at = now.monotonic + READ_SECONDS
            self._blocking.request(self._devices)
        self._blocking.check_workers()
        power, ages = self._power()
        hung = [
            ages.get(device)
            for device in self._devices
            if self._blocking.pending_seconds(device) > HUNG_SECONDS
        ]
        if hung:
            return Stale(power, max((age for age in hung if age is not None), default=None))
        return power

    def close(self) -> None:
        """End the idle workers and close the descriptors."""
        self._blocking.close()
        self._rapl.close()
        self._search_at = self._read_at = -math.inf

    def _find(self, now: Now) -> None:
        self._search_at = now.monotonic + SEARCH_SECONDS
        self._rapl.find()
        before = self._devices
        self._devices = [*find_supplies(self._sys_root), *find_chips(self._sys_root)]
        self._blocking.forget_all_except(self._devices)
        if set(self._devices) - set(before):
            self._read_at = -math.inf
        self._is_absent = not self._devices and not self._rapl.has_zones

    def _power(self) -> tuple[Power, dict[Chip | str, float]]:
        """Return the record, and the age of each device that was read."""
        supplies: list[Supply] = []
        fans: list[Fan] = []
        meters: list[PowerMeter] = []
        ages: dict[Chip | str, float] = {}
        for device in self._devices:
            result = self._blocking.maybe_result(device)
            if result is None or result.value is None:
                if result is not None and isinstance(result.error, ReplacedError):
                    self._search_at = -math.inf
                continue
            age = ages[device] = round(max(0.0, self._clock.monotonic() - result.at), 1)
            if isinstance(result.value, Supply):
                supplies.append(replace(result.value, age_seconds=age))
            elif isinstance(device, Chip):
                fans.extend(_fans(device, result.value, age))
                meters.extend(_meters(device, result.value, age))
        return Power(tuple(supplies), self._rapl.zones(), tuple(fans), tuple(meters)), ages


def _fans(chip: Chip, readings: Iterable[_Reading], age: float) -> Iterable[Fan]:
    for reading in readings:
        if reading.sensor.startswith("fan"):
            rpm = reading.value
            if rpm is not None and not 0 <= rpm <= MOST_RPM:
                rpm = None
            yield Fan(chip.name, chip.device, reading.sensor, reading.label, rpm, age)


def _meters(chip: Chip, readings: Iterable[_Reading], age: float) -> Iterable[PowerMeter]:
    for reading in readings:
        if reading.sensor.startswith("power"):
            watts = maybe_micro(reading.value, MOST_WATTS)
            yield PowerMeter(chip.name, chip.device, reading.sensor, reading.label, watts, age)


SECTIONS = (
    Section(
        PowerSource,
        Power,
        title="Power",
        text="Batteries, UPS, the power of the processor and of the host, and fans. Everything except the processor "
        "is read every 10 s.",
        files="/sys/class/power_supply, /sys/class/powercap, /sys/class/hwmon",
        prometheus="telemetry_stream_power",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (PowerSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
