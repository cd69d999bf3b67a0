"""Every source of the program, in one visible table, in the order of the wire.

A source has a ``name``, which is its section's, and ``collect(now)``, which returns the section's record, a ``Stale``
one, or None where this host has no such thing. What it raises costs its own section only. One that holds descriptors or
workers of its own has ``close()``, too, after which it may be asked again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..attributes import read_once
from ..blocking import Blocking
from ..clock import Now
from ..files import Files
from . import (
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


class Source(Protocol):
    """What the collector asks each tick. ``collect`` runs on the collecting thread and must not wait."""

    @property
    def name(self) -> str: ...

    def collect(self, now: Now) -> object | None: ...


@runtime_checkable
class Closeable(Protocol):
    """A source that holds something."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the sources leave open."""

    filesystem_types: frozenset[str] = frozenset()  # shown besides local disks: "nfs4", ...
    process_rows: int | None = 15  # by CPU, and as many by memory; None: all processes
    # How long one collect() may wait for what may block (mounts, sensors, TCP states). The ticking program never waits;
    # one that takes a single sample wants it whole.
    patience_seconds: float = 0.0
    statvfs: Callable[[str], filesystem.Statvfs] = os.statvfs


# Section name -> its record, or a tuple of them. The wire, the decoder and docs/metrics.md follow this table.
RECORDS: dict[str, Any] = {
    "cpu": cpu.Cpu,
    "load": load.Load,
    "memory": memory.Memory,
    "swap": memory.Swap,
    "pressure": pressure.Pressure,
    "disks": tuple[disk.Disk, ...],
    "disk": disk.DiskTotals,
    "filesystems": tuple[filesystem.Filesystem, ...],
    "interfaces": tuple[network.Interface, ...],
    "network": network.Network,
    "sockets": tcp.Sockets,
    "tcp": tcp.Tcp,
    "udp": tcp.Udp,
    "processes": process.Processes,
    "temperatures": tuple[temperature.Temperature, ...],
    "system": host.System,
    "cgroup": cgroup.Cgroup,
    "self": own.Own,
}

# Collected only while somebody wants them. (The section tcp has a dear part, ``states``, and asks now.wanted itself.)
DEAR = frozenset({"processes"})


def build_sources(files: Files, stats: own.SelfStats, options: Options) -> tuple[Source, ...]:
    """All sources of one collector."""
    patience = options.patience_seconds
    disks = disk.DisksSource(files)
    speeds: Blocking[str, bytes] = Blocking(
        "ts-link-speed", read_once, files.clock, patience_seconds=patience
    )
    interfaces = network.InterfacesSource(files, speeds)
    return (
        cpu.CpuSource(files),
        load.LoadSource(files),
        memory.MemorySource(files),
        memory.SwapSource(files),
        pressure.PressureSource(files),
        disks,
        disk.DiskTotalsSource(disks),
        filesystem.FilesystemsSource(
            files, also=options.filesystem_types, statvfs=options.statvfs, patience_seconds=patience
        ),
        interfaces,
        network.NetworkSource(interfaces),
        tcp.SocketsSource(files),
        tcp.TcpSource(files, patience_seconds=patience),
        tcp.UdpSource(files),
        process.ProcessesSource(files, rows=options.process_rows),
        temperature.TemperaturesSource(files, patience_seconds=patience),
        host.SystemSource(files),
        cgroup.CgroupSource(files),
        own.SelfSource(files, stats),
    )
