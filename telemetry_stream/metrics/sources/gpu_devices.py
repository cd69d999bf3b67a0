"""The GPUs of a host: where they are in sysfs, which driver they have, and whether they may fall asleep."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ..attributes import maybe_linked_directory, maybe_read_once, names_in
from ..files import Files

CARD = re.compile(r"card\d+$")
NVIDIA, NVIDIA_VENDOR, DISPLAY_CLASS = "nvidia", b"0x10de", b"0x03"
DRM_DRIVERS = frozenset({"amdgpu", "i915", "xe"})


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU in sysfs: its address, its directory and its driver."""

    id: str
    path: str
    driver: str


def find_devices(files: Files) -> list[Device]:
    """Return the GPUs whose drivers we can read, by address."""
    found: dict[str, Device] = {}
    classes = os.path.join(files.sys_root, "class", "drm")
    for name in names_in(classes):
        if CARD.match(name):
            path = maybe_linked_directory(os.path.join(classes, name, "device"))
            device = None if path is None else _device(path)
            if device is not None and device.driver in DRM_DRIVERS:
                found[device.id] = device
    if os.path.isdir(os.path.join(files.proc_root, "driver", "nvidia")) or (
        files.is_system and os.path.exists("/dev/nvidiactl")
    ):
        pci = os.path.join(files.sys_root, "bus", "pci", "devices")
        for name in names_in(pci):
            path = maybe_linked_directory(os.path.join(pci, name))
            if path is not None and _is_nvidia(path):
                found[name] = Device(name, path, NVIDIA)
    return [found[name] for name in sorted(found)]


def _device(path: str) -> Device:
    driver = maybe_linked_directory(os.path.join(path, "driver"))
    return Device(os.path.basename(path), path, os.path.basename(driver or ""))


def _is_nvidia(path: str) -> bool:
    vendor = maybe_read_once(os.path.join(path, "vendor")) or b""
    kind = maybe_read_once(os.path.join(path, "class")) or b""
    return (
        vendor.strip() == NVIDIA_VENDOR
        and kind.startswith(DISPLAY_CLASS)
        and _device(path).driver == NVIDIA
    )


def may_fall_asleep(device: Device) -> bool:
    """Return whether the kernel suspends the device while nothing uses it: not one that drives a display."""
    control = maybe_read_once(os.path.join(device.path, "power", "control")) or b""
    if control.strip() != b"auto":
        return False
    drm = os.path.join(device.path, "drm")
    return not any(
        (maybe_read_once(os.path.join(drm, card, connector, "enabled")) or b"").strip()
        == b"enabled"
        for card in names_in(drm)
        if CARD.match(card)
        for connector in names_in(os.path.join(drm, card))
        if connector.startswith(card)
    )
