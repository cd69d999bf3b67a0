"""When a GPU counts as idle, and the names of its processes."""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.sources.gpu_record import ACTIVE, Gpu, process_name
from tests.metrics.trees import Tree


@pytest.mark.parametrize(
    ("usage_percent", "clock_mhz", "expected"),
    [
        pytest.param(0.0, 300.0, True, id="nothing to do"),
        pytest.param(0.5, 300.0, False, id="busy"),
        pytest.param(None, 0.0, True, id="Intel, powered down"),
        pytest.param(None, 300.0, False, id="Intel, in use"),
        pytest.param(None, None, True, id="nothing is known"),
    ],
)
def test_a_gpu_is_idle_if_nothing_uses_it(
    usage_percent: float | None, clock_mhz: float | None, expected: bool
) -> None:
    """Without a known use, its clock decides."""
    gpu = Gpu("0000:01:00.0", None, "xe", ACTIVE, usage_percent=usage_percent, clock_mhz=clock_mhz)
    assert gpu.is_idle is expected


def test_the_name_of_a_process(tree: Tree) -> None:
    """It may be of any bytes. None if the process has ended."""
    tree.put("proc/7/comm", b"render\xff er\n")
    assert process_name(tree.proc, 7) == "render� er"
    assert process_name(tree.proc, 8) is None
