"""Finding GPUs, and whether they may fall asleep."""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.sources.gpu_devices import Device, find_devices, may_fall_asleep
from tests.metrics.trees import Tree

BUS = "sys/devices/pci0000:00"


def pci(tree: Tree, address: str, driver: str, *, vendor: str = "0x1002", card: int = -1) -> str:
    """Make a PCI device, and the entry of its card. Return its path below the tree."""
    path = f"{BUS}/{address}"
    tree.put(f"{path}/vendor", f"{vendor}\n")
    tree.put(f"{path}/class", "0x030000\n")
    tree.put(f"sys/bus/pci/drivers/{driver}/module", "")
    tree.link(f"{path}/driver", f"../../../bus/pci/drivers/{driver}")
    tree.link(f"sys/bus/pci/devices/{address}", f"../../../devices/pci0000:00/{address}")
    if card >= 0:
        tree.put(f"{path}/drm/card{card}/uevent", "")
        tree.link(f"sys/class/drm/card{card}", f"../../devices/pci0000:00/{address}/drm/card{card}")
        tree.link(f"{path}/drm/card{card}/device", "../..")
    return path


def nvidia(tree: Tree, address: str) -> str:
    """Make a GPU of NVIDIA with its driver."""
    tree.put("proc/driver/nvidia/version", "NVRM version: 580\n")
    return pci(tree, address, "nvidia", vendor="0x10de")


def device_of(tree: Tree, address: str, driver: str) -> Device:
    """Return the device that must be found."""
    return Device(address, f"{tree.sys}/devices/pci0000:00/{address}", driver)


def test_the_gpus_of_all_drivers_by_address(tree: Tree) -> None:
    """Not the audio function of a card, a virtual card, or one of NVIDIA that nouveau drives."""
    pci(tree, "0000:03:00.0", "amdgpu", card=1)
    pci(tree, "0000:00:02.0", "i915", card=0)
    pci(tree, "0000:04:00.0", "xe", card=2)
    pci(tree, "0000:05:00.0", "virtio-pci", card=3)
    nvidia(tree, "0000:01:00.0")
    pci(tree, "0000:02:00.0", "nouveau", vendor="0x10de", card=4)
    audio = nvidia(tree, "0000:01:00.1")
    tree.put(f"{audio}/class", "0x040300\n")
    tree.put("sys/class/drm/version", "drm 1.1.0 20060810\n")
    assert find_devices(tree.files) == [
        device_of(tree, "0000:00:02.0", "i915"),
        device_of(tree, "0000:01:00.0", "nvidia"),
        device_of(tree, "0000:03:00.0", "amdgpu"),
        device_of(tree, "0000:04:00.0", "xe"),
    ]


def test_nvidia_without_its_driver(tree: Tree) -> None:
    """The PCI bus is not searched on other hosts."""
    pci(tree, "0000:01:00.0", "nvidia", vendor="0x10de")
    assert find_devices(tree.files) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"power/control": "auto"}, True),
        ({"power/control": "on"}, False),
        ({}, False),
        ({"power/control": "auto", "drm/card1/card1-DP-1/enabled": "enabled"}, False),
        ({"power/control": "auto", "drm/card1/card1-DP-1/enabled": "disabled"}, True),
    ],
)
def test_which_devices_may_fall_asleep(tree: Tree, files: dict[str, str], expected: bool) -> None:
    """One that drives a display does not, and neither does one whose power management is off."""
    path = pci(tree, "0000:03:00.0", "amdgpu", card=1)
    for name, content in files.items():
        tree.put(f"{path}/{name}", f"{content}\n")
    assert may_fall_asleep(device_of(tree, "0000:03:00.0", "amdgpu")) is expected
