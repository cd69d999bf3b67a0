"""Whatever a counter of a captured host does, no published number is impossible, and only its own field is affected."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.metrics import counters
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import encode_section
from telemetry_stream.metrics.setup import SelfStats
from telemetry_stream.metrics.source import Clock, Options
from tests.metrics.replay import HOSTS, TIMES, host_names, lay
from tests.metrics.trees import SIGNED, UNBOUNDED

NUMBER = re.compile(rb"(?<![\w.])\d+(?:\.\d+)?(?![\w.:])")
# The files of counters, and the sections that they may affect.
FILES = {
    "proc/stat": {"cpu", "load", "system", "processes", "cgroup"},
    "proc/loadavg": {"load"},
    "proc/meminfo": {"memory", "swap", "cgroup", "processes"},
    "proc/vmstat": {"swap"},
    "proc/diskstats": {"disks", "disk"},
    "proc/net/dev": {"interfaces", "network"},
    "proc/net/snmp": {"tcp"},
    "proc/net/sockstat": {"sockets", "tcp", "udp"},
    "proc/net/sockstat6": {"tcp", "udp"},
    "proc/pressure/cpu": {"pressure"},
    "proc/pressure/memory": {"pressure"},
    "proc/pressure/io": {"pressure"},
    "proc/uptime": {"system"},
}
# The limits of what a machine can do, in the unit of the name.
LIMITS = {
    "_bytes_per_second": counters.BYTES.per_second * 64,  # of all devices together
    "_per_second": counters.EVENTS.per_second,
    "_bytes": counters.MOST_MEMORY_BYTES,
    "_ms": counters.MOST_AFTER_WRAP,
}


def changes(number: int) -> dict[str, bytes]:
    """Return what may become of a counter."""
    return {
        "falls by one": b"%d" % max(0, number - 1),
        "wraps at 2^32": b"%d" % (number % 7),
        "jumps": b"%d" % (number + (1 << 45)),
        "2^63": b"%d" % (1 << 63),
        "2^64 - n": b"%d" % ((1 << 64) - 1 - number % 1000),
        "2^32 - n": b"%d" % ((1 << 32) - 1 - number % 1000),
        "negative": b"-%d" % (number + 1),
        "empty": b"",
        "garbage": b"x",
    }


A_CORE = re.compile(rb"^cpu\d", re.MULTILINE)
# Files that are nothing without one of their numbers, or a line of it.
SINGLE = ("proc/uptime", "proc/loadavg", "proc/vmstat")
KINDS = (*changes(0), "vanishes")


# They are read on workers, so that one sample has them and another does not, and from other files.
IGNORED = ("filesystems", "gpus", "power", "temperatures", "units")


class Replay:
    """A captured host whose second sample has one file changed."""

    def __init__(self, name: str, tree: Path) -> None:
        self._host = HOSTS / name
        self._tree = tree
        self._clocks: dict[str, float] = {}
        self._clock = Clock(
            *(lambda key=key: self._clocks[key] for key in ("monotonic", "boottime", "realtime"))
        )
        self.contents = {
            time: {
                path: (self._host / time / path).read_bytes()
                for path in FILES
                if (self._host / time / path).exists()
            }
            for time in TIMES
        }
        lay(self._host / "t0", tree)
        # Only the counters change between the samples.
        self.unchanged = self.second_sample()

    def second_sample(self, path: str = "", content: bytes = b"") -> dict[str, Any]:
        """Return the sections of the second sample. In it, the file ``path`` has ``content``."""
        collector = sample = None
        try:
            for time in TIMES:
                for each, its_content in self.contents[time].items():
                    (self._tree / each).write_bytes(its_content)
                self._clocks.update(json.loads((self._host / time / "clock.json").read_text()))
                if collector is None:
                    collector = Collector(
                        proc_root=str(self._tree / "proc"),
                        sys_root=str(self._tree / "sys"),
                        clock=self._clock,
                        self_stats=SelfStats(cpu_seconds=lambda: 0.0),
                        options=Options(statvfs=lambda _path: os.statvfs("/")),
                    )
                elif path:
                    (self._tree / path).write_bytes(content)
                sample = collector.collect()
        finally:
            if collector is not None:
                collector.close()
        assert sample is not None
        sections = {
            name: json.loads(encode_section(section))
            for name, section in sample.sections.items()
            if name not in IGNORED
        }
        for row in sections.get("interfaces", ()):
            del row["speed_mbps"]
        sections["states"] = {name: state.state for name, state in sample.sources.items()}
        return sections


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every plain value with its path; rows by their identity."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            name = item.get("name", item.get("id", item.get("pid", number)))
            yield from leaves(item, (*path, str(name)))
    else:
        yield path, value


def assert_possible(sections: dict[str, Any], right: dict[str, Any]) -> None:
    """Assert that each number is possible, and not 0 where it was not measured."""
    total = right["memory"]["total_bytes"]
    memory = sections.get("memory", {})
    for path, value in leaves(sections):
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        name = path[-1]
        assert math.isfinite(value), (path, value)
        assert value >= 0 or name in SIGNED, (path, value)
        if name.endswith("_percent") and name not in UNBOUNDED:
            assert value <= 100, (path, value)
        limit = next((most for suffix, most in LIMITS.items() if name.endswith(suffix)), math.inf)
        assert value <= limit, (path, value)
        if path[0] == "memory" and name != "zfs_arc_bytes" and memory["total_bytes"] == total:
            assert value <= total, (path, value)


def affected(sections: dict[str, Any], right: dict[str, Any]) -> set[tuple[str, ...]]:
    """Return the paths of the values that are not those of the unchanged host."""
    now, then = dict(leaves(sections)), dict(leaves(right))
    return {path for path in now.keys() | then.keys() if now.get(path) != then.get(path)}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replay]:
    """The captured hosts."""
    root = tmp_path_factory.mktemp("hosts")
    for name in host_names():
        (root / name).mkdir()
    return {name: Replay(name, root / name) for name in host_names()}


@settings(max_examples=150)
@given(
    name=st.sampled_from(host_names()),
    path=st.sampled_from(sorted(FILES)),
    place=st.floats(0, 1, exclude_max=True),
    kind=st.sampled_from(KINDS),
)
def test_one_number_that_changes_affects_only_its_fields(
    hosts: dict[str, Replay], name: str, path: str, place: float, kind: str
) -> None:
    """It falls by one, wraps, jumps, vanishes with its line, is 2^63 or 2^64 - n, empty or garbage."""
    host = hosts[name]
    content = host.contents["t1"].get(path)
    if content is None:
        return
    found = list(NUMBER.finditer(content))
    number = int(place * len(found))
    start, end = found[number].span()
    # What the counter was in the first sample, if the files have the same lines.
    before = NUMBER.findall(host.contents["t0"].get(path, b""))
    counter = before[number] if len(before) == len(found) else found[number].group()
    if kind == "vanishes":
        start = content.rfind(b"\n", 0, start) + 1
        end = content.find(b"\n", end) + 1
        changed = content[:start] + content[end:]
    else:
        changed = content[:start] + changes(int(float(counter)))[kind] + content[end:]
    sections = host.second_sample(path, changed)
    assert_possible(sections, host.unchanged)
    wrong = affected(sections, host.unchanged)
    assert {where[0] for where in wrong} - {"states"} <= FILES[path], wrong
    # A file of one number has nothing else to show, and /proc/stat of one core nothing about cores without its line.
    is_nothing_left = path in SINGLE or (path == "proc/stat" and not A_CORE.search(changed))
    assert "failed" not in sections["states"].values() or is_nothing_left
    # Without the last interface that has a device, others are counted.
    rows = {
        where[:2]
        for where in wrong
        if where[0] in ("disks", "interfaces") and where[-1] != "counted"
    }
    assert len(rows) <= 1, wrong


@pytest.mark.parametrize("name", host_names())
def test_a_file_without_content_loses_only_its_fields(hosts: dict[str, Replay], name: str) -> None:
    """Each file of counters in turn. The sections of other files are those of the whole host."""
    host = hosts[name]
    for path in host.contents["t1"]:
        sections = host.second_sample(path, b"")
        assert_possible(sections, host.unchanged)
        wrong = affected(sections, host.unchanged)
        assert {where[0] for where in wrong} - {"states"} <= FILES[path], path
