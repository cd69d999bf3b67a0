"""A GPU of NVIDIA, with made-up answers of NVML."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest

from telemetry_stream.metrics.sources.gpu_devices import Device
from telemetry_stream.metrics.sources.gpu_record import Gpu, GpuProcess, LostError, NotHereError
from telemetry_stream.metrics.sources.nvidia import NvidiaReader, throttle_reasons
from tests.metrics import nvml
from tests.metrics.nvml import LAPTOP, SERVER, FakeNvml
from tests.metrics.trees import Tree, assert_sane

ADDRESS = "0000:01:00.0"


def reader_of(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]
) -> tuple[NvidiaReader, FakeNvml]:
    """Return a reader of one GPU, and its NVML."""
    fake = FakeNvml({ADDRESS: answers})
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    tree.put("proc/4242/comm", "python3\n")
    return NvidiaReader(Device(ADDRESS, f"{tree.sys}/none", "nvidia"), tree.files), fake


def test_every_field_of_a_server(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is in two lists has one row, with the larger memory. One that has ended has no name."""
    reader, _ = reader_of(tree, monkeypatch, SERVER)
    assert reader.read() == Gpu(
        id=ADDRESS,
        name="NVIDIA H100 80GB HBM3",
        driver="nvidia",
        state="active",
        usage_percent=87.0,
        memory_used_bytes=61520809984,
        memory_total_bytes=85520809984,
        memory_busy_percent=41.0,
        encoder_percent=0.0,
        decoder_percent=12.0,
        celsius=64.0,
        slowdown_celsius=87.0,
        watts=612.345,
        limit_watts=700.0,
        clock_mhz=1755.0,
        memory_clock_mhz=2619.0,
        fan_percent=None,
        is_throttled=True,
        throttle_reasons="power, temperature",
        processes=(
            GpuProcess(4242, "python3", 86.0, 61000000000),
            GpuProcess(4243, None, None, None),
        ),
    )


