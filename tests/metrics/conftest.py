"""Fixtures for the tests of metrics: a made-up host, and a stand-in for psutil."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.metrics.trees import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """An empty host. Its descriptors are closed after the test."""
    made = Tree(tmp_path / "host")
    yield made
    made.close()


@pytest.fixture
def psutil() -> SimpleNamespace:
    """A stand-in for psutil, to which a test adds the functions that it needs."""
    return SimpleNamespace()
