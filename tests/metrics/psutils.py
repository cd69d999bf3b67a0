"""psutil's sources, and how the tests ask them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telemetry_stream.metrics.fallback import psutil_sources
from telemetry_stream.metrics.sources.own import SelfStats
from tests.metrics.trees import Tree


def source(tree: Tree, section: str) -> Any:
    """psutil's source of one section."""
    return {of.name: of for of in psutil_sources(tree.clock, SelfStats())}[section]


def pair(tree: Tree, of: Any, *, between: Callable[[], None]) -> Any:
    """The second of two answers, a second apart."""
    of.collect(tree.tick())
    between()
    return of.collect(tree.tick())