def test_a_laptop_with_an_old_driver(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not support is unknown. An idle GPU is not throttled. The name may be bytes."""
    reader, _ = reader_of(tree, monkeypatch, LAPTOP)
    gpu = reader.read()
    assert (gpu.name, gpu.watts, gpu.fan_percent) == ("NVIDIA GeForce MX150", None, None)
    assert (gpu.is_throttled, gpu.throttle_reasons, gpu.is_idle) == (False, "", True)
    assert (gpu.encoder_percent, gpu.processes, gpu.memory_used_bytes) == (None, (), 0)


def test_a_device_that_supports_nothing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field is null, and nothing fails."""
    reader, _ = reader_of(
        tree, monkeypatch, dict.fromkeys(nvml.FUNCTIONS, "NVML_ERROR_NOT_SUPPORTED")
    )
    assert reader.read() == Gpu(ADDRESS, None, "nvidia", "active")


@pytest.mark.parametrize("error", ["NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_RESET_REQUIRED"])
@pytest.mark.parametrize("function", sorted({*SERVER, "handle"} - {"nvmlDeviceGetName"}))
def test_a_lost_gpu(tree: Tree, monkeypatch: pytest.MonkeyPatch, function: str, error: str) -> None:
    """Whichever call reports it. NVML is closed, so that the driver can be loaded again."""
    reader, fake = reader_of(tree, monkeypatch, {**SERVER, function: error})
    with pytest.raises(LostError):
        reader.read()
    assert fake.opened == 0


def test_a_gpu_of_another_container(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """sysfs shows it, but its device file is not here."""
    reader, fake = reader_of(tree, monkeypatch, SERVER)
    fake.gpus.clear()
    with pytest.raises(NotHereError):
        reader.read()
    assert fake.opened == 0


@pytest.mark.parametrize("error", ["NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_LIBRARY_NOT_FOUND"])
def test_a_library_that_cannot_be_opened(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """The reason is that of NVML, and it is not closed."""
    reader, fake = reader_of(tree, monkeypatch, SERVER)
    fake.init_error = error
    with pytest.raises(nvml.NVMLError, match=error):
        reader.read()
    reader.release()
    fake.init_error = None
    assert reader.read().usage_percent == 87.0


def test_without_the_package(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names the extra."""
    reader, _ = reader_of(tree, monkeypatch, SERVER)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(ImportError, match="extra nvidia"):
        reader.read()


def test_release_closes_nvml_and_read_opens_it_again(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open session keeps the device awake."""
    reader, fake = reader_of(tree, monkeypatch, SERVER)
    reader.release()
    for _ in range(2):
        reader.read()
        reader.read()
        assert fake.opened == 1
        reader.release()
        reader.release()
        assert fake.opened == 0


def test_only_new_samples_of_processes_are_requested(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NVML keeps samples of some seconds, and a process that is idle since then has none."""
    reader, fake = reader_of(tree, monkeypatch, SERVER)
    seen: list[int] = []
    answer = fake.nvmlDeviceGetProcessUtilization  # type: ignore[attr-defined]

    def record(handle: str, since: int) -> Any:
        seen.append(since)
        return answer(handle, since)

    monkeypatch.setattr(fake, "nvmlDeviceGetProcessUtilization", record)
    reader.read()
    reader.read()
    assert seen == [0, 2000]


@pytest.mark.parametrize(
    "numbers", [{"gpu": 101, "memory": -1}, {"gpu": 4294967295, "memory": 4294967295}]
)
def test_numbers_that_mean_not_available(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, numbers: dict[str, int]
) -> None:
    """Some functions answer with the largest number instead of an error."""
    huge = 2**64 - 1
    answers = {
        **SERVER,
        "nvmlDeviceGetUtilizationRates": numbers,
        "nvmlDeviceGetMemoryInfo": {"total": huge, "used": huge},
        "nvmlDeviceGetPowerUsage": 2**32 - 1,
        "nvmlDeviceGetTemperature": {0: 2**32 - 1},
        "nvmlDeviceGetClockInfo": {0: 2**32 - 1, 2: 2**32 - 1},
        "nvmlDeviceGetComputeRunningProcesses": [{"pid": 1, "usedGpuMemory": huge}],
    }
    reader, _ = reader_of(tree, monkeypatch, answers)
    gpu = reader.read()
    assert_sane(gpu)
    assert (gpu.usage_percent, gpu.memory_total_bytes, gpu.watts, gpu.clock_mhz) == (None,) * 4


def test_many_processes(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the most memory are listed."""
    crowd = [{"pid": pid, "usedGpuMemory": pid * 1000} for pid in range(1, 200)]
    reader, _ = reader_of(
        tree, monkeypatch, {**SERVER, "nvmlDeviceGetComputeRunningProcesses": crowd}
    )
    processes = reader.read().processes
    assert processes is not None
    assert [one.pid for one in processes] == [4242, *range(199, 170, -1)]


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (0, ""),
        (1, ""),
        (2, ""),
        (4, "power"),
        (0x60, "temperature"),
        (0x88, "hardware, power brake"),
    ],
)
def test_throttle_reasons(bits: int, expected: str) -> None:
    """An idle GPU and clocks that a user chose are no throttling."""
    assert throttle_reasons(bits) == expected


def test_the_stand_in_has_the_names_of_the_real_package() -> None:
    """Constants, errors, functions and the number of their arguments."""
    real = pytest.importorskip("pynvml")
    for name, value in {**nvml.ERRORS, **nvml.CONSTANTS}.items():
        assert getattr(real, name) == value, name
    assert real.NVMLError(15).value == 15
    for name, arguments in nvml.FUNCTIONS.items():
        function = inspect.unwrap(getattr(real, name))
        required = [
            one
            for one in inspect.signature(function).parameters.values()
            if one.default is one.empty
        ]
        assert len(required) == arguments + 1, name
    for name in ("nvmlInit", "nvmlShutdown", "nvmlDeviceGetHandleByPciBusId"):
        assert callable(getattr(real, name))
    fields = {
        "c_nvmlUtilization_t": {"gpu", "memory"},
        "c_nvmlMemory_t": {"total", "used"},
        "c_nvmlProcessInfo_v3_t": {"pid", "usedGpuMemory"},
        "c_nvmlProcessUtilizationSample_t": {"pid", "timeStamp", "smUtil"},
    }
    for name, expected in fields.items():
        assert expected <= {field[0] for field in getattr(real, name)._fields_}, name
