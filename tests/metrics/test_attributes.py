"""Attributes of devices, with their descriptors kept within a budget."""

from __future__ import annotations

import errno
import os

import pytest

from telemetry_stream.metrics import attributes
from telemetry_stream.metrics.attributes import Attribute, Budget, maybe_read_once, read_once
from tests.metrics.trees import Tree


@pytest.fixture
def budget() -> Budget:
    """Nothing kept yet."""
    return Budget()


def test_a_descriptor_is_kept_and_content_is_new(tree: Tree, budget: Budget) -> None:
    """Each read regenerates the content; closing gives the budget back."""
    tree.put("sys/x", "1\n")
    attribute = Attribute(budget, f"{tree.sys}/x")
    assert attribute.maybe_read() == b"1\n"
    tree.put("sys/x", "2\n")
    assert attribute.maybe_read() == b"2\n"
    assert budget.kept == 1
    attribute.close()
    attribute.close()
    assert budget.kept == 0


def test_what_is_not_there_is_none(tree: Tree, budget: Budget) -> None:
    """And keeps nothing."""
    assert Attribute(budget, f"{tree.sys}/x").maybe_read() is None
    assert budget.kept == 0


def test_a_device_that_was_replaced(
    tree: Tree, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old descriptor gives ENODEV; the new device answers in the same read."""
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


def test_an_attribute_that_refuses(
    tree: Tree, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """speed gives EINVAL when the link is down: None, and nothing stays open."""
    tree.put("sys/x", "1\n")

    def pread(_fd: int, _size: int, _offset: int) -> bytes:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "pread", pread)
    assert Attribute(budget, f"{tree.sys}/x").maybe_read() is None
    assert budget.kept == 0


def test_beyond_the_budget_nothing_is_kept(
    tree: Tree, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then an attribute is opened for each read, with the same result."""
    monkeypatch.setattr(attributes, "MOST_KEPT", 1)
    tree.put("sys/x", "1\n")
    first, second = (Attribute(budget, f"{tree.sys}/x") for _ in range(2))
    assert [first.maybe_read(), second.maybe_read(), second.maybe_read()] == [b"1\n"] * 3
    assert budget.kept == 1
    first.close()
    assert second.maybe_read() == b"1\n"
    assert budget.kept == 1
    second.close()


def test_reading_once(tree: Tree) -> None:
    """Whole, however large; None where it may be missing and is."""
    tree.put("proc/x", b"y" * 50_000)
    assert read_once(f"{tree.proc}/x") == b"y" * 50_000
    assert maybe_read_once(f"{tree.proc}/nowhere") is None
