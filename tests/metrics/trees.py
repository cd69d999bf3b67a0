"""A made-up host: a /proc and a /sys below a temporary directory, and clocks that move only when told."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.files import Files
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.source import Clock, Now, Options


class Tree:
    """Write files with ``put``, let time pass with ``tick``; ``files`` and ``collector`` read what is there."""

    def __init__(self, root: Path) -> None:
        self.proc = str(root / "proc")
        self.sys = str(root / "sys")
        self._root = root
        self._tick = 0
        self.monotonic = 1000.0
        self.boottime = 1000.0
        self.realtime = 1_764_000_000.0
        self._before: tuple[float, float] | None = None
        self.clock = Clock(lambda: self.monotonic, lambda: self.boottime, lambda: self.realtime)
        self.files = Files(self.proc, self.sys, self.clock)
        self._collectors: list[Collector] = []
        (root / "proc").mkdir(parents=True)
        (root / "sys").mkdir()

    def put(self, path: str, content: str | bytes) -> None:
        """Write ``proc/...`` or ``sys/...`` in place: open descriptors see the new content, as in the kernel."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def link(self, path: str, to: str) -> None:
        """Make ``path`` a symbolic link to ``to``, as sysfs is full of."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)

    def remove(self, path: str) -> None:
        """Take a file or an empty directory away, and the descriptors that would keep it alive."""
        target = self._root / path
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        else:
            target.unlink()
        self.close()

    def advance(self, seconds: float, *, slept: float = 0.0) -> None:
        """Let time pass, of which ``slept`` more in suspend."""
        self.monotonic += seconds
        self.boottime += seconds + slept
        self.realtime += seconds + slept

    def tick(
        self, seconds: float = 1.0, *, slept: float = 0.0, wanted: Collection[str] = ()
    ) -> Now:
        """The next tick, so much later, for a source that is asked without a collector."""
        self.advance(seconds, slept=slept)
        self._tick += 1
        return Now(
            self._tick, self.monotonic, self.boottime, self.realtime, frozenset(wanted), slept
        )

    def collector(self, **options: Any) -> Collector:
        """A collector of this host, without psutil unless told."""
        options.setdefault("fallback", ())
        collector = Collector(proc_root=self.proc, sys_root=self.sys, clock=self.clock, **options)
        self._collectors.append(collector)
        return collector

    def close(self) -> None:
        """Give every descriptor back."""
        self.files.close()
        for collector in self._collectors:
            collector.close()


class Host:
    """A collector on a tree, asked for everything."""

    def __init__(self, tree: Tree, **options: Any) -> None:
        self.tree = tree
        self.collector = tree.collector(
            options=Options(process_rows=None, timeout_seconds=10.0, **options)
        )
        self.collector.want(None, math.inf)

    def section(self, name: str, *, seconds: float = 1.0) -> Any:
        """One section of the next sample."""
        return self.sample(seconds=seconds).sections[name]

    def sample(self, *, seconds: float = 1.0) -> Sample:
        """The next sample."""
        self.tree.advance(seconds)
        return self.collector.collect()


def odd(*specimens: bytes) -> st.SearchStrategy[bytes]:
    """Any bytes, and specimens with stretches cut out, doubled or overwritten: what a parser must survive."""
    scraps = st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"-1", b" ", b"\n", b":", b"nan", b"inf", b"1e400", b"\xff", b"0", b"(", b")"]
        ),
        st.integers(0, 1 << 80).map(lambda number: str(number).encode()),
    )

    @st.composite
    def mutated(draw: st.DrawFn) -> bytes:
        content = draw(st.sampled_from(specimens))
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, len(content)))
            end = draw(st.integers(start, min(len(content), start + 12)))
            content = content[:start] + draw(scraps) + content[end:]
        return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content

    return st.one_of(st.binary(max_size=200), mutated())


# Shares of one core or one group's limit may pass 100 (metrics.md 0).
UNBOUNDED = {"cpu_percent", "cpu_usage_percent", "cpu_limit_used_percent"}
# The only numbers that may be below zero.
SIGNED = {"celsius", "high_celsius", "critical_celsius"}


def leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every plain value of a record with the name of its field."""
    if is_dataclass(value):
        for field in fields(value):
            yield from leaves(getattr(value, field.name), field.name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, name)
    else:
        yield name, value


def assert_sane(record: object) -> None:
    """No count, rate or percentage is negative, infinite or no number, and no percentage above 100."""
    for name, value in leaves(record):
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        assert math.isfinite(value), (name, value)
        if name not in SIGNED:
            assert value >= 0, (name, value)
        if name.endswith("_percent") and name not in UNBOUNDED:
            assert value <= 100, (name, value)


def is_root() -> bool:
    """Whether file modes mean nothing to us."""
    return os.geteuid() == 0
