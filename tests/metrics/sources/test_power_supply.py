"""Batteries, UPS and adapters of /sys/class/power_supply."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources.power_supply import (
    GoneError,
    Supply,
    find_supplies,
    maybe_integer,
    maybe_micro,
    read_supply,
)
from tests.metrics.trees import Tree, assert_sane, odd

LAPTOP = {
    "type": "Battery",
    "status": "Discharging",
    "present": "1",
    "manufacturer": "SMP",
    "model_name": "L21M4PE1",
    "capacity": "63",
    "energy_now": "36000000",
    "energy_full": "57000000",
    "energy_full_design": "60000000",
    "power_now": "12000000",
    "voltage_now": "15400000",
    "cycle_count": "211",
    "health": "Good",
}
PHONE = {
    "type": "Battery",
    "scope": "System",
    "status": "Charging",
    "charge_now": "2000000",
    "charge_full": "4000000",
    "charge_full_design": "5000000",
    "current_now": "-1000000",
    "voltage_now": "4000000",
}


def supply(tree: Tree, name: str, **attributes: str) -> str:
    """Make one power supply, and return its directory."""
    for attribute, content in attributes.items():
        tree.put(f"sys/class/power_supply/{name}/{attribute}", f"{content}\n")
    return f"{tree.sys}/class/power_supply/{name}"


def test_a_battery_that_counts_energy(tree: Tree) -> None:
    """36 Wh at 12 W last for three hours."""
    assert read_supply(supply(tree, "BAT0", **LAPTOP)) == Supply(
        name="BAT0",
        kind="battery",
        model="SMP L21M4PE1",
        scope=None,
        is_present=True,
        is_online=None,
        status="discharging",
        charge_percent=63.0,
        watts=12.0,
        remaining_seconds=10800.0,
        volts=15.4,
        health="good",
        health_percent=95.0,
        cycles=211,
    )


def test_a_battery_that_counts_charge(tree: Tree) -> None:
    """Current × voltage is its power. 2 Ah are missing, at 1 A. The sign of the current has no meaning."""
    found = read_supply(supply(tree, "battery", **PHONE))
    assert (found.charge_percent, found.watts, found.remaining_seconds) == (50.0, 4.0, 7200.0)
    assert (found.health_percent, found.scope, found.cycles) == (80.0, "system", None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"time_to_empty_now": "600"}, 600.0),
        ({"time_to_empty_now": "0"}, 10800.0),
        ({"time_to_empty_now": "99999999"}, 10800.0),
        ({"power_now": "0"}, None),
        ({"power_now": "1"}, None),
        ({"status": "Full"}, None),
        ({"status": "Not charging"}, None),
        ({"status": "Charging"}, 6300.0),
        ({"status": "Charging", "time_to_full_now": "60"}, 60.0),
        ({"status": "Charging", "energy_full": "30000000"}, None),
        ({"power_now": "-12000000"}, 10800.0),
    ],
)
def test_the_time_left(tree: Tree, change: dict[str, str], expected: float | None) -> None:
    """The driver's own time counts, if it is possible. In any other state than these two there is none."""
    assert read_supply(supply(tree, "BAT0", **{**LAPTOP, **change})).remaining_seconds == expected


def test_a_battery_with_charge_and_power(tree: Tree) -> None:
    """The current is power / voltage."""
    battery = {name: text for name, text in PHONE.items() if name != "current_now"}
    found = read_supply(supply(tree, "battery", **battery, power_now="8000000"))
    assert (found.watts, found.remaining_seconds) == (8.0, 3600.0)


def test_an_adapter_and_a_ups(tree: Tree) -> None:
    """An adapter is online or not. A UPS has the time that it lasts."""
    adapter = read_supply(supply(tree, "AC", type="Mains", online="1"))
    assert (adapter.kind, adapter.is_online, adapter.charge_percent) == ("mains", True, None)
    usb = read_supply(supply(tree, "ucsi-1", type="USB_PD", online="0"))
    assert (usb.kind, usb.is_online) == ("usb", False)
    ups = read_supply(
        supply(
            tree, "ups", type="UPS", status="Discharging", capacity="40", time_to_empty_now="900"
        )
    )
    assert (ups.kind, ups.charge_percent, ups.remaining_seconds) == ("ups", 40.0, 900.0)


def test_a_mouse_and_an_empty_bay(tree: Tree) -> None:
    """The battery of a device does not supply the host. A bay without a battery has no values."""
    mouse = supply(tree, "hid-1", type="Battery", scope="Device", capacity="80", status="Unknown")
    assert (read_supply(mouse).scope, read_supply(mouse).status) == ("device", None)
    bay = read_supply(supply(tree, "BAT1", type="Battery", present="0", status="Unknown"))
    assert (bay.is_present, bay.charge_percent, bay.watts) == (False, None, None)


def test_values_that_no_battery_has(tree: Tree) -> None:
    """A charge above 100 % is computed from the energy instead; impossible numbers are unknown."""
    found = read_supply(
        supply(
            tree,
            "BAT0",
            **{**LAPTOP, "capacity": "101", "power_now": "9" * 18, "voltage_now": "high"},
            current_now="1",
        )
    )
    assert found.charge_percent == pytest.approx(63.158)
    assert (found.watts, found.volts) == (None, None)


def test_a_supply_that_was_removed(tree: Tree) -> None:
    """Its directory is gone, or empty."""
    assert find_supplies(tree.sys) == []
    directory = supply(tree, "BAT0", type="Battery")
    assert find_supplies(tree.sys) == [directory]
    tree.remove("sys/class/power_supply/BAT0/type")
    with pytest.raises(GoneError):
        read_supply(directory)


@given(odd(b"36000000\n", b"-1"), odd(b"Discharging\n", b"\xff"))
def test_any_content_is_a_sane_supply(number: bytes, word: bytes) -> None:
    """Hardware that answers with garbage."""
    integer = maybe_integer(number)
    assert integer is None or abs(integer) < 10**18
    micro = maybe_micro(integer, 1e5)
    assert micro is None or 0 <= micro <= 1e5


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe", b"-", b"9" * 30, b"1e5", b"NaN", b"0x10"])
def test_a_driver_that_answers_with_garbage(tree: Tree, garbage: bytes) -> None:
    """Each field is unknown on its own."""
    for name in (*LAPTOP, *PHONE, "time_to_empty_now", "online"):
        tree.put(f"sys/class/power_supply/BAT0/{name}", garbage)
    tree.put("sys/class/power_supply/BAT0/type", "Battery")
    found = read_supply(f"{tree.sys}/class/power_supply/BAT0")
    assert_sane(found)
    assert (found.watts, found.charge_percent, found.remaining_seconds) == (None, None, None)
