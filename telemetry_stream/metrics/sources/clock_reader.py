"""Reads frequencies, limits and throttle counters of the cores, and the firmware of a Raspberry Pi. Runs on a worker.

Limits, governors and types change rarely and are read every 10 s. The cores that share a policy share one reading.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from .. import counters
from ..attributes import maybe_read_once, maybe_text, names_in, parse_cpu_list
from ..files import Files
from ..section import Field

CPU = re.compile(r"cpu(\d+)$")
FACTS_SECONDS = 10.0
# No core is faster than 100 GHz.
MOST_KHZ = 100_000_000
KHZ_PER_MHZ = 1000
PERFORMANCE, EFFICIENCY = "performance", "efficiency"
# Intel's hybrid processors have a performance counter unit for each type of core.
INTEL_TYPES = {"cpu_core": PERFORMANCE, "cpu_atom": EFFICIENCY, "cpu_lowpower": EFFICIENCY}
VOLTAGE_DRIVER = b"rpi_volt"


@dataclass(slots=True)
class Board:
    """What the firmware of a Raspberry Pi reports. The first four are true now; the others were true since the boot."""

    is_under_voltage: Annotated[
        bool | None,
        Field(
            "The supply has less than 4.63 V: it or its cable is too weak.", title="under-voltage"
        ),
    ]
    is_frequency_capped: Annotated[
        bool | None, Field("The frequency is limited.", title="frequency capped")
    ] = None
    is_throttled: Annotated[
        bool | None,
        Field("The cores are slowed down because of voltage or temperature.", title="throttled"),
    ] = None
    is_hot: Annotated[
        bool | None, Field("The soft limit of the temperature is reached.", title="hot")
    ] = None
    was_under_voltage: Annotated[
        bool | None, Field("There was under-voltage.", title="under-voltage before")
    ] = None
    was_frequency_capped: Annotated[
        bool | None, Field("The frequency was limited.", title="frequency capped before")
    ] = None
    was_throttled: Annotated[
        bool | None, Field("The cores were slowed down.", title="throttled before")
    ] = None
    was_hot: Annotated[
        bool | None,
        Field("The soft limit of the temperature was reached.", title="hot before"),
    ] = None


@dataclass(slots=True)
class Facts:
    """What changes rarely of a core: where its files are, and their content."""

    frequency_path: str
    throttle_path: str | None  # None: the kernel does not count
    package: int | None
    type: str | None
    max_mhz: float | None
    hardware_max_mhz: float | None
    governor: str | None


@dataclass(slots=True)
class Scan:
    """One reading: the facts, the frequencies and the counters by core, and the counters by package."""

    at: float
    took: float
    facts: Mapping[int, Facts]
    mhz: Mapping[int, float | None]
    throttles: Mapping[int, int | None]  # of the cores whose throttling is counted
    package_throttles: Mapping[int, int | None]
    board: Board | None


def maybe_mhz(content: bytes | None) -> float | None:
    """Return a number of kHz in MHz. ``<unknown>`` and 0, which no running core has, are None."""
    khz = counters.maybe_count((content or b"").strip(), MOST_KHZ)
    return khz / KHZ_PER_MHZ if khz else None


def parse_throttled(content: bytes) -> Board | None:
    """Return the word of the firmware: hexadecimal, bits 0 to 3 are true now, 16 to 19 were since the boot."""
    try:
        word = int(content, 16)
    except ValueError:
        return None
    if not 0 <= word < 1 << 32:
        return None
    return Board(*(bool(word & 1 << bit) for bit in (0, 1, 2, 3, 16, 17, 18, 19)))


def core_types(sys_root: str, cores: Iterable[int]) -> dict[int, str]:
    """Return the type of each core of a hybrid processor; nothing if all cores are alike.

    Intel has a list for each type, ARM the relative capacity: the smallest cores are the efficient ones.
    """
    types: dict[int, str] = {}
    for unit, kind in INTEL_TYPES.items():
        content = maybe_read_once(os.path.join(sys_root, "devices", unit, "cpus"))
        types.update(dict.fromkeys(parse_cpu_list(content or b""), kind))
    if types:
        return types if len(set(types.values())) > 1 else {}
    capacities = {
        core: counters.maybe_count(
            (
                maybe_read_once(f"{sys_root}/devices/system/cpu/cpu{core}/cpu_capacity") or b""
            ).strip()
        )
        for core in cores
    }
    known = {capacity for capacity in capacities.values() if capacity is not None}
    if len(known) < 2:
        return {}
    return {
        core: EFFICIENCY if capacity == min(known) else PERFORMANCE
        for core, capacity in capacities.items()
        if capacity is not None
    }


class ClockReader:
    """Reads everything once. Only one worker at a time uses it."""

    def __init__(self, files: Files) -> None:
        self._clock = files.clock
        self._sys_root = files.sys_root
        self._cpus = os.path.join(files.sys_root, "devices", "system", "cpu")
        self._facts: dict[int, Facts] = {}
        self._board_path: str | None = None
        self._alarm_path: str | None = None
        self._facts_at = -math.inf

    def _find(self) -> None:
        """Find the files, and read what changes rarely."""
        self._facts_at = self._clock.monotonic()
        found = {int(match.group(1)) for name in names_in(self._cpus) if (match := CPU.match(name))}
        cores = sorted(core for core in found if self._read(core, "online").strip() != b"0")
        types = core_types(self._sys_root, cores)
        policies: dict[str, tuple[float | None, float | None, str | None]] = {}
        self._facts = {}
        for core in cores:
            policy = os.path.realpath(f"{self._cpus}/cpu{core}/cpufreq")
            throttle = f"{self._cpus}/cpu{core}/thermal_throttle"
            counts = os.path.isdir(throttle)
            if not (core in types or counts or os.path.isdir(policy)):
                continue
            if policy not in policies:
                policies[policy] = (
                    maybe_mhz(maybe_read_once(f"{policy}/scaling_max_freq")),
                    maybe_mhz(maybe_read_once(f"{policy}/cpuinfo_max_freq")),
                    maybe_text(maybe_read_once(f"{policy}/scaling_governor")),
                )
            self._facts[core] = Facts(
                f"{policy}/scaling_cur_freq",
                throttle if counts else None,
                counters.maybe_count(self._read(core, "topology/physical_package_id").strip()),
                types.get(core),
                *policies[policy],
            )
        self._board_path = self._maybe_board_path()
        self._alarm_path = self._maybe_alarm_path()

    def read(self, _key: None) -> Scan:
        """Read the frequencies and the counters. Runs on a worker."""
        at = self._clock.monotonic()
        if at >= self._facts_at + FACTS_SECONDS:
            self._find()
        by_policy: dict[str, float | None] = {}
        throttles: dict[int, int | None] = {}
        packages: dict[int, int | None] = {}
        for core, facts in self._facts.items():
            if facts.frequency_path not in by_policy:
                by_policy[facts.frequency_path] = maybe_mhz(maybe_read_once(facts.frequency_path))
            if facts.throttle_path is None:
                continue
            throttles[core] = _count(f"{facts.throttle_path}/core_throttle_count")
            if facts.package is not None and facts.package not in packages:
                packages[facts.package] = _count(f"{facts.throttle_path}/package_throttle_count")
        return Scan(
            at,
            self._clock.monotonic() - at,
            self._facts,
            {core: by_policy[facts.frequency_path] for core, facts in self._facts.items()},
            throttles,
            packages,
            self._maybe_board(),
        )

    def _read(self, core: int, name: str) -> bytes:
        return maybe_read_once(f"{self._cpus}/cpu{core}/{name}") or b""

    def _maybe_board_path(self) -> str | None:
        platform = os.path.join(self._sys_root, "devices", "platform")
        for soc in names_in(platform):
            path = f"{platform}/{soc}/{soc}:firmware/get_throttled"
            if soc.startswith("soc") and os.path.exists(path):
                return path
        return None

    def _maybe_alarm_path(self) -> str | None:
        hwmon = os.path.join(self._sys_root, "class", "hwmon")
        for entry in names_in(hwmon):
            if (maybe_read_once(f"{hwmon}/{entry}/name") or b"").strip() == VOLTAGE_DRIVER:
                return f"{hwmon}/{entry}/in0_lcrit_alarm"
        return None

    def _maybe_board(self) -> Board | None:
        if self._board_path is not None:
            board = parse_throttled(maybe_read_once(self._board_path) or b"")
            if board is not None:
                return board
        if self._alarm_path is None:
            return None
        alarm = (maybe_read_once(self._alarm_path) or b"").strip()
        return Board(alarm == b"1") if alarm in (b"0", b"1") else None


def _count(path: str) -> int | None:
    return counters.maybe_count((maybe_read_once(path) or b"").strip())
