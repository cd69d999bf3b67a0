"""A GPU of AMD (amdgpu) or Intel (i915, xe), read from sysfs (Documentation/gpu/amdgpu/thermal.rst, Documentation/ABI/
testing/sysfs-driver-intel-i915-hwmon, sysfs-driver-intel-xe-hwmon), and from fdinfo (fdinfo.py).

amdgpu has its use, its memory, and a chip of hwmon with power, temperature, clocks and fan. i915 and xe have the clock
of each part (gt), reasons for throttling, and on cards an energy counter; their use is that of their clients.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .. import counters, rates
from ..attributes import maybe_read_once, maybe_text, names_in
from ..files import Files
from .chips import read_chip
from .fdinfo import GpuClients, ProcessUse
from .gpu_devices import Device
from .gpu_record import ACTIVE, MAX_PROCESSES, Gpu, GpuProcess, process_name
from .power_supply import MOST_WATTS, maybe_integer, maybe_micro

HZ_PER_MHZ = 1_000_000
MICROJOULES = 1_000_000
MOST_MHZ = 100_000
# Files of i915 (throttle_reason_...) and xe (throttle/reason_...), and what they mean.
REASONS = {
    "pl1": "power",
    "pl2": "power",
    "pl4": "power",
    "thermal": "temperature",
    "prochot": "temperature",
    "ratl": "temperature",
    "vr_thermalert": "temperature",
    "vr_tdc": "current",
}


class DrmReader:
    """Reads one GPU. Only one worker at a time uses it."""

    def __init__(self, device: Device, files: Files) -> None:
        self._device = device
        self._proc_root = files.proc_root
        self._monotonic = files.clock.monotonic
        self._clients = GpuClients(files.proc_root, device, files.clock.monotonic)
        self._energy: rates.Previous[str, int | None] = rates.Previous()

    def read(self) -> Gpu:
        """Return the row."""
        gpu = Gpu(self._device.id, self._name(), self._device.driver, ACTIVE)
        chip = self._chip()
        if self._device.driver == "amdgpu":
            self._read_amd(gpu, chip)
        else:
            self._read_intel(gpu, chip)
        gpu.celsius, gpu.slowdown_celsius = chip.celsius()
        use = self._clients.read()
        if gpu.usage_percent is None:
            gpu.usage_percent = use.usage_percent
        gpu.processes = tuple(map(self._process, most_used(use.processes)))
        return gpu

    def release(self) -> None:
        """Do nothing: sysfs holds nothing open."""

    def _read_amd(self, gpu: Gpu, chip: _Chip) -> None:
        gpu.usage_percent = self._maybe_percent("gpu_busy_percent")
        gpu.memory_busy_percent = self._maybe_percent("mem_busy_percent")
        gpu.memory_total_bytes = self._maybe_count("mem_info_vram_total") or None
        gpu.memory_used_bytes = counters.at_most(
            self._maybe_count("mem_info_vram_used"), gpu.memory_total_bytes
        )
        watts = chip.watts("power1_average")
        gpu.watts = chip.watts("power1_input") if watts is None else watts
        gpu.limit_watts = chip.watts("power1_cap")
        gpu.clock_mhz = chip.mhz("freq1_input")
        gpu.memory_clock_mhz = chip.mhz("freq2_input")
        gpu.fan_percent = rates.percent(chip.integer("pwm1"), chip.integer("pwm1_max") or 255)

    def _read_intel(self, gpu: Gpu, chip: _Chip) -> None:
        # Of the parts of a GPU, the first one has the cores.
        gt, clock, reasons = self._gt()
        mhz = maybe_integer(maybe_read_once(os.path.join(gt, clock)))
        gpu.clock_mhz = float(mhz) if mhz is not None and 0 <= mhz <= MOST_MHZ else None
        status = maybe_integer(maybe_read_once(os.path.join(gt, f"{reasons}status")))
        if status is not None:
            gpu.is_throttled = status == 1
            found = [
                name
                for file, name in REASONS.items()
                if maybe_integer(maybe_read_once(os.path.join(gt, _reason(reasons, file)))) == 1
            ]
            gpu.throttle_reasons = ", ".join(dict.fromkeys(found))
        gpu.watts = self._maybe_watts(chip)
        gpu.limit_watts = chip.watts("power1_max") or None

    def _gt(self) -> tuple[str, str, str]:
        """Return the directory of the first part, the file of its clock, and how its reasons begin."""
        if self._device.driver == "xe":
            return self._path("tile0/gt0/freq0"), "act_freq", "throttle/"
        card = next((name for name in names_in(self._path("drm")) if name.startswith("card")), "")
        gt = self._path("drm", card, "gt", "gt0")
        if os.path.isdir(gt):
            return gt, "rps_act_freq_mhz", "throttle_reason_"
        return self._path("drm", card), "gt_act_freq_mhz", "throttle_reason_"  # before Linux 5.18

    def _maybe_watts(self, chip: _Chip) -> float | None:
        """Return the mean power since the reading before, from the counter of the card, or else of its package."""
        energy = {name: chip.integer(name) for name in ("energy1_input", "energy2_input")}
        before, seconds = self._energy.exchange(energy, self._monotonic())
        if seconds is None:
            return None
        for name, joules in energy.items():
            then = before.get(name)
            if joules is not None and then is not None:
                most = MOST_WATTS * MICROJOULES * seconds
                rose = joules - then
                return rates.quotient(rose, MICROJOULES * seconds) if 0 <= rose <= most else None
        return None

    def _process(self, use: ProcessUse) -> GpuProcess:
        name = process_name(self._proc_root, use.pid)
        return GpuProcess(use.pid, name, use.usage_percent, use.memory_bytes)

    def _name(self) -> str | None:
        name = maybe_text(maybe_read_once(self._path("product_name")))
        if name is not None:
            return name
        vendor, device = (
            (maybe_text(maybe_read_once(self._path(file))) or "").removeprefix("0x")
            for file in ("vendor", "device")
        )
        brand = {"1002": "AMD", "8086": "Intel"}.get(vendor)
        return f"{brand} {device}" if brand and device else None

    def _chip(self) -> _Chip:
        hwmon = self._path("hwmon")
        return _Chip(next((os.path.join(hwmon, name) for name in names_in(hwmon)), ""))

    def _path(self, *parts: str) -> str:
        return os.path.join(self._device.path, *parts)

    def _maybe_count(self, name: str) -> int | None:
        content = (maybe_read_once(self._path(name)) or b"").strip()
        return counters.maybe_count(content, counters.MOST_MEMORY_BYTES)

    def _maybe_percent(self, name: str) -> float | None:
        percent = counters.maybe_count((maybe_read_once(self._path(name)) or b"").strip(), 100)
        return None if percent is None else float(percent)


class _Chip:
    """The hwmon directory of a GPU. An empty path: it has none."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None."""
        return maybe_read_once(os.path.join(self._path, name)) if self._path else None

    def integer(self, name: str) -> int | None:
        """Return a number, or None."""
        return maybe_integer(self.read(name))

    def watts(self, name: str) -> float | None:
        """Return a number of µW in watts, or None."""
        return maybe_micro(self.integer(name), MOST_WATTS)

    def mhz(self, name: str) -> float | None:
        """Return a number of Hz in MHz, or None."""
        hertz = self.integer(name)
        return (
            None if hertz is None or not 0 <= hertz <= MOST_MHZ * HZ_PER_MHZ else hertz / HZ_PER_MHZ
        )

    def celsius(self) -> tuple[float | None, float | None]:
        """Return the temperature and the critical one of the first sensor, which is that of the chip."""
        readings = read_chip(self._path) if self._path else ()
        if not readings:
            return None, None
        return readings[0].celsius, readings[0].critical_celsius


def _reason(prefix: str, file: str) -> str:
    return f"{prefix}reason_{file}" if prefix.endswith("/") else f"{prefix}{file}"


def most_used(processes: Sequence[ProcessUse]) -> Sequence[ProcessUse]:
    """Return the processes with the most memory, then the most use; at most as many as a row has."""

    def order(use: ProcessUse) -> tuple[int, float, int]:
        return -(use.memory_bytes or 0), -(use.usage_percent or 0.0), use.pid

    return sorted(processes, key=order)[:MAX_PROCESSES]
