"""Every source of the program, in one visible table, in the order of the wire.

A source has a ``name``, which is its section's, and ``collect(now)``, which returns the section's record, a ``Stale``
one, or None where this host has no such thing. What it raises costs its own section only. One that holds descriptors or
workers of its own has ``close()``, too, after which it may be asked again.
"""

from __future__ import annotations

from typing import Any

from ..attributes import read_once
from ..blocking import Blocking
from ..files import Files
from ..source import Options, Source
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
    patience = options.timeout_seconds
    disks = disk.DisksSource(files)
    speeds: Blocking[str, bytes] = Blocking(
        "ts-link-speed", read_once, files.clock, timeout_seconds=patience
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
            files, also=options.filesystem_types, statvfs=options.statvfs, timeout_seconds=patience
        ),
        interfaces,
        network.NetworkSource(interfaces),
        tcp.SocketsSource(files),
        tcp.TcpSource(files, timeout_seconds=patience),
        tcp.UdpSource(files),
        process.ProcessesSource(files, rows=options.process_rows),
        temperature.TemperaturesSource(files, timeout_seconds=patience),
        host.SystemSource(files),
        cgroup.CgroupSource(files),
        own.SelfSource(files, stats),
    )
