"""The lines of one area of the Prometheus page, from a made-up host."""

from __future__ import annotations

from collections.abc import Iterable

from telemetry_stream.prometheus.exposition import PLAIN, Family, Fields, render
from telemetry_stream.prometheus.kernel import AREAS, SLOW_AREAS
from telemetry_stream.prometheus.kernel.host import Host
from tests.metrics.trees import Tree


def lines(families: Iterable[Family | Fields]) -> list[str]:
    """Return the series as text, without comments."""
    text = render(families, PLAIN).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


class MadeHost:
    """A tree whose areas are read."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.host = Host(tree.proc, tree.sys, tree.clock)

    def put(self, path: str, content: str | bytes) -> None:
        """Write ``proc/...`` or ``sys/...``."""
        self.tree.put(path, content)

    def put_all(self, directory: str, files: dict[str, str]) -> None:
        """Write the files of a directory, each with a newline at its end."""
        for name, content in files.items():
            self.tree.put(f"{directory}/{name}", f"{content}\n")

    def families(self, area: str) -> list[Family | Fields]:
        """Return the families of an area. Raises what its function raises."""
        return list({**AREAS, **SLOW_AREAS}[area](self.host))

    def lines(self, area: str) -> list[str]:
        """Return the series of an area."""
        return lines(self.families(area))
