"""A stand-in for the module ``pynvml`` of nvidia-ml-py, which gives answers that were made up from its documentation.

It has the names and the error classes of the real package; a test compares them with it. The answers of one GPU are by
function: a value, a mapping for a structure, a list of mappings for a list of structures, or the name of an
error (``"NVML_ERROR_NOT_SUPPORTED"``). A function without an answer does not exist in the driver.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

ERRORS = {
    "NVML_ERROR_UNINITIALIZED": 1,
    "NVML_ERROR_NOT_SUPPORTED": 3,
    "NVML_ERROR_NO_PERMISSION": 4,
    "NVML_ERROR_NOT_FOUND": 6,
    "NVML_ERROR_DRIVER_NOT_LOADED": 9,
    "NVML_ERROR_LIBRARY_NOT_FOUND": 12,
    "NVML_ERROR_FUNCTION_NOT_FOUND": 13,
    "NVML_ERROR_GPU_IS_LOST": 15,
    "NVML_ERROR_RESET_REQUIRED": 16,
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH": 18,
    "NVML_ERROR_UNKNOWN": 999,
}
CONSTANTS = {
    "NVML_TEMPERATURE_GPU": 0,
    "NVML_TEMPERATURE_THRESHOLD_SLOWDOWN": 1,
    "NVML_CLOCK_GRAPHICS": 0,
    "NVML_CLOCK_MEM": 2,
}
# Every function that the program calls, with the number of its arguments behind the handle.
FUNCTIONS = {
    "nvmlDeviceGetName": 0,
    "nvmlDeviceGetUtilizationRates": 0,
    "nvmlDeviceGetMemoryInfo": 0,
    "nvmlDeviceGetEncoderUtilization": 0,
    "nvmlDeviceGetDecoderUtilization": 0,
    "nvmlDeviceGetCurrentClocksEventReasons": 0,
    "nvmlDeviceGetCurrentClocksThrottleReasons": 0,
    "nvmlDeviceGetTemperature": 1,
    "nvmlDeviceGetTemperatureThreshold": 1,
    "nvmlDeviceGetPowerUsage": 0,
    "nvmlDeviceGetEnforcedPowerLimit": 0,
    "nvmlDeviceGetClockInfo": 1,
    "nvmlDeviceGetFanSpeed": 0,
    "nvmlDeviceGetComputeRunningProcesses": 0,
    "nvmlDeviceGetGraphicsRunningProcesses": 0,
    "nvmlDeviceGetMPSComputeRunningProcesses": 0,
    "nvmlDeviceGetProcessUtilization": 1,
}

SERVER = {
    "nvmlDeviceGetName": "NVIDIA H100 80GB HBM3",
    "nvmlDeviceGetUtilizationRates": {"gpu": 87, "memory": 41},
    "nvmlDeviceGetMemoryInfo": {"total": 85520809984, "free": 24000000000, "used": 61520809984},
    "nvmlDeviceGetEncoderUtilization": [0, 1000000],
    "nvmlDeviceGetDecoderUtilization": [12, 1000000],
    "nvmlDeviceGetCurrentClocksEventReasons": 0x24,
    "nvmlDeviceGetTemperature": {0: 64},
    "nvmlDeviceGetTemperatureThreshold": {1: 87},
    "nvmlDeviceGetPowerUsage": 612345,
    "nvmlDeviceGetEnforcedPowerLimit": 700000,
    "nvmlDeviceGetClockInfo": {0: 1755, 2: 2619},
    "nvmlDeviceGetFanSpeed": "NVML_ERROR_NOT_SUPPORTED",
    "nvmlDeviceGetComputeRunningProcesses": [
        {"pid": 4242, "usedGpuMemory": 60000000000},
        {"pid": 4243, "usedGpuMemory": None},
    ],
    "nvmlDeviceGetGraphicsRunningProcesses": [{"pid": 4242, "usedGpuMemory": 61000000000}],
    "nvmlDeviceGetMPSComputeRunningProcesses": [],
    "nvmlDeviceGetProcessUtilization": [
        {"pid": 4242, "timeStamp": 1000, "smUtil": 10, "memUtil": 5, "encUtil": 0, "decUtil": 0},
        {"pid": 4242, "timeStamp": 2000, "smUtil": 86, "memUtil": 40, "encUtil": 0, "decUtil": 0},
    ],
}
# A laptop with a driver that has the older name of the reasons, and does not count processes.
LAPTOP = {
    "nvmlDeviceGetName": b"NVIDIA GeForce MX150",
    "nvmlDeviceGetUtilizationRates": {"gpu": 0, "memory": 0},
    "nvmlDeviceGetMemoryInfo": {"total": 2147483648, "free": 2147483648, "used": 0},
    "nvmlDeviceGetCurrentClocksThrottleReasons": 0x1,
    "nvmlDeviceGetTemperature": {0: 41},
    "nvmlDeviceGetTemperatureThreshold": "NVML_ERROR_NOT_SUPPORTED",
    "nvmlDeviceGetPowerUsage": "NVML_ERROR_NOT_SUPPORTED",
    "nvmlDeviceGetEnforcedPowerLimit": "NVML_ERROR_NOT_SUPPORTED",
    "nvmlDeviceGetClockInfo": {0: 139, 2: 405},
    "nvmlDeviceGetFanSpeed": "NVML_ERROR_NOT_SUPPORTED",
    "nvmlDeviceGetComputeRunningProcesses": [],
    "nvmlDeviceGetGraphicsRunningProcesses": [],
    "nvmlDeviceGetProcessUtilization": "NVML_ERROR_NOT_FOUND",
}


class NVMLError(Exception):
    """As that of pynvml: ``value`` is the code."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return next(name for name, value in ERRORS.items() if value == self.value)


