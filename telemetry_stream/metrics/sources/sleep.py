"""Whether a device sleeps, so that reading it would wake it (Documentation/power/runtime_pm.rst, Documentation/ABI/
testing/sysfs-devices-power, sysfs-bus-pci: power_state).

A driver resumes its device before it reads a sensor. A graphics card that is off would be powered up every 10 s. Only
small files of the power management are read here, which wake nothing.
"""

from __future__ import annotations

import os
import re

from ..attributes import maybe_read_once

# Its sensors are those of disks that spin.
SPINNING_CHIP = "drivetemp"
SLEEPING = frozenset({b"suspended", b"suspending"})
OFF = frozenset({b"D3hot", b"D3cold"})
# Adapters of buses (I2C, SPI, 1-Wire) and the controllers above them sleep between two transfers; their sensors do not.
BUS_ADAPTER = re.compile(r"(i2c-|spi|w1_bus_master)\d+$")
# Only these lose the power of what is in them: a PCI device (a domain may have more digits), and a USB device or hub.
PCI_OR_USB = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$|usb\d+$|\d+-\d+(\.\d+)*$")


def is_asleep(path: str | None) -> bool:
    """Return whether the device at ``path`` in sysfs sleeps, or the PCI or USB device that it is a part of (NVMe)."""
    device = path
    while path is not None and not path.endswith("/devices") and path != "/":
        name = os.path.basename(path)
        if BUS_ADAPTER.match(name):
            return False
        may_sleep = path == device or PCI_OR_USB.match(name)
        if may_sleep and _read(path, "power/runtime_status") in SLEEPING:
            return True
        state = _read(path, "power_state")
        if state is not None:  # a PCI device; those above it are bridges
            return state in OFF
        path = os.path.dirname(path)
    return False


def _read(directory: str, name: str) -> bytes | None:
    content = maybe_read_once(os.path.join(directory, name))
    return None if content is None else content.strip()
