"""GPUs of AMD and Intel, from sysfs."""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.sources.drm import DrmReader
from telemetry_stream.metrics.sources.gpu_devices import Device
from telemetry_stream.metrics.sources.gpu_record import Gpu, GpuProcess
from tests.metrics.sources.test_fdinfo import ADDRESS, client, i915
from tests.metrics.trees import Tree, assert_sane

DEVICE = "sys/devices/pci0000:00/0000:00:02.0"
AMD = {
    "product_name": "Radeon RX 7800 XT",
    "gpu_busy_percent": 73,
    "mem_busy_percent": 12,
    "mem_info_vram_total": 17163091968,
    "mem_info_vram_used": 4096000000,
    "hwmon/hwmon4/temp1_input": 61000,
    "hwmon/hwmon4/temp1_crit": 100000,
    "hwmon/hwmon4/temp2_input": 75000,
    "hwmon/hwmon4/power1_average": 187000000,
    "hwmon/hwmon4/power1_cap": 263000000,
    "hwmon/hwmon4/freq1_input": 2430000000,
    "hwmon/hwmon4/freq2_input": 1218000000,
    "hwmon/hwmon4/pwm1": 102,
    "hwmon/hwmon4/pwm1_max": 255,
}
I915 = {
    "vendor": "0x8086",
    "device": "0x9a49",
    "drm/card0/gt/gt0/rps_act_freq_mhz": 1300,
    "drm/card0/gt/gt0/throttle_reason_status": 1,
    "drm/card0/gt/gt0/throttle_reason_pl1": 1,
    "drm/card0/gt/gt0/throttle_reason_pl2": 1,
    "drm/card0/gt/gt0/throttle_reason_thermal": 1,
    "drm/card0/gt/gt0/throttle_reason_prochot": 0,
    "hwmon/hwmon1/energy1_input": 1000000,
    "hwmon/hwmon1/power1_max": 75000000,
}
XE = {
    "vendor": "0x8086",
    "device": "0xe20b",
    "tile0/gt0/freq0/act_freq": 2850,
    "tile0/gt0/freq0/throttle/status": 1,
    "tile0/gt0/freq0/throttle/reason_ratl": 1,
    "tile0/gt0/freq0/throttle/reason_vr_tdc": 1,
    "hwmon/hwmon3/energy1_input": "",
    "hwmon/hwmon3/energy2_input": 5000000,
}


def gpu(tree: Tree, driver: str, files: dict[str, object]) -> DrmReader:
    """Make the files of a GPU, and return its reader."""
    for name, content in files.items():
        tree.put(f"{DEVICE}/{name}", f"{content}\n")
    path = f"{tree.sys}/devices/pci0000:00/0000:00:02.0"
    return DrmReader(Device(ADDRESS, path, driver), tree.files)


def test_every_field_of_an_amd_card(tree: Tree) -> None:
    """The first temperature is that of the chip."""
    assert gpu(tree, "amdgpu", AMD).read() == Gpu(
        id=ADDRESS,
        name="Radeon RX 7800 XT",
        driver="amdgpu",
        state="active",
        usage_percent=73.0,
        memory_used_bytes=4096000000,
        memory_total_bytes=17163091968,
        memory_busy_percent=12.0,
        celsius=61.0,
        slowdown_celsius=100.0,
        watts=187.0,
        limit_watts=263.0,
        clock_mhz=2430.0,
        memory_clock_mhz=1218.0,
        fan_percent=40.0,
        processes=(),
    )


def test_an_old_intel_gpu_and_one_without_any_file(tree: Tree) -> None:
    """Before Linux 5.18 the clock was in the directory of the card."""
    reader = gpu(tree, "i915", {"drm/card0/gt_act_freq_mhz": 350})
    assert (reader.read().clock_mhz, reader.read().is_throttled) == (350.0, None)
    empty = DrmReader(Device("0000:03:00.0", f"{tree.sys}/none", "xe"), tree.files).read()
    assert (empty.clock_mhz, empty.name, empty.watts, empty.celsius) == (None,) * 4


def test_an_intel_card_with_i915(tree: Tree) -> None:
    """Its power is the rise of its energy counter. Each reason has one name."""
    reader = gpu(tree, "i915", I915)
    first = reader.read()
    assert (first.name, first.clock_mhz, first.watts) == ("Intel 9a49", 1300.0, None)
    assert (first.is_throttled, first.throttle_reasons) == (True, "power, temperature")
    assert first.limit_watts == 75.0
    tree.put(f"{DEVICE}/hwmon/hwmon1/energy1_input", "61000000")
    tree.advance(2.0)
    assert reader.read().watts == 30.0
    tree.put(f"{DEVICE}/hwmon/hwmon1/energy1_input", "0")
    tree.advance(1.0)
    assert reader.read().watts is None


def test_an_intel_card_with_xe(tree: Tree) -> None:
    """The energy of the package, if that of the card cannot be read."""
    reader = gpu(tree, "xe", XE)
    first = reader.read()
    assert (first.clock_mhz, first.throttle_reasons) == (2850.0, "temperature, current")
    tree.put(f"{DEVICE}/hwmon/hwmon3/energy2_input", "15000000")
    tree.advance(1.0)
    assert reader.read().watts == 10.0


def test_the_use_of_an_intel_gpu_is_that_of_its_clients(tree: Tree) -> None:
    """With their processes, those with the most memory first."""
    reader = gpu(tree, "i915", I915)
    tree.link("proc/1/fd/0", "/dev/null")
    tree.put("proc/10/comm", "firefox\n")
    client(tree, 10, 3, i915(0))
    reader.read()
    client(tree, 10, 3, i915(250_000_000))
    tree.advance(1.0)
    row = reader.read()
    assert row.usage_percent == 25.0
    assert row.processes == (GpuProcess(10, "firefox", 25.0, 1 << 20),)


@pytest.mark.parametrize(("driver", "files"), [("amdgpu", AMD), ("i915", I915), ("xe", XE)])
@pytest.mark.parametrize("garbage", ["", "-1", "9" * 30, "\udcff", "1e9", "<unknown>", "101"])
def test_a_driver_that_answers_with_garbage(
    tree: Tree, driver: str, files: dict[str, object], garbage: str
) -> None:
    """Each field is unknown on its own."""
    content = garbage.encode("utf-8", "surrogateescape")
    reader = gpu(tree, driver, files)
    for name in files:
        tree.put(f"{DEVICE}/{name}", content)
    assert_sane(reader.read())
    tree.advance(1.0)
    assert_sane(reader.read())


def test_more_memory_in_use_than_there_is(tree: Tree) -> None:
    """A part is at most the whole."""
    row = gpu(tree, "amdgpu", {**AMD, "mem_info_vram_used": 99999999999}).read()
    assert (row.memory_used_bytes, row.memory_total_bytes) == (None, 17163091968)
