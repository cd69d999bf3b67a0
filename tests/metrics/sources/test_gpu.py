"""The section gpus: when GPUs are read, and what a viewer sees of those that are not."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry_stream.metrics import blocking
from telemetry_stream.metrics.sample import encode_section
from telemetry_stream.metrics.source import NOT_WANTED, SEARCH_SECONDS, Stale
from telemetry_stream.metrics.sources import gpu as module
from telemetry_stream.metrics.sources.gpu import REST_SECONDS, GpusSource
from telemetry_stream.metrics.sources.gpu_record import Gpu
from tests.conftest import eventually
from tests.metrics.nvml import LAPTOP, SERVER, FakeNvml
from tests.metrics.sources.test_drm import AMD
from tests.metrics.sources.test_gpu_devices import nvidia, pci
from tests.metrics.trees import Tree, opened_below

FIRST, SECOND = "0000:01:00.0", "0000:02:00.0"


@pytest.fixture
def source(tree: Tree) -> Iterator[GpusSource]:
    """A source that waits for its GPUs."""
    made = GpusSource(tree.files, timeout_seconds=10.0)
    yield made
    made.close()


def use(monkeypatch: pytest.MonkeyPatch, **gpus: dict[str, Any]) -> FakeNvml:
    """Make NVML answer for the devices ``first`` and ``second``."""
    addresses = {"first": FIRST, "second": SECOND}
    fake = FakeNvml({addresses[name]: dict(answers) for name, answers in gpus.items()})
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


def collect(tree: Tree, source: GpusSource, seconds: float = 1.0) -> tuple[Gpu, ...]:
    """Return the rows of the next tick."""
    section = source.collect(tree.tick(seconds, wanted={"gpus"}))
    assert isinstance(section, tuple)
    return section


def states(rows: tuple[Gpu, ...]) -> list[tuple[str, str, float | None]]:
    """Return address, state and use of each row."""
    return [(row.id, row.state, row.usage_percent) for row in rows]


def test_a_host_without_a_gpu(tree: Tree, source: GpusSource) -> None:
    """It is searched every 30 s, and nothing is opened between."""
    assert source.collect(tree.tick(wanted={"gpus"})) is None
    with opened_below(tree.sys) as opened:
        for _ in range(20):
            assert source.collect(tree.tick(wanted={"gpus"})) is None
    assert opened == []
    pci(tree, FIRST, "amdgpu", card=0)
    assert collect(tree, source, SEARCH_SECONDS)[0].driver == "amdgpu"


def test_a_host_without_a_gpu_imports_no_reader() -> None:
    """Neither the package of NVIDIA nor our own modules."""
    program = (
        "import sys\nfrom telemetry_stream.metrics.collector import Collector\n"
        "Collector(proc_root='/proc', sys_root='/nonexistent').collect(['gpus', 'cpu', 'power'])\n"
        "print([name for name in sys.modules if name.endswith(('pynvml', '.nvidia', '.drm', '.fdinfo'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


def test_gpus_are_read_only_while_they_are_wanted(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then NVML is closed, because an open session keeps a device awake."""
    fake = use(monkeypatch, first=SERVER, second=SERVER)
    nvidia(tree, FIRST)
    nvidia(tree, SECOND)
    with opened_below(tree.sys) as opened:
        assert source.collect(tree.tick()) is NOT_WANTED
    assert (opened, fake.handles) == ([], [])
    assert states(collect(tree, source)) == [(FIRST, "active", 87.0), (SECOND, "active", 87.0)]
    assert fake.opened == 2
    assert source.collect(tree.tick()) is NOT_WANTED
    assert fake.opened == 0
    assert states(collect(tree, source))[0] == (FIRST, "active", 87.0)


