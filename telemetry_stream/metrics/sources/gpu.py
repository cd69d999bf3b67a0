"""Graphics cards and accelerators: decides when they may be read, and makes their rows (gpu_record.py).

gpu_devices.py finds them. nvidia.py reads those of NVIDIA through NVML, drm.py those of AMD and Intel from sysfs and
fdinfo. Both are imported only on a host that has such a device. Every call runs on a worker (blocking.py), one at a
time for each device, and only while a viewer wants the section.

Reading must not change what is read. A device that sleeps (runtime power management, D3) is not touched. One that could
sleep, because its power management is automatic and it drives no display, would never do so while it is read every
second: each reading starts its timer again, and an open NVML session keeps it awake. So while such a device is idle, it
is released and read only every 30 s.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

from ..blocking import HUNG_SECONDS, Blocking
from ..files import Files
from ..section import Section
from ..setup import Setup
from ..source import NOT_WANTED, SEARCH_SECONDS, NotWanted, Now, Source, Stale
from . import sleep
from .gpu_devices import NVIDIA, Device, find_devices, may_fall_asleep
from .gpu_record import ASLEEP, LOST, UNREADABLE, Gpu, LostError, NotHereError, Reader

log = logging.getLogger(__name__)

# The pause between two readings is a tick; ticks jitter.
READ_SECONDS = 0.9
# Longer than the timers of drivers (5 to 10 s), so that an idle device falls asleep between two readings.
REST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A row (None: the device is not ours), and how long to wait until the next one, in seconds."""

    gpu: Gpu | None
    pause_seconds: float


