"""Whether a device sleeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_stream.metrics.sources.sleep import is_asleep
from tests.metrics.trees import Tree

CARD = "pci0000:00/0000:00:01.0/0000:01:00.0"


@pytest.mark.parametrize(
    ("device", "files", "expected"),
    [
        (CARD, {}, False),
        (CARD, {f"{CARD}/power/runtime_status": "active"}, False),
        (CARD, {f"{CARD}/power/runtime_status": "suspended"}, True),
        (CARD, {f"{CARD}/power/runtime_status": "resuming"}, False),
        (CARD, {f"{CARD}/power/runtime_status": "unsupported"}, False),
        (CARD, {f"{CARD}/power_state": "D0"}, False),
        (CARD, {f"{CARD}/power_state": "unknown"}, False),
        # Runtime power management is off for a device that is not used, and it may be in D3 all the same.
        (CARD, {f"{CARD}/power/runtime_status": "active", f"{CARD}/power_state": "D3hot"}, True),
        (f"{CARD}/nvme/nvme0", {f"{CARD}/power_state": "D3cold"}, True),
        (f"{CARD}/nvme/nvme0", {f"{CARD}/power_state": "D0"}, False),
        # A disk that the kernel has stopped (Documentation/scsi/scsi-parameters, sd: runtime suspend).
        ("ata1/0:0:0:0", {"ata1/0:0:0:0/power/runtime_status": "suspended"}, True),
        # The bridge above a device that is awake does not matter, since it cannot sleep then.
        (
            CARD,
            {
                f"{CARD}/power_state": "D0",
                "pci0000:00/0000:00:01.0/power/runtime_status": "suspended",
            },
            False,
        ),
        # Documentation/spi/spi-summary.rst, Documentation/w1/w1-generic.rst: adapters sleep between two transfers.
        (
            "platform/fe204000.spi/spi_master/spi0/spi0.1",
            {"platform/fe204000.spi/power/runtime_status": "suspended"},
            False,
        ),
        (
            "platform/fe204000.spi/spi_master/spi0/spi0.1",
            {"platform/fe204000.spi/spi_master/spi0/spi0.1/power/runtime_status": "suspended"},
            True,
        ),
        (
            f"{CARD}/w1_bus_master1/28-0316a2795bff",
            {f"{CARD}/power/runtime_status": "suspended"},
            False,
        ),
        # Any other controller wakes for a transfer, too.
        (
            "platform/soc/c440000.spmi/spmi-0/0-00",
            {"platform/soc/c440000.spmi/power/runtime_status": "suspended"},
            False,
        ),
        # A USB device that is suspended cannot answer.
        (
            "pci0/usb1/1-2/1-2.4/1-2.4:1.0/0003:1B1C:0C10.0001",
            {"pci0/usb1/1-2/1-2.4/power/runtime_status": "suspended"},
            True,
        ),
        ("platform/coretemp.0", {"platform/coretemp.0/power/runtime_status": "unsupported"}, False),
    ],
)
def test_a_device_sleeps_if_its_power_management_reports_it(
    tree: Tree, device: str, files: dict[str, str], expected: bool
) -> None:
    """Its own, or that of the PCI or USB device that it is a part of."""
    tree.put(f"sys/devices/{device}/uevent", "")
    for path, content in files.items():
        tree.put(f"sys/devices/{path}", f"{content}\n")
    assert is_asleep(str(Path(tree.sys, "devices", device))) == expected


def test_what_has_no_device_does_not_sleep() -> None:
    """A chip without a link to its device."""
    assert not is_asleep(None)
