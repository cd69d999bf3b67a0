"""Temperatures, fans and power meters, from the newest sample: reading a sensor may take long and may wake a device, so
a scrape reads none.

The names of the chips are node_exporter's: the bus and the name of the device, such as ``platform_coretemp_0``. A
thermal zone without a chip of its own is node_thermal_zone_temp.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from ...metrics.attributes import names_in
from ...metrics.sources import chips
from ...metrics.sources.power import Fan, Power, PowerMeter
from ...metrics.sources.temperature import Temperature
from ..exposition import Column, Family, labels, table
from .host import Host

ZONE = "thermal_zone"
OTHER = re.compile(r"[^a-z0-9:_]")

TEMPERATURES = tuple(
    Column(f"node_hwmon_temp{name}_celsius", "gauge", f"Hardware monitor for temperature ({text})")
    for name, text in (("", "input"), ("_max", "max"), ("_crit", "crit"))
)
FANS = (
    Column(
        "node_hwmon_fan_rpm", "gauge", "Hardware monitor for fan revolutions per minute (input)"
    ),
)
METERS = (
    Column("node_hwmon_power_watt", "gauge", "Hardware monitor for power usage in watts (input)"),
)
NAMES = "Annotation metric for human-readable chip names"
LABELS = "Label for given chip and sensor"


def collect(host: Host) -> Iterator[Family]:
    """Yield the families of the sections temperatures and power, if the sample has them."""
    rows = host.sections.get("temperatures")
    temperatures = rows if isinstance(rows, tuple) else ()
    power = host.sections.get("power")
    fans, meters = (power.fans, power.meters) if isinstance(power, Power) else ((), ())
    if not (temperatures or fans or meters):
        return
    sensors = Sensors(_chips(host))
    zones: dict[str, float | None] = {}
    degrees: dict[str, Sequence[float | None]] = {}
    for row in temperatures:
        if row.device and row.device.startswith(ZONE):
            zone = labels({"type": row.chip, "zone": row.device.removeprefix(ZONE)})
            zones.setdefault(zone, row.celsius)
        else:
            numbers = (row.celsius, row.high_celsius, row.critical_celsius)
            degrees.setdefault(sensors.labels(row), numbers)
    turns = {sensors.labels(fan): (fan.rpm,) for fan in fans}
    watts = {sensors.labels(meter): (meter.watts,) for meter in meters}
    yield Family("node_hwmon_chip_names", "gauge", NAMES, [(of, 1) for of in sensors.names])
    yield Family("node_hwmon_sensor_label", "gauge", LABELS, [(of, 1) for of in sensors.titles])
    yield from table(TEMPERATURES, list(degrees.items()))
    yield from table(FANS, list(turns.items()))
    yield from table(METERS, list(watts.items()))
    text = "Zone temperature in Celsius"
    yield Family("node_thermal_zone_temp", "gauge", text, list(zones.items()))


class Sensors:
    """The labels of sensors. ``names`` and ``titles`` are those of the chips and sensors that were asked for."""

    def __init__(self, chips_by_device: Mapping[tuple[str, str | None], str]) -> None:
        self._chips = chips_by_device
        self.names: dict[str, None] = {}
        self.titles: dict[str, None] = {}

    def labels(self, row: Temperature | Fan | PowerMeter) -> str:
        """Return the labels of a row."""
        chip = self._chips.get((row.chip, row.device)) or cleaned(row.chip)
        self.names[labels({"chip": chip, "chip_name": cleaned(row.chip)})] = None
        if row.label:
            self.titles[labels({"chip": chip, "label": row.label, "sensor": row.sensor})] = None
        return labels({"chip": chip, "sensor": row.sensor})


def _chips(host: Host) -> dict[tuple[str, str | None], str]:
    """Return node_exporter's name of each chip, by the name and the device that the section has."""
    directory = host.sys("class/hwmon")
    found: dict[tuple[str, str | None], str] = {}
    for entry in names_in(directory):
        chip = chips.identify(os.path.join(directory, entry))
        if chip.path is not None:
            bus, device = os.path.split(chip.path)
            name = "_".join(filter(None, (cleaned(os.path.basename(bus)), cleaned(device))))
            found.setdefault((chip.name, chip.device), name)
    return found


def cleaned(name: str) -> str:
    """Return a name as node_exporter writes it (collector/hwmon_linux.go, cleanMetricName)."""
    return OTHER.sub("_", name.lower()).strip("_")
