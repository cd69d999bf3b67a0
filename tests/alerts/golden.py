"""Two hours of a captured host in which things go wrong, the captured hosts as they were, and the golden lists of what
the default rules report.

``scripts/update-golden`` writes the list.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from telemetry_stream.alerts.engine import Engine
from telemetry_stream.alerts.monitor import Monitor
from telemetry_stream.alerts.rules import load
from telemetry_stream.hub import Hub
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.metrics.sources.container_restarts import RECENT_SECONDS, ContainerRestarts
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.stream import Demand, HistoryLimits, Stream
from tests.alerts.samples import filesystem, sample
from tests.metrics.replay import host_names, replay

FRAME = Path(__file__).parent.parent / "fixtures" / "frames" / "alerts.json"
PATH = Path(__file__).parent.parent / "fixtures" / "alerts" / "golden.txt"
HOSTS_PATH = PATH.with_name("hosts.txt")
SECONDS = 2 * 3600
AS_CAPTURED_SECONDS = 900  # longer than any rule waits
STEP_SECONDS = 5
GIB = 2**30

Sections = dict[str, Any]


def _ramp(second: float, begin: float, end: float, low: float, high: float) -> float:
    """Return a number that rises from ``low`` to ``high`` between two seconds."""
    share = min(max((second - begin) / (end - begin), 0.0), 1.0)
    return low + share * (high - low)


def _is_between(second: int, *times: tuple[int, int]) -> bool:
    return any(begin <= second < end for begin, end in times)


def _filesystems(second: int, found: Sections) -> None:
    """The first one fills up within an hour, is cleaned at 6000 s, and is unmounted at 6600 s."""
    rows = found["filesystems"]
    if second >= 6600:
        found["filesystems"] = rows[1:]
        return
    percent = 20.0 if second >= 6000 else _ramp(second, 0, 5400, 40, 99)
    changed = replace(
        rows[0],
        used_percent=round(percent, 2),
        used_bytes=int(percent * GIB),
        available_bytes=int((100 - percent) * GIB),
        inodes_used_percent=10.0,
        read_only=False,
    )
    found["filesystems"] = (changed, *rows[1:])


def _pressure(second: int, found: Sections) -> None:
    """Disks stall for a quarter of an hour, memory for a minute; for a while the kernel reports nothing."""
    section = found["pressure"]
    io = replace(
        section.io,
        some_percent=25.0 if _is_between(second, (600, 1500)) else 1.0,
        full_percent=40.0 if _is_between(second, (900, 1000)) else 0.0,
    )
    memory = replace(
        section.memory,
        some_percent=8.0 if _is_between(second, (2000, 2100)) else 0.0,
        full_percent=15.0 if _is_between(second, (2050, 2060), (2070, 2090)) else 0.0,
    )
    found["pressure"] = replace(section, io=io, memory=memory, cpu=section.cpu)
    if _is_between(second, (1200, 1260)):
        del found["pressure"]


def _temperatures(second: int, found: Sections) -> None:
    """A sensor becomes hot, then critical, does not answer for a while, and cools down."""
    rows = found["temperatures"]
    celsius = 50.0 if second >= 3600 else _ramp(second, 2400, 3000, 50, 105)
    known = None if _is_between(second, (3100, 3300)) else round(celsius, 1)
    changed = replace(rows[0], celsius=known, high_celsius=80.0, critical_celsius=100.0)
    found["temperatures"] = (changed, *rows[1:])


def _cpu(second: int, found: Sections) -> None:
    """The hypervisor takes more and more, with a short pause."""
    steal = 0.5 if _is_between(second, (4300, 4305)) else _ramp(second, 4000, 4600, 0, 25)
    found["cpu"] = replace(found["cpu"], steal_percent=round(0.0 if second >= 4800 else steal, 1))


def _containers(second: int, found: Sections) -> None:
    """A container fails after each start and is restarted, later and later, until it runs."""
    times = [at for at in (5000, 5005, 5015, 5035) if at <= second]
    recent = [at for at in times if at > second - RECENT_SECONDS]
    row = ContainerRestarts("4f5a6b7c8d9e", "docker", "web", len(times), len(recent))
    found["container_restarts"] = (row,) if recent else ()


STORY: tuple[Callable[[int, Sections], None], ...] = (
    _filesystems,
    _pressure,
    _temperatures,
    _cpu,
    _containers,
)


def samples(workspace: Path) -> Iterator[Sample]:
    """Yield a sample for each second. At 1800 s the host is suspended for five minutes."""
    last = replay("server", workspace)[-1]
    for second in range(SECONDS):
        sections: Sections = dict(last.sections)
        for change in STORY:
            change(second, sections)
        suspended = 300 if second >= 1800 else 0
        yield replace(
            last,
            time_unix=1_764_000_000.0 + second + suspended,
            uptime_seconds=1000.0 + second + suspended,
            interval_seconds=1.0,
            sections=sections,
        )


def text() -> str:
    """Return a line for each alert that fires, changes its severity or resolves."""
    engine = Engine(load(""), gap_seconds=5.0)
    lines = []
    with tempfile.TemporaryDirectory() as workspace:
        for second, one in enumerate(samples(Path(workspace))):
            lines += [
                f"{second:5d} s  {alert.state:8}  {alert.severity:8}  {alert.rule}"
                f"{_shown(alert.labels)}: {alert.text}\n"
                for alert in engine.evaluate(one)
            ]
    return "".join(lines)


def hosts_text() -> str:
    """Return a line for each alert that fires on a captured host, if it stays as it was for a quarter of an hour."""
    lines = []
    with tempfile.TemporaryDirectory() as workspace:
        for name in host_names():
            engine = Engine(load(""), gap_seconds=STEP_SECONDS)
            last = replay(name, Path(workspace))[-1]
            begin = last.uptime_seconds or 0.0
            for second in range(0, AS_CAPTURED_SECONDS, STEP_SECONDS):
                one = replace(last, uptime_seconds=begin + second)
                lines += [
                    f"{name}: {second} s  {alert.severity}  {alert.rule}{_shown(alert.labels)}: {alert.text}\n"
                    for alert in engine.evaluate(one)
                ]
    return "".join(lines)


def frame() -> str:
    """Return the message ``alerts`` of a host whose disk is full, as JSON for people."""
    hub = Hub()
    frames: list[bytes] = []
    stream = Stream(hub, version="1", history=HistoryLimits(60))
    info = HostInfo("b3f1c2d4e5a69788", "ada", "6.12.48", None, 4, None)
    demand = Demand(
        default_sections=(), interval_seconds=1, idle_interval_seconds=0, on_interval=lambda _: None
    )
    feed = stream.add(info, section_names=(), demand=demand, run="5f0c9a3e71d24b865f0c9a3e71d24b86")
    monitor = Monitor(lambda: load(""), longest_interval_seconds=1, saved=None)
    hub.start()
    try:
        consumer = stream.attach("golden")
        full = filesystem("/srv", 93.2, device="/dev/sda1", available_bytes=12 * GIB)
        for second in range(42, 54):
            one = sample(second, filesystems=(full,))
            feed.publish_as(feed.id, second, one)
            monitor.note(feed, one)
        while not frames or b'"rule":"filesystem_full"' not in frames[-1]:
            frames.append(consumer.take(10.0) or b"")
        consumer.close()
    finally:
        hub.close()
    return json.dumps(json.loads(frames[-1]), indent=1, ensure_ascii=False) + "\n"


def _shown(labels: Mapping[str, str]) -> str:
    return (
        "{" + ",".join(f"{name}={value}" for name, value in labels.items()) + "}" if labels else ""
    )