class FakeNvml:
    """The module. ``gpus`` has the answers of each PCI address; tests change it while it is in use."""

    NVMLError = NVMLError

    def __init__(self, gpus: dict[str, Mapping[str, Any]]) -> None:
        self.gpus = gpus
        self.opened = 0  # how often NVML is initialized at present, as NVML itself counts it
        self.init_error: str | None = None
        self.handles: list[str] = []  # every device whose handle was requested
        self.hang: threading.Event | None = None
        for name, value in {**ERRORS, **CONSTANTS}.items():
            setattr(self, name, value)
        for name in {name for gpu in gpus.values() for name in gpu}:
            setattr(self, name, self._function(name))

    def nvmlInit(self) -> None:  # noqa: N802 (the name of the real function)
        """Open the library."""
        if self.init_error:
            raise NVMLError(ERRORS[self.init_error])
        self.opened += 1

    def nvmlShutdown(self) -> None:  # noqa: N802 (the name of the real function)
        """Close it once."""
        if not self.opened:
            raise NVMLError(ERRORS["NVML_ERROR_UNINITIALIZED"])
        self.opened -= 1

    def nvmlDeviceGetHandleByPciBusId(self, address: str) -> str:  # noqa: N802 (the name of the real function)
        """Return the handle of a device, which initializes it."""
        self.handles.append(address)
        gpu = self.gpus.get(address)
        if gpu is None:
            raise NVMLError(ERRORS["NVML_ERROR_NOT_FOUND"])
        return str(self._answer(gpu.get("handle", address)))

    def _function(self, name: str) -> Any:
        def call(handle: str, *arguments: Any) -> Any:
            if not self.opened:
                raise NVMLError(ERRORS["NVML_ERROR_UNINITIALIZED"])
            assert len(arguments) == FUNCTIONS[name], name
            if self.hang is not None:
                self.hang.wait(30)
            gpu = self.gpus[handle]
            if name not in gpu:
                raise NVMLError(ERRORS["NVML_ERROR_FUNCTION_NOT_FOUND"])
            answer = gpu[name]
            if isinstance(answer, Mapping) and arguments:
                answer = answer.get(arguments[0], "NVML_ERROR_NOT_SUPPORTED")
            return self._answer(answer)

        return call

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, str) and answer in ERRORS:
            raise NVMLError(ERRORS[answer])
        if isinstance(answer, Mapping):
            return SimpleNamespace(**answer)
        if isinstance(answer, list):
            return [self._answer(one) for one in answer]
        return answer