def test_a_viewer_does_not_get_the_reading_of_the_viewer_before(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be hours old. The first tick after a pause has no rows if the GPU has not answered yet."""
    fake = use(monkeypatch, first=SERVER)
    nvidia(tree, FIRST)
    source = GpusSource(tree.files, timeout_seconds=10.0)
    assert states(collect(tree, source)) == [(FIRST, "active", 87.0)]
    assert source.collect(tree.tick()) is NOT_WANTED
    source._blocking._timeout_seconds = 0.0
    fake.hang = threading.Event()
    try:
        assert collect(tree, source, 3600.0) == ()
    finally:
        fake.hang.set()
    source._blocking._timeout_seconds = 10.0
    (row,) = collect(tree, source)
    assert (row.usage_percent, row.age_seconds) == (87.0, 0.0)
    source.close()


def test_each_tick_has_a_new_reading(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that comes a little early."""
    fake = use(monkeypatch, first=SERVER)
    nvidia(tree, FIRST)
    for percent in (10, 20, 30):
        fake.gpus[FIRST] = {
            **SERVER,
            "nvmlDeviceGetUtilizationRates": {"gpu": percent, "memory": 0},
        }
        (row,) = collect(tree, source, 0.95)
        assert (row.usage_percent, row.age_seconds) == (percent, 0.0)


@pytest.mark.parametrize(
    ("file", "content"), [("power/runtime_status", "suspended"), ("power_state", "D3cold")]
)
def test_a_sleeping_gpu_is_not_touched(
    tree: Tree,
    source: GpusSource,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    content: str,
) -> None:
    """No handle is requested, and no file of it is opened, except those of the power management."""
    fake = use(monkeypatch, first=SERVER)
    asleep = [nvidia(tree, FIRST), pci(tree, "0000:03:00.0", "amdgpu", card=0)]
    for path in asleep:
        tree.put(f"{path}/{file}", f"{content}\n")
    for name, number in AMD.items():
        tree.put(f"{asleep[1]}/{name}", str(number))
    with opened_below(f"{tree.sys}/devices") as opened:
        rows = collect(tree, source)
    assert states(rows) == [(FIRST, "asleep", None), ("0000:03:00.0", "asleep", None)]
    assert (fake.handles, fake.opened) == ([], 0)
    files = {path.split("00.0/", 1)[-1] for path in opened}
    assert files <= {"power/runtime_status", "power_state", "vendor", "class"}
    for path in asleep:
        tree.put(f"{path}/{file}", "active\n" if "runtime" in file else "D0\n")
    assert [row.usage_percent for row in collect(tree, source)] == [87.0, 73.0]


def test_a_gpu_that_falls_asleep_keeps_its_name_and_loses_its_session(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program stopped using it."""
    fake = use(monkeypatch, first=SERVER)
    path = nvidia(tree, FIRST)
    collect(tree, source)
    tree.put(f"{path}/power/runtime_status", "suspended\n")
    (row,) = collect(tree, source)
    assert (row.state, row.name, row.watts) == ("asleep", "NVIDIA H100 80GB HBM3", None)
    assert fake.opened == 0


def test_an_idle_gpu_is_not_kept_from_its_sleep(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read every 30 s, without a session between. A busy one is read in each tick."""
    fake = use(monkeypatch, first=LAPTOP)
    path = nvidia(tree, FIRST)
    tree.put(f"{path}/power/control", "auto\n")
    assert states(collect(tree, source)) == [(FIRST, "active", 0.0)]
    assert fake.opened == 0
    (row,) = [collect(tree, source) for _ in range(20)][-1]
    assert (len(fake.handles), row.age_seconds) == (1, 20.0)
    fake.gpus[FIRST] = {**LAPTOP, "nvmlDeviceGetUtilizationRates": {"gpu": 50, "memory": 0}}
    collect(tree, source, REST_SECONDS)
    (row,) = collect(tree, source)
    assert (row.usage_percent, row.age_seconds, fake.opened) == (50.0, 0.0, 1)


def test_a_lost_gpu_is_no_error_of_the_program(
    tree: Tree,
    source: GpusSource,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It has a row, the other one its values, and the log one line. It is tried again after 30 s."""
    fake = use(monkeypatch, first=SERVER, second=SERVER)
    nvidia(tree, FIRST)
    nvidia(tree, SECOND)
    collect(tree, source)
    fake.gpus[FIRST] = {**SERVER, "nvmlDeviceGetPowerUsage": "NVML_ERROR_GPU_IS_LOST"}
    with caplog.at_level(logging.WARNING):
        rows = [collect(tree, source, 30.0) for _ in range(3)][-1]
    assert states(rows) == [(FIRST, "lost", None), (SECOND, "active", 87.0)]
    assert rows[0].name == "NVIDIA H100 80GB HBM3"
    assert [record.getMessage() for record in caplog.records] == [
        f"GPU {FIRST} is lost: NVML_ERROR_GPU_IS_LOST"
    ]
    fake.gpus[FIRST] = dict(SERVER)
    assert states(collect(tree, source, SEARCH_SECONDS))[0] == (FIRST, "active", 87.0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("NVML_ERROR_LIB_RM_VERSION_MISMATCH", "NVML_ERROR_LIB_RM_VERSION_MISMATCH"),
        (None, "the extra nvidia"),
    ],
)
def test_a_gpu_that_cannot_be_read(
    tree: Tree,
    source: GpusSource,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: str | None,
    reason: str,
) -> None:
    """The driver was updated and not loaded again, or the package is not installed."""
    fake = use(monkeypatch, first=SERVER)
    fake.init_error = error
    if error is None:
        monkeypatch.setitem(sys.modules, "pynvml", None)
    nvidia(tree, FIRST)
    with caplog.at_level(logging.WARNING):
        rows = [collect(tree, source) for _ in range(5)][-1]
    assert states(rows) == [(FIRST, "unreadable", None)]
    (record,) = caplog.records
    assert reason in record.getMessage()


def test_a_gpu_of_another_container_has_no_row(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sysfs shows the GPUs of the whole host."""
    use(monkeypatch, first=SERVER)
    nvidia(tree, FIRST)
    nvidia(tree, SECOND)
    assert states(collect(tree, source)) == [(FIRST, "active", 87.0)]


def test_a_gpu_that_hangs_makes_the_section_stale(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last values are kept. Closing does not wait for it."""
    fake = use(monkeypatch, first=SERVER)
    nvidia(tree, FIRST)
    source = GpusSource(tree.files, timeout_seconds=10.0)
    collect(tree, source)
    source._blocking._timeout_seconds = 0.0
    fake.hang = threading.Event()
    try:
        source.collect(tree.tick(wanted={"gpus"}))
        section = source.collect(tree.tick(5.0, wanted={"gpus"}))
        assert isinstance(section, Stale)
        assert section.age_seconds == 6.0
        source.close()
    finally:
        fake.hang.set()


@pytest.mark.parametrize("ends", ["viewer", "program"])
def test_a_gpu_that_hangs_while_the_last_viewer_leaves(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """It is released when it answers: its open session would keep it awake."""
    monkeypatch.setattr(blocking, "HUNG_SECONDS", 0.0)
    fake = use(monkeypatch, first=SERVER)
    nvidia(tree, FIRST)
    source = GpusSource(tree.files)
    fake.hang = threading.Event()
    try:
        source.collect(tree.tick(wanted={"gpus"}))
        assert eventually(lambda: fake.opened == 1)
        if ends == "viewer":
            assert source.collect(tree.tick()) is NOT_WANTED
            assert eventually(lambda: source._blocking.maybe_result(None))
        else:
            source.close()
        assert fake.opened == 1
    finally:
        fake.hang.set()
    assert eventually(lambda: fake.opened == 0)
    source.close()


def test_a_gpu_that_is_removed_while_it_is_read(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its reader raises costs its own values only."""
    pci(tree, FIRST, "amdgpu", card=0)
    collect(tree, source)

    class Broken:
        def read(self) -> Gpu:
            raise RuntimeError("gone")

        def release(self) -> None:
            pass

    monkeypatch.setattr(module, "_reader", lambda *_: Broken())
    source._readers.clear()
    assert states(collect(tree, source)) == [(FIRST, "unreadable", None)]


def test_the_section_as_json(
    tree: Tree, source: GpusSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields only, no properties of the record."""
    use(monkeypatch, first=SERVER)
    nvidia(tree, FIRST)
    (row,) = json.loads(encode_section(collect(tree, source)))
    assert row["processes"][0]["memory_bytes"] == 61000000000
    assert "is_idle" not in row
