"""What every number means: the one table behind docs/metrics.md, the help texts of the Prometheus page and the records'
own docstrings, which it completes when it is imported. Nothing of the running program needs it before somebody asks.

A group is a record of the wire. Which one, its path says: RECORDS is the one list. ``definitions_of`` checks that its
table and its record have the same fields, so neither can drift. Units are in the names; null is "not known" everywhere,
0 a measured zero.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .meanings import MEANINGS, NULLS, UNITS
from .sources import RECORDS


@dataclass(frozen=True, slots=True)
class Group:
    """One record: where it is on the wire (``[]``: a list of them), and how Prometheus names it.

    ``labels`` tell its rows apart: a label's name and the field that it is (``*``: that part of the path).
    ``enumerates`` names a label whose values are the fields.
    """

    path: str
    source: str
    prefix: str
    labels: Mapping[str, str] = field(default_factory=dict)
    enumerates: str | None = None

    @property
    def record(self) -> type:
        """What stands at the path."""
        return record_at(self.path)


@functools.cache
def record_at(path: str) -> type:
    """The record at a place on the wire, as the types of RECORDS have it. KeyError or ValueError: there is none."""
    name, *parts = path.replace("[]", "").split(".")
    record = _record_in(RECORDS[name])
    for part in parts:
        hints = typing.get_type_hints(record)
        record = _record_in(next(iter(hints.values())) if part == "*" else hints[part])
    return record


def _record_in(hint: Any) -> type:
    """The record of ``Record``, ``Record | None`` or ``tuple[Record, ...]``."""
    arms: tuple[type, ...] = (hint, *typing.get_args(hint))
    (record,) = (arm for arm in arms if dataclasses.is_dataclass(arm))
    return record


GROUPS = (
    Group("cpu", "/proc/stat", "node_cpu"),
    Group("cpu.cores[]", "/proc/stat", "node_cpu_core", {"cpu": "id"}),
    Group("load", "/proc/loadavg, /proc/stat", "node_load"),
    Group("memory", "/proc/meminfo", "node_memory"),
    Group("swap", "/proc/meminfo, /proc/vmstat", "node_swap"),
    Group("pressure.*", "/proc/pressure/*", "node_pressure", {"resource": "*"}),
    Group("disks[]", "/proc/diskstats", "node_disk", {"device": "name"}),
    Group("disk", "the counted disks", "node_disks"),
    Group(
        "filesystems[]",
        "/proc/self/mountinfo, statvfs",
        "node_filesystem",
        {name: name for name in ("mountpoint", "device", "fstype")},
    ),
    Group("interfaces[]", "/proc/net/dev, /sys/class/net", "node_network", {"interface": "name"}),
    Group("network", "the counted interfaces", "node_networks"),
    Group("sockets", "/proc/net/sockstat", "node_sockets"),
    Group("tcp", "/proc/net/sockstat, sockstat6, snmp", "node_tcp"),
    Group("tcp.states", "sock_diag, /proc/net/tcp, tcp6", "node_tcp_states", enumerates="state"),
    Group("udp", "/proc/net/sockstat, sockstat6", "node_udp"),
    Group("processes", "/proc/PID/stat", "node_processes"),
    Group("processes.by_state", "/proc/PID/stat", "node_processes_by_state", enumerates="state"),
    Group("processes.top[]", "/proc/PID/stat", ""),
    Group(
        "temperatures[]",
        "/sys/class/hwmon, /sys/class/thermal",
        "node_temperature",
        {name: name for name in ("chip", "device", "sensor", "label")},
    ),
    Group("system", "/proc/uptime, /proc/stat", "node"),
    Group("cgroup", "/sys/fs/cgroup", "node_cgroup"),
    Group("self", "this process", "telemetry_stream"),
)

Kind = Literal["gauge", "counter"]

# Prometheus wants base units: how a field's unit ends, what it becomes, the factor, and the kind.
BASE_UNITS: tuple[tuple[str, str, float, Kind], ...] = (
    ("_percent_of_host", "_of_host_ratio", 0.01, "gauge"),
    ("_percent", "_ratio", 0.01, "gauge"),
    ("_total_us", "_seconds_total", 1e-6, "counter"),
    ("_ms", "_seconds", 1e-3, "gauge"),
    ("_mbps", "_bytes_per_second", 125_000.0, "gauge"),
    ("_unix", "_timestamp_seconds", 1.0, "gauge"),
)
# Names that it keeps for other kinds: _count and _total belong to histograms and counters.
RENAMED = {
    "node_cpu_online_count": "node_cpu_online_cores",
    "node_processes_total": "node_processes",
}
# Counts of ours that only rise. The host's are rates by the time they get here, which are gauges.
OWN_COUNTERS = frozenset({"frames_sent", "frames_dropped", "frames_refused", "ticks_missed"})
# How a name ends that tells its unit.
UNIT_IN_NAME = re.compile(
    r"(^|_)(bytes|percent|percent_of_host|seconds|ms|us|celsius|per_second|cores)$"
)
# Fields that are groups of their own.
PARTS = frozenset({"cores", "states", "by_state", "top"})


@dataclass(frozen=True, slots=True)
class Definition:
    """One field of a group.

    ``unit`` is empty where the name tells it. ``prometheus``, the name as it stands on the page, is None for what is no
    number, a label, or a matter of the moment.
    """

    name: str
    unit: str
    meaning: str
    prometheus: str | None = None
    kind: Kind = "gauge"
    factor: float = 1.0  # from the field's unit to that of the page


def definitions_of(group: Group) -> tuple[Definition, ...]:
    """Every field in the record's order. KeyError when the table lacks one or has one too many."""
    meanings = MEANINGS[group.path]
    fields = [of for of in dataclasses.fields(group.record) if of.name not in PARTS]
    names = {of.name for of in fields}
    if names != meanings.keys():
        raise KeyError(
            f"{group.path}: the table and the record differ in {names ^ meanings.keys()}"
        )
    return tuple(
        _definition(group, of.name, str(of.type).partition(" |")[0], meanings[of.name])
        for of in fields
    )


