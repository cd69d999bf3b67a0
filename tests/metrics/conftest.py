"""A made-up host for the tests of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.trees import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """An empty host whose descriptors are given back."""
    made = Tree(tmp_path / "host")
    yield made
    made.close()
