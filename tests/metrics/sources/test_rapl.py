"""Power of the processor from its energy counters."""

from __future__ import annotations

import os

import pytest

from telemetry_stream.metrics.sources.rapl import Rapl, wrapped_rise
from tests.metrics.trees import Tree, opened_below

RANGE = 262_143_328_850


def zone(tree: Tree, directory: str, name: str, energy_uj: object) -> None:
    """Make one zone, or change its counter."""
    path = f"sys/class/powercap/{directory}"
    tree.put(f"{path}/name", f"{name}\n")
    tree.put(f"{path}/max_energy_range_uj", f"{RANGE}\n")
    tree.put(f"{path}/energy_uj", f"{energy_uj}\n")


def watts(tree: Tree, rapl: Rapl, seconds: float = 1.0) -> dict[str, float | None]:
    """Return the power of each zone after some seconds."""
    tree.advance(seconds)
    rapl.find()
    return {found.name: found.watts for found in rapl.zones()}


def test_power_is_the_rise_of_the_counter(tree: Tree) -> None:
    """Of each package and each of its parts. The zones of intel-rapl-mmio are the same packages again."""
    rapl = Rapl(tree.files)
    for package in (0, 1):
        zone(tree, f"intel-rapl:{package}", f"package-{package}", 1_000_000)
    zone(tree, "intel-rapl:0:0", "core", 500)
    zone(tree, "intel-rapl-mmio:0", "package-0", 1)
    zone(tree, "dtpm:0", "dtpm", 1)
    assert set(watts(tree, rapl).values()) == {None}
    zone(tree, "intel-rapl:0", "package-0", 26_000_000)
    zone(tree, "intel-rapl:0:0", "core", 10_000_500)
    assert watts(tree, rapl, 2.0) == {"package-0": 12.5, "package-0/core": 5.0, "package-1": 0.0}


def test_a_counter_that_wraps(tree: Tree) -> None:
    """It begins again at 0 after max_energy_range_uj."""
    rapl = Rapl(tree.files)
    zone(tree, "intel-rapl:0", "package-0", RANGE - 5_000_000)
    watts(tree, rapl)
    zone(tree, "intel-rapl:0", "package-0", 10_000_000)
    assert watts(tree, rapl) == {"package-0": 15.0}


@pytest.mark.parametrize("after", [0, 500_000_000_000, "junk", "", -1])
def test_a_counter_that_was_reset_or_is_no_count(tree: Tree, after: object) -> None:
    """More than any processor needs is not a wrap, and never a spike."""
    rapl = Rapl(tree.files)
    zone(tree, "intel-rapl:0", "package-0", RANGE // 2)
    watts(tree, rapl)
    zone(tree, "intel-rapl:0", "package-0", after)
    assert watts(tree, rapl) == {"package-0": None}


def test_a_counter_that_only_root_may_read(tree: Tree) -> None:
    """It is tried again after half a minute, because a failing open is expensive."""
    rapl = Rapl(tree.files)
    zone(tree, "intel-rapl:0", "package-0", 1)
    counter = f"{tree.sys}/class/powercap/intel-rapl:0/energy_uj"
    os.unlink(counter)  # As root, these tests may read everything.
    with opened_below(counter) as opened:
        for _ in range(5):
            assert watts(tree, rapl) == {"package-0": None}
    assert opened.count(counter) == 1
    zone(tree, "intel-rapl:0", "package-0", 1_000_000)
    watts(tree, rapl, 30.0)
    zone(tree, "intel-rapl:0", "package-0", 3_000_000)
    assert watts(tree, rapl) == {"package-0": 2.0}


def test_zones_that_disappear(tree: Tree) -> None:
    """A driver was unloaded. A zone without a name has that of its directory."""
    rapl = Rapl(tree.files)
    assert not rapl.has_zones
    tree.put("sys/class/powercap/intel-rapl:0/energy_uj", "1")
    assert watts(tree, rapl) == {"intel-rapl:0": None}
    for name in os.listdir(f"{tree.sys}/class/powercap/intel-rapl:0"):
        os.unlink(f"{tree.sys}/class/powercap/intel-rapl:0/{name}")
    os.rmdir(f"{tree.sys}/class/powercap/intel-rapl:0")
    assert watts(tree, rapl) == {}
    assert tree.files.budget.kept == 0


@pytest.mark.parametrize(
    ("current", "previous", "most", "expected"),
    [(5, 3, 100, 2), (3, 98, 100, 5), (3, 98, None, None), (3, 101, 100, None), (3, 3, None, 0)],
)
def test_wrapped_rise(current: int, previous: int, most: int | None, expected: int | None) -> None:
    """A counter above its own range has no known wrap."""
    assert wrapped_rise(current, previous, most) == expected