def _definition(group: Group, name: str, type_name: str, meaning: str) -> Definition:
    unit = _unit(group, name, type_name)
    if not group.prefix or name in group.labels.values() or type_name == "str":
        return Definition(name, unit, meaning)
    if group.enumerates:
        return Definition(name, unit, meaning, group.prefix)
    page_name = f"{group.prefix}_{name}"
    if group.path == "self" and name in OWN_COUNTERS:
        return Definition(name, unit, meaning, f"{page_name}_total", "counter")
    for ending, base, factor, kind in BASE_UNITS:
        if page_name.endswith(ending):
            return Definition(
                name, unit, meaning, page_name.removesuffix(ending) + base, kind, factor
            )
    return Definition(name, unit, meaning, RENAMED.get(page_name, page_name))


def _unit(group: Group, name: str, type_name: str) -> str:
    """KeyError for a number that neither its name nor the table gives a unit."""
    if type_name in ("str", "bool"):
        return {"str": "text", "bool": "true or false"}[type_name]
    if UNIT_IN_NAME.search(name):
        return ""
    units = UNITS[group.path]
    return units["*"] if "*" in units else units[name]


DEFINITIONS: Mapping[str, tuple[Definition, ...]] = {
    group.path: definitions_of(group) for group in GROUPS
}


def _complete_docstrings() -> None:
    """Give each record the meaning of its fields, for help() and editors that run code."""
    for group in GROUPS:
        lines = [f"{of.name}: {of.meaning}" for of in DEFINITIONS[group.path]]
        if "Fields:" not in (group.record.__doc__ or ""):
            group.record.__doc__ = f"{group.record.__doc__}\n\nFields:\n" + "\n".join(lines)


_complete_docstrings()

HEAD = """# Metrics

Every number of a sample: its name on the wire and in Python, what it means, and its name on the Prometheus page.
This file is generated from `telemetry_stream/metrics/` (`definitions.py`, `meanings.py`) by `scripts/update-golden`; a
test holds it.

- **null is not zero.** null is "not known": the first sample, a new device, a reset, a missing file, no permission.
  0 is a measured zero. No count, rate or percentage is negative, and none is above 100 % but where 100 is one core.
- Rates divide by the measured time between two reads of the same file, by the monotonic clock. A counter that falls
  was reset: its rate is null once. Totals are sums of valid rates, never the difference of two sums.
- Units are in the names: `_bytes`, `_percent` (0 to 100), `_seconds`, `_ms`, `_us`, `_celsius`, `_per_second`. The
  column "unit" has what the name does not tell.
- Prometheus gets base units: percent become ratios, milliseconds seconds, Mbit/s bytes per second. What ends in
  `_total` is a counter, all else a gauge, rates too. What is null has no series.
- `sources` tells for each section how it came about: `ok`, `absent` (this host has none), `failed` (and why), `stale`
  (and since when), `psutil` (and why the file did not do).
- Processes and TCP states are collected only while somebody asks for them.
"""


def document() -> str:
    """docs/metrics.md, whole."""
    parts = [HEAD]
    for group in GROUPS:
        parts.append(
            f"\n## {group.path}\n\nFrom {group.source}. {NULLS.get(group.path, '')}".rstrip()
        )
        parts.append("\n\n| field | unit | meaning | Prometheus |\n|---|---|---|---|\n")
        label_of = {name: label for label, name in group.labels.items()}
        for of in DEFINITIONS[group.path]:
            shown = f"`{of.prometheus}{_labels(group, of)}`" if of.prometheus else ""
            if of.name in label_of:
                shown = f"label `{label_of[of.name]}`"
            parts.append(f"| `{of.name}` | {of.unit} | {of.meaning} | {shown} |\n")
    return "".join(parts)


def _labels(group: Group, of: Definition) -> str:
    if group.enumerates:
        return f'{{{group.enumerates}="{of.name}"}}'
    return "{" + ",".join(group.labels) + "}" if group.labels else ""
