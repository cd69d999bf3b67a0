"""Frequencies and throttling of each core, and cooling devices (collectors cpufreq, cpu and thermal_zone;
Documentation/admin-guide/pm/cpufreq.rst, Documentation/driver-api/thermal/sysfs-api.rst).

Drivers may ask the firmware for these values, so this runs on a worker.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ..exposition import Column, Family, labels, table
from .host import Host, attributes, maybe_number, names_in

CPU = re.compile(r"cpu(\d+)$")
COOLING = re.compile(r"cooling_device(\d+)$")

FREQUENCIES = (
    ("frequency_hertz", "cpuinfo_cur_freq", "Current CPU thread frequency in hertz."),
    ("frequency_min_hertz", "cpuinfo_min_freq", "Minimum CPU thread frequency in hertz."),
    ("frequency_max_hertz", "cpuinfo_max_freq", "Maximum CPU thread frequency in hertz."),
    (
        "scaling_frequency_hertz",
        "scaling_cur_freq",
        "Current scaled CPU thread frequency in hertz.",
    ),
    (
        "scaling_frequency_min_hertz",
        "scaling_min_freq",
        "Minimum scaled CPU thread frequency in hertz.",
    ),
    (
        "scaling_frequency_max_hertz",
        "scaling_max_freq",
        "Maximum scaled CPU thread frequency in hertz.",
    ),
)
GOVERNORS = ("scaling_governor", "scaling_available_governors")
KILOHERTZ = 1000
COLUMNS = tuple(
    Column(f"node_cpu_{name}", "gauge", text, KILOHERTZ) for name, _, text in FREQUENCIES
)
THROTTLES = ("thermal_throttle/core_throttle_count", "thermal_throttle/package_throttle_count")
TOPOLOGY = ("topology/physical_package_id", "topology/core_id")


def collect_cpufreq(host: Host) -> Iterator[Family]:
    """Yield the frequencies and governors of each core. Raises OSError."""
    rows = []
    governors: list[tuple[str, float | None]] = []
    for core, directory in _cores(host):
        files = (*(file for _, file, _ in FREQUENCIES), *GOVERNORS)
        found = attributes(os.path.join(directory, "cpufreq"), files)
        numbers = [maybe_number(found.get(file)) for _, file, _ in FREQUENCIES]
        rows.append((labels({"cpu": core}), numbers))
        for name in found.get("scaling_available_governors", "").split():
            is_used = name == found.get("scaling_governor")
            governors.append((labels({"cpu": core, "governor": name}), is_used))
    yield from table(COLUMNS, rows)
    text = "Current enabled CPU frequency governor."
    yield Family("node_cpu_scaling_governor", "gauge", text, governors)


def collect_throttles(host: Host) -> Iterator[Family]:
    """Yield how often each core and each package was throttled, once for each of them. Raises OSError."""
    cores: dict[str, float | None] = {}
    packages: dict[str, float | None] = {}
    for _, directory in _cores(host):
        found = attributes(directory, (*THROTTLES, *TOPOLOGY))
        package, core = (found.get(file) for file in TOPOLOGY)
        if package is not None and core is not None:
            by_core, by_package = (maybe_number(found.get(file)) for file in THROTTLES)
            cores.setdefault(labels({"core": core, "package": package}), by_core)
            packages.setdefault(labels({"package": package}), by_package)
    for name, what, found_rows in (("core", "core", cores), ("package", "package", packages)):
        text = f"Number of times this CPU {what} has been throttled."
        yield Family(f"node_cpu_{name}_throttles_total", "counter", text, list(found_rows.items()))


def _cores(host: Host) -> Iterator[tuple[str, str]]:
    directory = host.sys("devices/system/cpu")
    for match in filter(None, map(CPU.match, names_in(directory))):
        yield match.group(1), os.path.join(directory, match.group())


COOLING_COLUMNS = (
    Column(
        "node_cooling_device_cur_state", "gauge", "Current throttle state of the cooling device"
    ),
    Column(
        "node_cooling_device_max_state", "gauge", "Maximum throttle state of the cooling device"
    ),
)


def collect_cooling(host: Host) -> Iterator[Family]:
    """Yield the states of fans and of processors that are slowed down to cool them. Raises OSError."""
    directory = host.sys("class/thermal")
    rows = []
    for match in filter(None, map(COOLING.match, names_in(directory))):
        found = attributes(
            os.path.join(directory, match.group()), ("type", "cur_state", "max_state")
        )
        of = labels({"name": match.group(1), "type": found.get("type", "")})
        states = [maybe_number(found.get(name)) for name in ("cur_state", "max_state")]
        rows.append((of, states))
    yield from table(COOLING_COLUMNS, rows)
