"""Helpers to collect from the psutil sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from telemetry_stream.metrics.fallback import psutil_sources
from telemetry_stream.metrics.setup import SelfStats
from telemetry_stream.metrics.source import Options
from tests.metrics.trees import Tree


def sources(tree: Tree, psutil: Any, **options: Any) -> dict[str, Any]:
    """Return the psutil source of each section."""
    found = psutil_sources(psutil, tree.clock, SelfStats(), Options(**options))
    return {of.name: of for of in found}


def source(tree: Tree, psutil: Any, section: str) -> Any:
    """Return the psutil source of one section."""
    return sources(tree, psutil)[section]


def pair(tree: Tree, of: Any, *, between: Callable[[], None]) -> Any:
    """Return the second of two sections of a source, a second apart."""
    of.collect(tree.tick())
    between()
    return of.collect(tree.tick())
