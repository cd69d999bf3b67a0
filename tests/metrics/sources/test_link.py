"""One interface in sysfs. (Several interfaces over time: test_network.)"""

from __future__ import annotations

import pytest

from telemetry_stream.metrics.attributes import Budget
from telemetry_stream.metrics.blocking import Result
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
def test_speeds_are_mbit_per_second_or_none(content: bytes | None, expected: int | None) -> None:
    """Values that mean "no speed" are None. 400 Gbit/s is accepted."""
    assert parse_speed(content) == expected


def test_operstate_is_a_word_or_none() -> None:
    """Without its newline."""
    assert parse_operstate(b"lowerlayerdown\n") == "lowerlayerdown"
    assert parse_operstate(None) is None


def test_operstate_is_read_in_each_tick(tree: Tree) -> None:
    """Through one descriptor."""
    tree.put("sys/class/net/eth0/operstate", "up\n")
    budget = Budget()
    link = Link(budget, f"{tree.sys}/class/net/eth0")
    tree.put("sys/class/net/eth0/operstate", "down\n")
    assert (link.is_same(), link.operstate, budget.kept) == (True, "down", 1)
    link.close()
    assert budget.kept == 0


@pytest.mark.parametrize("kept", [0, 128])
def test_the_ifindex_is_compared_after_the_file_was_opened_again(tree: Tree, kept: int) -> None:
    """Beyond the budget of descriptors, every read opens the file."""
    tree.put("sys/class/net/eth0/operstate", "up\n")
    tree.put("sys/class/net/eth0/ifindex", "2\n")
    link = Link(Budget(kept), f"{tree.sys}/class/net/eth0")
    assert link.is_same()
    tree.put("sys/class/net/eth0/ifindex", "9\n")
    assert link.is_same() == (kept == 0)
    link.close()
    assert not link.is_same()
    link.close()


def test_a_speed_is_that_of_the_newest_result(tree: Tree) -> None:
    """Without a result, or after a failed read, there is none."""
    link = Link(Budget(), f"{tree.sys}/class/net/eth0")
    assert link.speed_mbps(None) is None
    assert link.speed_mbps(Result(b"1000\n", None, 1.0)) == 1000
    assert link.speed_mbps(Result(None, OSError("down"), 2.0)) is None