class GpusSource:
    """Section ``gpus``. The devices are read only while the section is wanted."""

    name = "gpus"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._files = files
        self._devices: list[Device] = []
        self._search_at = -math.inf
        self._due_at: dict[Device, float] = {}
        self._is_open = False
        # None as the key: release every device.
        self._blocking: Blocking[Device | None, Reading] = Blocking(
            "ts-gpus",
            self._read,
            files.clock,
            timeout_seconds=timeout_seconds,
            runs_foreign_code=True,  # the library of NVIDIA
        )
        # Of the workers: the reader of each device, the devices that are read now, the names, and what was logged.
        self._readers: dict[Device, Reader] = {}
        self._busy: set[Device] = set()
        self._names: dict[Device, str | None] = {}
        self._logged: dict[Device, str] = {}

    def collect(self, now: Now) -> tuple[Gpu, ...] | Stale | NotWanted | None:
        """Return None on a host without a GPU. Never waits for a GPU."""
        if self.name not in now.wanted:
            if self._is_open:
                self._is_open = False
                self._due_at.clear()
                self._blocking.request([None])
            return NOT_WANTED
        if now.monotonic >= self._search_at:
            self._search_at = now.monotonic + SEARCH_SECONDS
            self._devices = find_devices(self._files)
            self._blocking.forget_all_except(self._devices)
        if not self._devices:
            return None
        if not self._is_open:
            self._is_open = True
            # Values from before a pause may be hours old. The release of the devices may still be queued.
            self._blocking.forget_all_except((None,))
        self._request(now)
        rows = tuple(row for device in self._devices if (row := self._maybe_row(device)))
        hung = [
            device
            for device in self._devices
            if self._blocking.pending_seconds(device) > HUNG_SECONDS
        ]
        if hung:
            ids = {device.id for device in hung}
            ages = [
                row.age_seconds for row in rows if row.id in ids and row.age_seconds is not None
            ]
            return Stale(rows, max(ages, default=None))
        return rows

    def close(self) -> None:
        """End the idle workers and release the devices. One whose call hangs is left to its worker."""
        self._is_open = False
        self._blocking.close()
        self._release()
        self._due_at.clear()
        self._search_at = -math.inf

    def _request(self, now: Now) -> None:
        due = []
        for device in self._devices:
            result = self._blocking.maybe_result(device)
            if result is not None and result.value is not None:
                pause = result.value.pause_seconds
                if pause > READ_SECONDS and device in self._due_at:
                    self._due_at[device] = result.at + pause
            if now.monotonic >= self._due_at.get(device, -math.inf):
                self._due_at[device] = now.monotonic + READ_SECONDS
                due.append(device)
        if due:
            self._blocking.request(due)
        self._blocking.check_workers()

    def _maybe_row(self, device: Device) -> Gpu | None:
        """Return the newest row, or None if the device was not read so far or is not ours."""
        result = self._blocking.maybe_result(device)
        if result is None or result.value is None or result.value.gpu is None:
            return None
        age = max(0.0, self._files.clock.monotonic() - result.at)
        return replace(result.value.gpu, age_seconds=round(age, 1))

    def _read(self, device: Device | None) -> Reading:
        """Read one device, or release all. Runs on a worker."""
        if device is None:
            self._release()
            return Reading(None, 0.0)
        self._busy.add(device)
        try:
            return self._reading(device)
        finally:
            self._busy.discard(device)
            if not self._is_open:  # The other devices were released during this call.
                self._release_one(device)

    def _reading(self, device: Device) -> Reading:
        reader = self._readers.get(device)
        if sleep.is_asleep(device.path):
            if reader is not None:
                reader.release()
            return self._without_values(device, ASLEEP, READ_SECONDS)
        try:
            if reader is None:
                reader = self._readers[device] = _reader(device, self._files)
            gpu = reader.read()
        except NotHereError:
            return Reading(None, SEARCH_SECONDS)
        except LostError as error:
            self._log(device, f"is lost: {error}")
            return self._without_values(device, LOST, SEARCH_SECONDS)
        except Exception as error:  # noqa: BLE001 (a driver's library has its own exceptions, and they may change)
            self._log(device, f"cannot be read: {str(error) or type(error).__name__}")
            return self._without_values(device, UNREADABLE, SEARCH_SECONDS)
        self._logged.pop(device, None)
        self._names[device] = gpu.name
        if gpu.is_idle and may_fall_asleep(device):
            reader.release()
            return Reading(gpu, REST_SECONDS)
        return Reading(gpu, READ_SECONDS)

    def _without_values(self, device: Device, state: str, pause_seconds: float) -> Reading:
        name = self._names.get(device)
        return Reading(Gpu(device.id, name, device.driver, state), pause_seconds)

    def _log(self, device: Device, text: str) -> None:
        """Log a failure once, until the device works again."""
        if self._logged.get(device) != text:
            self._logged[device] = text
            log.warning("GPU %s %s", device.id, text)

    def _release(self) -> None:
        for device in list(self._readers):
            if device not in self._busy:
                self._release_one(device)

    def _release_one(self, device: Device) -> None:
        reader = self._readers.pop(device, None)  # Two workers may release it at once.
        if reader is not None:
            reader.release()


def _reader(device: Device, files: Files) -> Reader:
    """Return the reader of a device. Imports its module: most hosts have none of them."""
    if device.driver == NVIDIA:
        from .nvidia import NvidiaReader  # noqa: PLC0415

        return NvidiaReader(device, files)
    from .drm import DrmReader  # noqa: PLC0415

    return DrmReader(device, files)


SECTIONS = (
    Section(
        GpusSource,
        tuple[Gpu, ...],
        title="GPUs",
        text="Graphics cards and accelerators of NVIDIA, AMD and Intel. They are read while a viewer wants them. One "
        "that sleeps is not woken up, and one that is idle and may fall asleep is read every 30 s.",
        files="NVML, /sys/class/drm, /proc/PID/fdinfo",
        prometheus="telemetry_stream_gpu",
        nulls="A field is null if the device, its driver or this kernel does not have it, and all of them are if the "
        "state is not active. NVIDIA requires the extra `nvidia`.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (GpusSource(setup.files, timeout_seconds=setup.options.timeout_seconds),)
