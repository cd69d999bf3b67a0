"""Attributes of devices, and the budget of descriptors for them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given

from telemetry_stream.metrics.attributes import (
    MAX_KEPT_OPEN,
    MOST_TEXT,
    Attribute,
    Budget,
    maybe_read_once,
    maybe_text,
    names_in,
    parse_cpu_list,
    read_once,
    readable,
)
from tests.metrics.trees import Tree, odd


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


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"0-3,8\n", {0, 1, 2, 3, 8}),
        (b"5", {5}),
        (b"", set()),
        (b"x,1-y,-3,2", {2}),
        (b"9-3", set()),
    ],
)
def test_lists_of_cores(content: bytes, expected: set[int]) -> None:
    """What is no number or range is left out."""
    assert parse_cpu_list(content) == expected


@given(odd(b"0-3,8\n"))
def test_any_list_of_cores_is_harmless(content: bytes) -> None:
    """A range has no end that would take all memory."""
    assert len(parse_cpu_list(content)) <= 8193 * max(1, content.count(b",") + 1)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b" Core 0\n", "Core 0"),
        (b"\xff\n", "\N{REPLACEMENT CHARACTER}"),
        (b"x" * 999, "x" * MOST_TEXT),
        (b" \n", None),
        (None, None),
    ],
)
def test_a_text_is_stripped_and_cut(content: bytes | None, expected: str | None) -> None:
    """An empty one is none at all."""
    assert maybe_text(content) == expected


def test_names_of_any_bytes_are_sorted_and_readable(tmp_path: Path) -> None:
    """A directory that does not exist has no names."""
    for name in (b"b", b"a\xff"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    names = names_in(str(tmp_path))
    assert [readable(name) for name in names] == ["a\N{REPLACEMENT CHARACTER}", "b"]
    assert names_in(str(tmp_path / "none")) == []
