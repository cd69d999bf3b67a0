"""A GPU of NVIDIA, read through NVML with the package nvidia-ml-py, the extra ``nvidia`` (NVML API reference,
docs.nvidia.com/deploy/nvml-api).

NVML is opened when a device is read first, and closed when it is released: an open session keeps the device awake. NVML
counts how often it was opened, so each device opens it for itself. The handle is found by PCI address, because that
initializes this device only. Each value that the device does not support is None.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..files import Files
from .gpu_devices import Device
from .gpu_record import (
    ACTIVE,
    MAX_PROCESSES,
    Gpu,
    GpuProcess,
    LostError,
    NotHereError,
    process_name,
)
from .power_supply import MOST_WATTS

MOST_MHZ, MOST_CELSIUS = 100_000.0, 1000.0
# Bits of nvmlClocksEventReason... An idle GPU and clocks that a user chose are no throttling.
REASONS = (
    (0x04, "power"),
    (0x08, "hardware"),
    (0x20, "temperature"),
    (0x40, "temperature"),
    (0x80, "power brake"),
    (0x10, "sync boost"),
)


class NvidiaReader:
    """Reads one GPU. Only one worker at a time uses it."""

    def __init__(self, device: Device, files: Files) -> None:
        self._device = device
        self._proc_root = files.proc_root
        self._nvml: Any = None
        self._handle: Any = None
        self._name: str | None = None
        self._seen_us = 0  # the time of the newest sample of the processes

    def read(self) -> Gpu:
        """Return the row. Raises LostError, NotHereError, ImportError without the package, or an error of NVML."""
        nvml = self._open()
        try:
            return self._row(nvml)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Close NVML."""
        nvml, self._nvml, self._handle = self._nvml, None, None
        if nvml is not None:
            with suppress(nvml.NVMLError):  # The driver is gone.
                nvml.nvmlShutdown()

    def _open(self) -> Any:
        if self._nvml is not None:
            return self._nvml
        try:
            import pynvml  # type: ignore[import-untyped]  # noqa: PLC0415
        except ImportError as error:
            raise ImportError("it requires the package nvidia-ml-py (the extra nvidia)") from error
        pynvml.nvmlInit()
        self._nvml = pynvml
        try:
            self._handle = pynvml.nvmlDeviceGetHandleByPciBusId(self._device.id)
        except pynvml.NVMLError as error:
            self.release()
            raise _mapped(pynvml, error) from error
        return pynvml

    def _maybe(self, name: str, *arguments: object) -> Any:
        """Return the answer of a function of NVML, or None if the device, driver or package does not support it.

        Raises LostError.
        """
        function: Callable[..., Any] | None = getattr(self._nvml, name, None)
        if function is None:
            return None
        try:
            return function(self._handle, *arguments)
        except self._nvml.NVMLError as error:
            mapped = _mapped(self._nvml, error)
            if isinstance(mapped, LostError):
                raise mapped from error
            return None

    def _row(self, nvml: Any) -> Gpu:
        if self._name is None:
            self._name = _maybe_text(self._maybe("nvmlDeviceGetName"))
        use = self._maybe("nvmlDeviceGetUtilizationRates")
        memory = self._maybe("nvmlDeviceGetMemoryInfo")
        encoder = self._maybe("nvmlDeviceGetEncoderUtilization")
        decoder = self._maybe("nvmlDeviceGetDecoderUtilization")
        reasons = self._maybe("nvmlDeviceGetCurrentClocksEventReasons")
        if reasons is None:  # drivers before 535, packages before 12.535
            reasons = self._maybe("nvmlDeviceGetCurrentClocksThrottleReasons")
        names = None if reasons is None else throttle_reasons(reasons)
        total = None if memory is None else _maybe_within(memory.total, 1 << 52)
        return Gpu(
            id=self._device.id,
            name=self._name,
            driver=self._device.driver,
            state=ACTIVE,
            usage_percent=None if use is None else _maybe_percent(use.gpu),
            memory_used_bytes=None if memory is None else _maybe_within(memory.used, total),
            memory_total_bytes=total,
            memory_busy_percent=None if use is None else _maybe_percent(use.memory),
            encoder_percent=None if encoder is None else _maybe_percent(encoder[0]),
            decoder_percent=None if decoder is None else _maybe_percent(decoder[0]),
            celsius=self._maybe_number(
                1, MOST_CELSIUS, "nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU
            ),
            slowdown_celsius=self._maybe_number(
                1,
                MOST_CELSIUS,
                "nvmlDeviceGetTemperatureThreshold",
                nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN,
            ),
            watts=self._maybe_number(1000, MOST_WATTS, "nvmlDeviceGetPowerUsage"),
            limit_watts=self._maybe_number(1000, MOST_WATTS, "nvmlDeviceGetEnforcedPowerLimit"),
            clock_mhz=self._maybe_number(
                1, MOST_MHZ, "nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_GRAPHICS
            ),
            memory_clock_mhz=self._maybe_number(
                1, MOST_MHZ, "nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_MEM
            ),
            fan_percent=_maybe_percent(self._maybe("nvmlDeviceGetFanSpeed")),
            is_throttled=None if names is None else bool(names),
            throttle_reasons=names,
            processes=self._maybe_processes(),
        )

    def _maybe_number(
        self, divisor: int, most: float, name: str, *arguments: object
    ) -> float | None:
        """Return a number in units of ``divisor``, or None if it is unknown or exceeds ``most``."""
        number = self._maybe(name, *arguments)
        return None if number is None or not 0 <= number / divisor <= most else number / divisor

    def _maybe_processes(self) -> tuple[GpuProcess, ...] | None:
        """Return the processes with the most memory. A process may be in several of the lists."""
        lists = [
            self._maybe(f"nvmlDeviceGet{kind}RunningProcesses")
            for kind in ("Compute", "Graphics", "MPSCompute")
        ]
        if all(found is None for found in lists):
            return None
        memory: dict[int, int | None] = {}
        for one in (one for found in lists for one in found or ()):
            before = memory.get(one.pid)
            used = _maybe_within(one.usedGpuMemory, 1 << 52)
            memory[one.pid] = used if before is None else max(before, used or 0)
        use = self._use_by_pid()
        pids = sorted(memory, key=lambda pid: (-(memory[pid] or 0), pid))[:MAX_PROCESSES]
        return tuple(
            GpuProcess(pid, process_name(self._proc_root, pid), use.get(pid), memory[pid])
            for pid in pids
        )

    def _use_by_pid(self) -> dict[int, float | None]:
        """Return the newest sample of each process since the call before. NVML has none while nothing works."""
        samples = self._maybe("nvmlDeviceGetProcessUtilization", self._seen_us) or ()
        newest: dict[int, Any] = {}
        for sample in samples:
            if sample.timeStamp >= getattr(newest.get(sample.pid), "timeStamp", 0):
                newest[sample.pid] = sample
        self._seen_us = max((one.timeStamp for one in newest.values()), default=self._seen_us)
        return {pid: _maybe_percent(sample.smUtil) for pid, sample in newest.items()}


def throttle_reasons(bits: int) -> str:
    """Return the names of the reasons in a mask of NVML, each once."""
    return ", ".join(dict.fromkeys(name for bit, name in REASONS if bits & bit))


def _mapped(nvml: Any, error: Exception) -> Exception:
    """Return an error of NVML as ours if it means that the device is lost, or is not ours; else unchanged."""
    code = getattr(error, "value", None)
    if code in (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED):
        return LostError(str(error))
    if code in (nvml.NVML_ERROR_NOT_FOUND, nvml.NVML_ERROR_NO_PERMISSION):
        return NotHereError(str(error))
    return error


def _maybe_percent(number: int | None) -> float | None:
    return None if number is None or not 0 <= number <= 100 else float(number)


def _maybe_within(number: int | None, most: int | None) -> int | None:
    if number is None or number < 0 or (most is not None and number > most):
        return None
    return number


def _maybe_text(text: str | bytes | None) -> str | None:
    """Return a name. Older packages return bytes."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return text or None
