"""A made-up host for the tests of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

from telemetry_stream.metrics.fallback import devices, host, processes
from tests.metrics.trees import Tree

# A loaded machine may take its time over one example: pytest's own timeout is the limit.
settings.register_profile("metrics", deadline=None)
settings.load_profile("metrics")


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """An empty host whose descriptors are given back."""
    made = Tree(tmp_path / "host")
    yield made
    made.close()


@pytest.fixture
def psutil(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands in for psutil: a test fills in what it needs."""
    made = SimpleNamespace()
    for module in (devices, host, processes):
        monkeypatch.setattr(module, "load_psutil", lambda: made)
    return made
