"""Batteries, UPS and mains adapters of /sys/class/power_supply (Documentation/ABI/testing/sysfs-class-power,
Documentation/power/power_supply_class.rst).

A driver has either the energy of a battery (µWh) and its power (µW), or its charge (µAh) and its current (µA). Some
count the current of a battery that discharges as negative; the state has the direction. An attribute that the hardware
does not have is missing, or reading it fails with ENODEV or ENODATA. Reading may take long (an embedded controller, a
smart battery on I2C), so it happens on a worker.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from .. import rates
from ..attributes import maybe_read_once, maybe_text
from ..section import Field

MICRO = 1e-6
SECONDS_PER_HOUR = 3600
# What exceeds these is a value of the driver that means "not known".
MOST_WATTS, MOST_VOLTS, MOST_AMPERES = 1e5, 1e4, 1e4
MOST_SECONDS = 30 * 86400.0
MOST_CYCLES = 1_000_000
UNKNOWN = "unknown"
INTEGER = re.compile(rb"\s*(-?\d{1,18})\s*$")


@dataclass(slots=True)
class Supply:
    """One battery, UPS or adapter."""

    name: Annotated[str, Field("The kernel's name.", prometheus="power_supply", is_identity=True)]
    kind: Annotated[str, "battery, ups, mains, usb or wireless."]
    model: Annotated[str | None, "Manufacturer and model; null if unknown."]
    scope: Annotated[
        str | None,
        "system, or device for the battery of a mouse or a headset. Null if the driver does not report it; then it "
        "supplies the system.",
    ]
    is_present: Annotated[
        bool | None,
        Field(
            "Whether the battery is inserted.",
            title="present",
            prometheus="node_power_supply_present",
        ),
    ]
    is_online: Annotated[
        bool | None,
        Field(
            "Whether an adapter supplies power. Null for a battery.",
            title="online",
            prometheus="node_power_supply_online",
        ),
    ]
    status: Annotated[
        str | None,
        "charging, discharging, not charging or full. Null if the driver does not know it.",
    ]
    charge_percent: Annotated[
        float | None,
        Field("What is left of a full charge.", prometheus="node_power_supply_capacity"),
    ]
    watts: Annotated[
        float | None,
        Field(
            "Power that flows into or out of the battery, or out of the adapter; `status` has the direction. It is "
            "current × voltage if the driver has no power.",
            title="power",
            prometheus="node_power_supply_power_watt",
        ),
    ]
    remaining_seconds: Annotated[
        float | None,
        Field(
            "Time until it is empty while it discharges, or full while it charges, at the present power. Null in any "
            "other state.",
            title="time left",
        ),
    ]
    volts: Annotated[
        float | None,
        Field("The voltage.", title="voltage", prometheus="node_power_supply_voltage_volt"),
    ]
    health: Annotated[
        str | None,
        "What the battery reports about itself: good, overheat, dead, over voltage, ... Null if nothing.",
    ]
    health_percent: Annotated[
        float | None,
        Field("What a full charge is of that of a new battery.", title="of new capacity"),
    ]
    cycles: Annotated[
        int | None,
        Field(
            "How often it was charged and discharged. Null if it does not count.",
            unit="cycles",
            prometheus="node_power_supply_cyclecount",
        ),
    ]
    age_seconds: Annotated[
        float | None, "Time since it was read. Supplies are read every 10 s."
    ] = None


class GoneError(Exception):
    """The device was removed while it was read."""


def find_supplies(sys_root: str) -> list[str]:
    """Return the directories of all power supplies, by name."""
    directory = os.path.join(sys_root, "class", "power_supply")
    try:
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    except OSError:
        return []


def read_supply(directory: str) -> Supply:
    """Read all attributes of a supply. Raises GoneError if it has none. Runs on a worker."""

    def read(name: str) -> bytes | None:
        return maybe_read_once(os.path.join(directory, name))

    def count(name: str) -> int | None:
        return maybe_integer(read(name))

    kind = maybe_text(read("type"))
    if kind is None:
        raise GoneError(directory)
    status = _maybe_known(read("status"))
    unit = "charge" if count("energy_now") is None else "energy"
    now, full = count(f"{unit}_now"), count(f"{unit}_full")
    volts = maybe_micro(count("voltage_now"), MOST_VOLTS)
    amperes = maybe_micro(count("current_now"), MOST_AMPERES)
    watts = maybe_micro(count("power_now"), MOST_WATTS)
    if watts is None and amperes is not None and volts is not None:
        watts = round(amperes * volts, rates.DECIMALS)
    if unit == "charge" and amperes is None and watts is not None and volts:
        amperes = watts / volts
    brand = [maybe_text(read(part)) for part in ("manufacturer", "model_name")]
    capacity = count("capacity")
    cycles = count("cycle_count")  # 0 if the battery does not count
    return Supply(
        name=os.path.basename(directory),
        kind=kind.lower().split("_")[0],
        model=" ".join(filter(None, brand)) or None,
        scope=_maybe_known(read("scope")),
        is_present=_maybe_flag(count("present")),
        is_online=_maybe_flag(count("online")),
        status=status,
        charge_percent=(
            float(capacity)
            if capacity is not None and 0 <= capacity <= 100
            else rates.percent(now, full)
        ),
        watts=watts,
        remaining_seconds=_maybe_remaining(
            status, count, now, full, amperes if unit == "charge" else watts
        ),
        volts=volts,
        health=_maybe_known(read("health")),
        health_percent=rates.percent(full, count(f"{unit}_full_design")),
        cycles=cycles if cycles is not None and 0 < cycles <= MOST_CYCLES else None,
    )


def _maybe_remaining(
    status: str | None,
    count: Callable[[str], int | None],
    now: int | None,
    full: int | None,
    flow: float | None,
) -> float | None:
    """Return the seconds until a battery is empty or full.

    ``now`` and ``full`` are in µWh or µAh, and ``flow``, per hour, in the same unit × 1e6.
    """
    if status == "discharging":
        known, missing = count("time_to_empty_now"), now
    elif status == "charging":
        known = count("time_to_full_now")
        missing = None if now is None or full is None else full - now
    else:
        return None
    if known is not None and 0 < known <= MOST_SECONDS:
        return float(known)
    if missing is None or missing < 0 or not flow:
        return None
    seconds = rates.quotient(missing * SECONDS_PER_HOUR, flow / MICRO)
    return seconds if seconds is not None and seconds <= MOST_SECONDS else None


def maybe_integer(content: bytes | None) -> int | None:
    """Return a decimal number with or without a sign; None for anything else."""
    match = INTEGER.match(content or b"")
    return int(match.group(1)) if match else None


def maybe_micro(number: int | None, most: float) -> float | None:
    """Return the size of a number of millionths without its sign, or None if it exceeds ``most``."""
    if number is None or abs(number) * MICRO > most:
        return None
    return round(abs(number) * MICRO, rates.DECIMALS)


def _maybe_known(content: bytes | None) -> str | None:
    """Return a word of the kernel in small letters, or None for "Unknown"."""
    text = (maybe_text(content) or UNKNOWN).lower()
    return None if text == UNKNOWN else text


def _maybe_flag(number: int | None) -> bool | None:
    return None if number is None else number > 0
