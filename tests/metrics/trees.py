"""A made-up host: a /proc and a /sys below a temporary directory, and clocks that only the test moves."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.files import Files
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.source import Clock, Now, Options


class Tree:
    """``put`` writes files, ``tick`` lets time pass, and ``files`` and ``collector`` read the tree."""

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
        """Write ``proc/...`` or ``sys/...`` in place, so that open descriptors read the new content."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def link(self, path: str, to: str) -> None:
        """Make ``path`` a symbolic link to ``to``."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)

    def remove(self, path: str) -> None:
        """Remove a file or an empty directory, and close the descriptors that would keep it alive."""
        target = self._root / path
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        else:
            target.unlink()
        self.close()

    def advance(self, seconds: float, *, slept: float = 0.0) -> None:
        """Let time pass, and in addition ``slept`` seconds in suspend."""
        self.monotonic += seconds
        self.boottime += seconds + slept
        self.realtime += seconds + slept

    def tick(
        self, seconds: float = 1.0, *, slept: float = 0.0, wanted: Collection[str] = ()
    ) -> Now:
        """Return the next tick, ``seconds`` later, for a source that is used without a collector."""
        self.advance(seconds, slept=slept)
        self._tick += 1
        return Now(
            self._tick, self.monotonic, self.boottime, self.realtime, frozenset(wanted), slept
        )

    def collector(self, **options: Any) -> Collector:
        """Return a collector of this host, by default without psutil. It waits for sources of an embedding program."""
        options.setdefault("fallback", ())
        if "extra_sources" in options:
            options.setdefault("options", Options(timeout_seconds=10.0))
        collector = Collector(proc_root=self.proc, sys_root=self.sys, clock=self.clock, **options)
        self._collectors.append(collector)
        return collector

    def close(self) -> None:
        """Close every descriptor."""
        self.files.close()
        for collector in self._collectors:
            collector.close()


class Host:
    """A collector on a tree that wants all sections and waits for its workers."""

    def __init__(self, tree: Tree, **options: Any) -> None:
        self.tree = tree
        self.collector = tree.collector(
            options=Options(process_rows=None, timeout_seconds=10.0, **options)
        )

    def section(self, name: str, *, seconds: float = 1.0) -> Any:
        """Return one section of the next sample."""
        return self.sample(seconds=seconds).sections[name]

    def sample(self, *, seconds: float = 1.0) -> Sample:
        """Return the next sample."""
        self.tree.advance(seconds)
        return self.collector.collect(self.collector.section_names)


def page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each read return a page at most, as the kernel does for a file of records."""
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: real(fd, min(size, 4000), offset))


_records: list[list[str]] = []


@functools.cache
def _install_hook() -> None:
    """Record what is opened or listed. An audit hook cannot be removed, so there is one for all tests."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if _records and event in ("open", "os.listdir"):
            for record in _records:
                record.append(str(arguments[0]))

    sys.addaudithook(hook)


@contextmanager
def opened_below(root: str) -> Iterator[list[str]]:
    """Yield the list of all paths below ``root`` that are opened or listed from now on, by any thread."""
    _install_hook()
    record: list[str] = []
    found: list[str] = []
    _records.append(record)
    try:
        yield found
    finally:
        _records.remove(record)
        found.extend(path for path in record if path.startswith(root))


def odd(*specimens: bytes) -> st.SearchStrategy[bytes]:
    """Generate any bytes, and specimens with parts cut out, doubled or overwritten."""
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


# Percentages of one core or of a limit may exceed 100.
UNBOUNDED = {"cpu_percent", "cpu_usage_percent", "cpu_limit_used_percent"}
# The only numbers that may be negative.
SIGNED = {"celsius", "high_celsius", "critical_celsius", "slowdown_celsius", "signal_dbm"}


def leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Yield every plain value of a record with the name of its field."""
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
    """Assert that no count, rate or percentage is negative or not finite, and no percentage is above 100."""
    for name, value in leaves(record):
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        assert math.isfinite(value), (name, value)
        if name not in SIGNED:
            assert value >= 0, (name, value)
        if name.endswith("_percent") and name not in UNBOUNDED:
            assert value <= 100, (name, value)
