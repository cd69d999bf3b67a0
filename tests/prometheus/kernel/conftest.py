"""Fixtures of the areas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.metrics.trees import Tree
from tests.prometheus.areas import MadeHost


@pytest.fixture
def made(tmp_path: Path) -> MadeHost:
    """A host without files."""
    return MadeHost(Tree(tmp_path))
