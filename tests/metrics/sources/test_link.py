"""One interface as sysfs shows it. (Several of them, over time: test_network.)"""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.attributes import Budget
from telemetry_stream.metrics.blocking import Answer
from telemetry_stream.metrics.sources.link import Link, parse_operstate, parse_speed
from tests.metrics.trees import Tree


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"1000", 1000),
        (b"100000", 100000),
        (b"400000", 400000),
        (b"-1", None),
        (b"0", None),
        (b"", None),
        (None, None),
        (b"4294967295", None),
        (b"fast", None),
    ],
)
def test_speeds(content: bytes | None, expected: int | None) -> None:
    """No speed is none, 100 GbE fits."""
    assert parse_speed(content) == expected


def test_operstates() -> None:
    """A word without its newline; what is not said is unknown."""
    assert parse_operstate(b"lowerlayerdown\n") == "lowerlayerdown"
    assert parse_operstate(None) is None


def test_the_state_is_new_each_time(tree: Tree) -> None:
    """Whoever stays the same interface may go down; one descriptor is kept for it."""
    tree.put("sys/class/net/eth0/operstate", "up\n")
    budget = Budget()
    link = Link(budget, f"{tree.sys}/class/net/eth0")
    tree.put("sys/class/net/eth0/operstate", "down\n")
    assert (link.is_same(), link.operstate, budget.kept) == (True, "down", 1)
    link.close()
    assert budget.kept == 0


@pytest.mark.parametrize("kept", [0, 128])
def test_another_ifindex_behind_a_new_descriptor(tree: Tree, kept: int) -> None:
    """Beyond the budget of descriptors each reading is a new one, so the ifindex is looked at each time."""
    tree.put("sys/class/net/eth0/operstate", "up\n")
    tree.put("sys/class/net/eth0/ifindex", "2\n")
    link = Link(Budget(kept), f"{tree.sys}/class/net/eth0")
    assert link.is_same()
    tree.put("sys/class/net/eth0/ifindex", "9\n")
    assert link.is_same() == (kept == 0)
    link.close()
    assert not link.is_same()
    link.close()


def test_a_speed_is_understood_once(tree: Tree) -> None:
    """By the answer that brought it; without one there is none."""
    link = Link(Budget(), f"{tree.sys}/class/net/eth0")
    assert link.speed_mbps(None) is None
    assert link.speed_mbps(Answer(b"1000\n", None, 1.0)) == 1000
    assert link.speed_mbps(Answer(None, OSError("down"), 2.0)) is None
