"""Frequencies, limits and throttling of the cores (Documentation/admin-guide/pm/cpufreq.rst, Documentation/ABI/testing/
sysfs-devices-system-cpu), and what the firmware of a Raspberry Pi reports. clock_reader.py reads them.

Reading a frequency may take more than 1 ms for each core: older kernels wait for a measurement, and some ask another
processor. So all of it is read on a worker, only while it is wanted, and not more often than costs 0.5 % of a core.

Throttling is counted by the kernel (thermal_throttle, x86): how often a core or its package was slowed down because of
its temperature. A Raspberry Pi has the word ``get_throttled`` of its firmware, or at least the alarm of the driver
rpi_volt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

from .. import counters, rates
from ..blocking import Blocking
from ..files import Files
from ..section import Field, OffPage, Part
from ..source import SEARCH_SECONDS, Now
from .clock_reader import Board, ClockReader, Scan

# The pause between two readings: a tick at least (ticks jitter), and so many times the duration of a reading.
LEAST_SECONDS, DURATIONS = 0.9, 200
# An alarm of the kernel comes at most this often, for a core or a package.
THROTTLES = counters.Limit(1e4, 1e4)


@dataclass(slots=True)
class CoreClock:
    """The frequency of one online core."""

    id: Annotated[
        int,
        Field(
            "The kernel's number of the core.", unit="number", prometheus="cpu", is_identity=True
        ),
    ]
    type: Annotated[
        str | None,
        "performance, or efficiency for the small cores of a hybrid processor. Null if all cores are alike.",
    ]
    frequency_mhz: Annotated[float | None, "Frequency now, as its driver reports it."]
    frequency_max_mhz: Annotated[
        float | None,
        Field("The highest frequency that is allowed now.", title="limit"),
    ]
    hardware_max_mhz: OffPage[
        Annotated[float | None, "The highest frequency that the hardware has, with turbo."]
    ]
    governor: Annotated[
        str | None, "What chooses the frequency: performance, powersave, schedutil, ..."
    ]
    throttles: OffPage[
        Annotated[
            int | None,
            Field(
                "How often it was slowed down because of its temperature, since boot.",
                unit="times",
                is_counter=True,
            ),
        ]
    ]
    throttles_per_second: OffPage[Annotated[float | None, "The same, since the reading before."]]


@dataclass(slots=True)
class PackageThrottles:
    """The throttling of one package (socket)."""

    id: Annotated[
        int,
        Field("Number of the package.", unit="number", prometheus="package", is_identity=True),
    ]
    throttles: OffPage[
        Annotated[
            int | None,
            Field(
                "How often the package was slowed down because of its temperature, since boot.",
                unit="times",
                is_counter=True,
            ),
        ]
    ]
    throttles_per_second: Annotated[
        float | None, Field("The same, since the reading before.", title="throttling")
    ]


@dataclass(slots=True)
class Clocks:
    """Frequencies and throttling."""

    cores: Annotated[
        tuple[CoreClock, ...],
        Part(
            text="Each online core.",
            files="/sys/devices/system/cpu/cpu*/cpufreq, thermal_throttle",
            prometheus="telemetry_stream_cpu_scaling",
            nulls="A field is null if the kernel has no file for it, as in most virtual machines.",
        ),
    ]
    packages: Annotated[
        tuple[PackageThrottles, ...],
        Part(
            text="Each package, if the kernel counts its throttling.",
            files="/sys/devices/system/cpu/cpu*/thermal_throttle",
            prometheus="telemetry_stream_cpu_package",
        ),
    ]
    core_throttles_per_second: Annotated[
        float | None,
        Field(
            "How often any core was slowed down because of its temperature.",
            title="core throttling",
        ),
    ]
    board: Annotated[
        Board | None,
        Part(
            text="What the firmware of a Raspberry Pi reports; null on other hosts.",
            files="/sys/devices/platform/soc/soc:firmware/get_throttled, hwmon of rpi_volt",
            prometheus="telemetry_stream_board",
            nulls="Everything except `is_under_voltage` is null if only the driver rpi_volt is there.",
        ),
    ]
    age_seconds: Annotated[float, "Time since it was read."]


class ClocksScan:
    """Reads on a worker while it is wanted, and makes the record of each reading."""

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._clock = files.clock
        self._reader = ClockReader(files)
        self._blocking: Blocking[None, Scan] = Blocking(
            "ts-clocks", self._reader.read, files.clock, timeout_seconds=timeout_seconds
        )
        self._cores: rates.Previous[int, int | None] = rates.Previous()
        self._packages: rates.Previous[int, int | None] = rates.Previous()
        self._next_at = -math.inf
        self._scan: Scan | None = None
        self._clocks: Clocks | None = None
        self._is_paused = True

    def maybe_clocks(self, now: Now) -> Clocks | None:
        """Return the newest reading since a pause, or None before the first one, and on a host that has nothing of it.

        Rates are unknown in the first reading: those of a long pause would look like new events.
        """
        if self._is_paused:
            self._is_paused = False
            self._blocking.forget_all_except(())
            self._cores, self._packages = rates.Previous(), rates.Previous()
            self._scan = self._clocks = None
        if now.monotonic >= self._next_at:
            self._next_at = now.monotonic + LEAST_SECONDS
            self._blocking.request([None])
        self._blocking.check_workers()
        result = self._blocking.maybe_result(None)
        if result is None or result.value is None:
            return None
        if result.value is not self._scan:
            self._scan = result.value
            self._clocks = self._maybe_record(result.value)
            pause = DURATIONS * result.value.took if self._clocks else SEARCH_SECONDS
            self._next_at = max(self._next_at, result.value.at + pause)
        if self._clocks is None:
            return None
        age = round(max(0.0, self._clock.monotonic() - result.at), 1)
        return replace(self._clocks, age_seconds=age)

    def pause(self) -> None:
        """Note that nobody wants it in this tick."""
        self._is_paused = True

    def close(self) -> None:
        """End the idle worker."""
        self._blocking.close()
        self._next_at = -math.inf
        self._is_paused = True

    def _maybe_record(self, scan: Scan) -> Clocks | None:
        if not scan.facts and scan.board is None:
            return None
        cores_before, seconds = self._cores.exchange(scan.throttles, scan.at)
        packages_before, _ = self._packages.exchange(scan.package_throttles, scan.at)
        cores = tuple(
            CoreClock(
                core,
                facts.type,
                scan.mhz[core],
                facts.max_mhz,
                facts.hardware_max_mhz,
                facts.governor,
                scan.throttles.get(core),
                rates.per_second(
                    scan.throttles.get(core), cores_before.get(core), seconds, THROTTLES
                ),
            )
            for core, facts in scan.facts.items()
        )
        packages = tuple(
            PackageThrottles(
                package,
                count,
                rates.per_second(count, packages_before.get(package), seconds, THROTTLES),
            )
            for package, count in sorted(scan.package_throttles.items())
            if count is not None
        )
        return Clocks(
            cores,
            packages,
            rates.total(core.throttles_per_second for core in cores),
            scan.board,
            0.0,
        )
