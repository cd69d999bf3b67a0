"""What every number means: the one table behind docs/metrics.md, the help texts of the Prometheus page and the records'
own docstrings, which it completes when it is imported. Nothing of the running program needs it before somebody asks.

A group is a record of the wire; ``definitions_of`` checks that its table and its record have the same fields, so
neither can drift. Units are in the names; null is "not known" everywhere, 0 a measured zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from .meanings import MEANINGS
from .sources import (
    cgroup,
    cpu,
    disk,
    filesystem,
    host,
    load,
    memory,
    network,
    own,
    pressure,
    process,
    tcp,
    temperature,
)
from .sources.tcp_states import TcpStates


@dataclass(frozen=True, slots=True)
class Group:
    """One record: where it is on the wire (``[]``: a list of them), and how Prometheus names it.

    ``labels`` are fields that tell its rows apart; ``enumerates`` names a label whose values are the fields.
    """

    path: str
    record: type
    source: str
    prefix: str
    labels: tuple[str, ...] = ()
    enumerates: str | None = None


GROUPS = (
    Group("cpu", cpu.Cpu, "/proc/stat", "node_cpu"),
    Group("cpu.cores[]", cpu.Core, "/proc/stat", "node_cpu_core", ("id",)),
    Group("load", load.Load, "/proc/loadavg, /proc/stat", "node_load"),
    Group("memory", memory.Memory, "/proc/meminfo", "node_memory"),
    Group("swap", memory.Swap, "/proc/meminfo, /proc/vmstat", "node_swap"),
    Group("pressure.*", pressure.Stalls, "/proc/pressure/*", "node_pressure", ("resource",)),
    Group("disks[]", disk.Disk, "/proc/diskstats", "node_disk", ("name",)),
    Group("disk", disk.DiskTotals, "the counted disks", "node_disks"),
    Group(
        "filesystems[]",
        filesystem.Filesystem,
        "/proc/self/mountinfo, statvfs",
        "node_filesystem",
        ("mountpoint", "device", "fstype"),
    ),
    Group(
        "interfaces[]",
        network.Interface,
        "/proc/net/dev, /sys/class/net",
        "node_network",
        ("name",),
    ),
    Group("network", network.Network, "the counted interfaces", "node_networks"),
    Group("sockets", tcp.Sockets, "/proc/net/sockstat", "node_sockets"),
    Group("tcp", tcp.Tcp, "/proc/net/sockstat, sockstat6, snmp", "node_tcp"),
    Group(
        "tcp.states",
        TcpStates,
        "sock_diag, /proc/net/tcp, tcp6",
        "node_tcp_states",
        enumerates="state",
    ),
    Group("udp", tcp.Udp, "/proc/net/sockstat, sockstat6", "node_udp"),
    Group("processes", process.Processes, "/proc/PID/stat", "node_processes"),
    Group(
        "processes.by_state",
        process.ProcessStates,
        "/proc/PID/stat",
        "node_processes_by_state",
        enumerates="state",
    ),
    Group("processes.top[]", process.Process, "/proc/PID/stat", ""),
    Group(
        "temperatures[]",
        temperature.Temperature,
        "/sys/class/hwmon, /sys/class/thermal",
        "node_temperature",
        ("chip", "device", "sensor", "label"),
    ),
    Group("system", host.System, "/proc/uptime, /proc/stat", "node"),
    Group("cgroup", cgroup.Cgroup, "/sys/fs/cgroup", "node_cgroup"),
    Group("self", own.Own, "this process", "telemetry_stream"),
)

# Prometheus wants base units: how a field's unit ends, what it becomes, and the factor.
BASE_UNITS = (
    ("_percent_of_host", "_of_host_ratio", 0.01),
    ("_percent", "_ratio", 0.01),
    ("_total_us", "_seconds_sum", 1e-6),
    ("_ms", "_seconds", 1e-3),
    ("_mbps", "_bits_per_second", 1e6),
    ("_unix", "_timestamp_seconds", 1.0),
)


@dataclass(frozen=True, slots=True)
class Definition:
    """One field of a group. ``prometheus`` is None for what is no number, a label, or a matter of the moment."""

    name: str
    meaning: str
    prometheus: str | None
    factor: float = 1.0


def definitions_of(group: Group) -> tuple[Definition, ...]:
    """Every field in the record's order. KeyError when the table lacks one or has one too many."""
    meanings = MEANINGS[group.path]
    fields = [field for field in dataclasses.fields(group.record) if field.name not in PARTS]
    names = [field.name for field in fields]
    if set(names) != meanings.keys():
        raise KeyError(
            f"{group.path}: the table and the record differ in {set(names) ^ meanings.keys()}"
        )
    return tuple(_definition(group, field, meanings[field.name]) for field in fields)


# Fields that are groups of their own.
PARTS = frozenset({"cores", "states", "by_state", "top"})


def _definition(group: Group, field: dataclasses.Field[object], meaning: str) -> Definition:
    is_number = "int" in str(field.type) or "float" in str(field.type) or field.type == "bool"
    if not group.prefix or field.name in group.labels or not is_number:
        return Definition(field.name, meaning, None)
    if group.enumerates:
        return Definition(field.name, meaning, group.prefix)
    name, factor = f"{group.prefix}_{field.name}", 1.0
    for ending, base, scale in BASE_UNITS:
        if name.endswith(ending):
            name, factor = name.removesuffix(ending) + base, scale
            break
    return Definition(field.name, meaning, name, factor)


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
This file is generated from `telemetry_stream/metrics/meanings.py` by `scripts/update-golden`; a test holds it.

- **null is not zero.** null is "not known": the first sample, a new device, a reset, a missing file, no permission.
  0 is a measured zero. No count, rate or percentage is negative, and none is above 100 % but where 100 is one core.
- Rates divide by the measured time between two reads of the same file, by the monotonic clock. A counter that falls
  was reset: its rate is null once. Totals are sums of valid rates, never the difference of two sums.
- Units are in the names: `_bytes`, `_percent` (0 to 100), `_seconds`, `_ms`, `_us`, `_celsius`, `_per_second`; no unit
  is a count. Prometheus gets base units: percent become ratios, milliseconds seconds.
- `sources` tells for each section how it came about: `ok`, `absent` (this host has none), `failed` (and why), `stale`
  (and since when), `psutil` (and why the file did not do).
- Processes and TCP states are collected only while somebody asks for them.
"""


def document() -> str:
    """docs/metrics.md, whole."""
    parts = [HEAD]
    for group in GROUPS:
        parts.append(
            f"\n## {group.path}\n\nFrom {group.source}.\n\n| field | meaning | Prometheus |\n|---|---|---|\n"
        )
        labels = ", ".join(group.labels)
        for of in DEFINITIONS[group.path]:
            shown = of.prometheus and f"`{of.prometheus}{_labels(group, of)}`"
            parts.append(
                f"| `{of.name}` | {of.meaning} | {shown or ('label' if of.name in labels else '')} |\n"
            )
    return "".join(parts)


def _labels(group: Group, of: Definition) -> str:
    if group.enumerates:
        return f'{{{group.enumerates}="{of.name}"}}'
    return "{" + ",".join(group.labels) + "}" if group.labels else ""
