"""Every source of the program, in one visible table, in the order of the wire.

A source has a ``name``, which is its section's, and ``collect(now)``, which returns the section's
record or None where this host has no such thing. What it raises costs its own section only.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..clock import Now
from ..files import Files
from . import cpu, host, load, memory, own, tcp


class Source(Protocol):
    """What the collector asks each tick. ``collect`` runs on the collecting thread and must not
    wait.
    """

    @property
    def name(self) -> str: ...

    def collect(self, now: Now) -> object | None: ...


# Section name -> its record, or a tuple of them. The wire, the decoder and docs/metrics.md follow
# this table.
RECORDS: dict[str, Any] = {
    "cpu": cpu.Cpu,
    "load": load.Load,
    "memory": memory.Memory,
    "swap": memory.Swap,
    "sockets": tcp.Sockets,
    "tcp": tcp.Tcp,
    "udp": tcp.Udp,
    "system": host.System,
    "self": own.Own,
}


def build_sources(files: Files, stats: own.SelfStats) -> tuple[Source, ...]:
    """All sources of one collector."""
    return (
        cpu.CpuSource(files),
        load.LoadSource(files),
        memory.MemorySource(files),
        memory.SwapSource(files),
        tcp.SocketsSource(files),
        tcp.TcpSource(files),
        tcp.UdpSource(files),
        host.SystemSource(files),
        own.SelfSource(files, stats),
    )
