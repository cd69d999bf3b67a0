"""Attributes of devices, and the budget of descriptors for them."""

from __future__ import annotations

import errno
import os

import pytest

from telemetry_stream.metrics.attributes import (
    MAX_KEPT_OPEN,
    Attribute,
    Budget,
    maybe_read_once,
    read_once,
)
from tests.metrics.trees import Tree


@pytest.fixture
def budget() -> Budget:
    """A budget that nothing uses."""
    return Budget()


def test_an_attribute_stays_open_and_is_read_anew(tree: Tree, budget: Budget) -> None:
    """close() gives the budget back."""
    tree.put("sys/x", "1\n")
    attribute = Attribute(budget, f"{tree.sys}/x")
    assert attribute.maybe_read() == b"1\n"
    tree.put("sys/x", "2\n")
    assert attribute.maybe_read() == b"2\n"
    assert budget.kept == 1
    attribute.close()
    attribute.close()
    assert budget.kept == 0


def test_a_missing_attribute_is_none(tree: Tree, budget: Budget) -> None:
    """Nothing stays open."""
    assert Attribute(budget, f"{tree.sys}/x").maybe_read() is None
    assert budget.kept == 0


def test_a_replaced_device_is_opened_again(
    tree: Tree, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old descriptor gives ENODEV. The same read returns the content of the new device."""
    tree.put("sys/x", "2\n")
    attribute = Attribute(budget, f"{tree.sys}/x")
    attribute.maybe_read()
    real, failures = os.pread, [OSError(errno.ENODEV, "No such device")]

    def pread(fd: int, size: int, offset: int) -> bytes:
        if failures:
            raise failures.pop()
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    tree.put("sys/x", "9\n")
    assert attribute.maybe_read() == b"9\n"
    assert budget.kept == 1
    attribute.close()


def test_an_attribute_that_cannot_be_read_is_none(
    tree: Tree, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """speed gives EINVAL while the link is down. Nothing stays open."""
    tree.put("sys/x", "1\n")

    def pread(_fd: int, _size: int, _offset: int) -> bytes:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "pread", pread)
    assert Attribute(budget, f"{tree.sys}/x").maybe_read() is None
    assert budget.kept == 0


def test_beyond_the_budget_an_attribute_is_opened_for_each_read(tree: Tree) -> None:
    """With the same result."""
    budget = Budget(kept=MAX_KEPT_OPEN - 1)
    tree.put("sys/x", "1\n")
    first, second = (Attribute(budget, f"{tree.sys}/x") for _ in range(2))
    assert [first.maybe_read(), second.maybe_read(), second.maybe_read()] == [b"1\n"] * 3
    assert budget.kept == MAX_KEPT_OPEN
    first.close()
    assert second.maybe_read() == b"1\n"
    assert budget.kept == MAX_KEPT_OPEN
    second.close()


def test_read_once_returns_the_whole_file(tree: Tree) -> None:
    """Whatever its size. maybe_read_once returns None for a missing one."""
    tree.put("proc/x", b"y" * 50_000)
    assert read_once(f"{tree.proc}/x") == b"y" * 50_000
    assert maybe_read_once(f"{tree.proc}/nowhere") is None
