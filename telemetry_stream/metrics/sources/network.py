"""Network interfaces and their totals from /proc/net/dev (net/core/net-procfs.c).

    eth0:68210035552   1609    0    0    0     0          0         0    94407     896    0    0    0     0       0    0

Eight numbers received and eight sent, after two lines of headings: bytes packets errs drop fifo frame/colls
compressed/carrier multicast/compressed. A name may contain a colon, and a wide counter may touch it, so the last colon
splits. drop is rx_dropped + rx_missed, so the statistics in sysfs differ; only this file is used. The totals count
physical interfaces, which have a ``device`` in sysfs: bonds, bridges, VLANs, veth and tun repeat the same bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from .. import rates
from ..attributes import read_once
from ..blocking import Blocking
from ..files import Files, ParseError, parser
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, Source
from .link import Link

COLUMNS = 16
RX_BYTES, RX_PACKETS, RX_ERRORS, RX_DROPS = 0, 1, 2, 3
TX_BYTES, TX_PACKETS, TX_ERRORS, TX_DROPS = 8, 9, 10, 11
USED_COLUMNS = (
    RX_BYTES,
    TX_BYTES,
    RX_PACKETS,
    TX_PACKETS,
    RX_ERRORS,
    TX_ERRORS,
    RX_DROPS,
    TX_DROPS,
)
UNKNOWN = (None,) * len(USED_COLUMNS)
IDLE = (0.0,) * len(USED_COLUMNS)
LOOPBACK = "lo"
REFRESH_SECONDS = 30.0
# A host of containers has hundreds of veth interfaces, which must not fill the frames. A physical interface always has
# a row.
MAX_ROWS = 64

Numbers = tuple[int, ...]


@dataclass(slots=True)
class Interface:
    """One network interface."""

    name: Annotated[
        str,
        Field(
            "The kernel's name. Beyond 64 interfaces, only physical ones have a row.",
            prometheus="interface",
            is_identity=True,
        ),
    ]
    operstate: Annotated[
        str | None,
        Field(
            "up, down, unknown or another state of the kernel; null without sysfs.", title="state"
        ),
    ]
    speed_mbps: Annotated[
        int | None,
        Field(
            "Speed of the link; null if it is down or has no speed.", unit="Mbit/s", title="speed"
        ),
    ]
    counted: Annotated[
        bool,
        "Whether the totals include it: physical interfaces, and in a container all except lo.",
    ]
    rx_bytes_per_second: Annotated[float | None, Field("Bytes received.", title="received")] = None
    tx_bytes_per_second: Annotated[float | None, Field("Bytes sent.", title="sent")] = None
    rx_packets_per_second: Annotated[
        float | None, Field("Packets received.", title="packets received")
    ] = None
    tx_packets_per_second: Annotated[float | None, Field("Packets sent.", title="packets sent")] = (
        None
    )
    rx_errors_per_second: Annotated[
        float | None,
        Field("Packets that arrived damaged. Should be 0.", title="errors received"),
    ] = None
    tx_errors_per_second: Annotated[
        float | None, Field("Packets that could not be sent. Should be 0.", title="errors sent")
    ] = None
    rx_drops_per_second: Annotated[
        float | None,
        Field(
            "Received packets that were dropped, with those that the card missed. Should be 0.",
            title="drops received",
        ),
    ] = None
    tx_drops_per_second: Annotated[
        float | None,
        Field("Packets that were dropped instead of sent. Should be 0.", title="drops sent"),
    ] = None


@dataclass(slots=True)
class Network:
    """The sums over the counted interfaces."""

    total_rx_bytes_per_second: Annotated[
        float | None, Field("Bytes that all counted interfaces received.", title="received")
    ]
    total_tx_bytes_per_second: Annotated[
        float | None, Field("Bytes that all counted interfaces sent.", title="sent")
    ]


@parser
def parse(content: bytes) -> Mapping[str, Numbers]:
    """Return the counters of /proc/net/dev by interface name."""
    rows: dict[str, Numbers] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        name, colon, rest = line.rpartition(b":")
        if not colon:
            continue  # a heading, or the end
        numbers = tuple(map(int, rest.split()))
        if len(numbers) < COLUMNS - 4 or min(numbers) < 0:
            raise ParseError("sixteen counters expected", line=number)
        rows[name.strip().decode("utf-8", "replace")] = numbers
    return rows


class InterfacesSource:
    """Section ``interfaces``. NetworkSource uses the same rows."""

    name = "interfaces"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._files = files
        self._dev = files.net("dev", parse, records=True)
        self._speeds: Blocking[str, bytes] = Blocking(
            "ts-link-speed", read_once, files.clock, timeout_seconds=timeout_seconds
        )
        self._directory = os.path.join(files.sys_root, "class", "net")
        self._previous: rates.Previous[str, Numbers] = rates.Previous()
        self._links: dict[str, Link] = {}
        self._operstates: dict[str, str | None] = {}
        self._refresh_at = -math.inf
        self._without_row: set[str] = set()
        self._rows: tuple[Interface, ...] = ()
        self._counted: list[tuple[float | None, float | None]] = []
        self._tick = -1

    def collect(self, now: Now) -> tuple[Interface, ...]:
        """Raises OSError or ParseError if /proc/net/dev is unavailable."""
        rows = self._dev.read(now)
        if self._tick == now.tick:
            return self._rows
        self._tick = now.tick
        before, seconds = self._previous.exchange(rows, self._dev.monotonic)
        new = self._update_links(rows)
        self._maybe_refresh_links(now, any_new=bool(new))
        any_device = any(link.has_device for link in self._links.values())
        shown = [
            self._row(
                name, rows[name], None if name in new else before.get(name), seconds, any_device
            )
            for name in rows
            if name in self._links
        ]
        self._rows = tuple(shown)
        self._counted = [
            (row.rx_bytes_per_second, row.tx_bytes_per_second) for row in shown if row.counted
        ]
        if not any_device:  # In a container, the interfaces without a row count, too.
            for name in self._without_row:
                rates_of = speeds(rows[name], before.get(name), seconds)
                self._counted.append((rates_of[0], rates_of[1]))
        return self._rows

    def counted(self, now: Now) -> Sequence[tuple[float | None, float | None]]:
        """Return the bytes received and sent per second of each interface that the totals count."""
        self.collect(now)
        return self._counted

    def _update_links(self, names: Mapping[str, Numbers]) -> set[str]:
        """Update the links, and return the names that belong to another interface than in the tick before."""
        for name in self._links.keys() - names.keys():
            self._links.pop(name).close()
        self._without_row &= names.keys()
        new = set()
        for name in names:
            link = self._links.get(name)
            if link is not None:
                if link.is_same():
                    continue
                self._links.pop(name).close()
            elif name in self._without_row:
                continue
            directory = os.path.join(self._directory, name)
            if len(self._links) >= MAX_ROWS and not os.path.exists(
                os.path.join(directory, "device")
            ):
                self._without_row.add(name)
                continue
            self._links[name] = Link(self._files.budget, directory)
            new.add(name)
        return new

    def _maybe_refresh_links(self, now: Now, *, any_new: bool) -> None:
        """Read speeds and masters again: after REFRESH_SECONDS, and if a link changed or an interface is new."""
        operstates = {name: link.operstate for name, link in self._links.items()}
        if any_new or operstates != self._operstates or now.monotonic >= self._refresh_at:
            self._operstates = operstates
            self._refresh_at = now.monotonic + REFRESH_SECONDS
            for link in self._links.values():
                link.refresh()
            paths = [of.speed_path for name, of in self._links.items() if name != LOOPBACK]
            self._speeds.forget_all_except(paths)
            self._speeds.request(paths)
        self._speeds.check_workers()

    def close(self) -> None:
        """Close the descriptors and end the idle workers."""
        for link in self._links.values():
            link.close()
        self._speeds.close()
        self._refresh_at = -math.inf

    def _row(
        self,
        name: str,
        numbers: Numbers,
        before: Numbers | None,
        seconds: float | None,
        any_device: bool,
    ) -> Interface:
        link = self._links[name]
        counted = name != LOOPBACK and (
            not any_device or (link.has_device and not link.has_master_device)
        )
        return Interface(
            name,
            link.operstate,
            link.speed_mbps(self._speeds.maybe_result(link.speed_path)),
            counted,
            *speeds(numbers, before, seconds),
        )


def speeds(
    numbers: Numbers, before: Numbers | None, seconds: float | None
) -> tuple[float | None, ...]:
    """Return the eight rates of a row in the order of its fields; all None at the first reading and after a reset."""
    if before is None or seconds is None:
        return UNKNOWN
    if numbers == before:
        return IDLE  # That is the usual case.
    rose = [rates.delta_maybe_32(numbers[column], before[column]) for column in USED_COLUMNS]
    if None in rose:
        return UNKNOWN
    return tuple(rates.quotient(change, seconds) for change in rose)


class Interfaces(Protocol):
    """A source of the rates that the totals count."""

    def counted(self, now: Now) -> Sequence[tuple[float | None, float | None]]: ...


class NetworkSource:
    """Section ``network``."""

    name = "network"

    def __init__(self, interfaces: Interfaces) -> None:
        self._interfaces = interfaces

    def collect(self, now: Now) -> Network:
        """Raises what the section interfaces raises."""
        counted = self._interfaces.counted(now)
        return Network(rates.total(rx for rx, _ in counted), rates.total(tx for _, tx in counted))


SECTIONS = (
    Section(
        InterfacesSource,
        tuple[Interface, ...],
        title="Interfaces",
        text="Each network interface. Virtual ones repeat the bytes of the physical ones and are not in the totals.",
        files="/proc/net/dev, /sys/class/net",
        prometheus="node_network",
        nulls="All rates of an interface are null once if one of its counters fell or another interface got its name.",
    ),
    Section(
        NetworkSource,
        Network,
        title="Network",
        text="Bytes that the physical interfaces received and sent. Bridges and tunnels repeat them and are not added.",
        files="/proc/net/dev",
        prometheus="node_networks",
        nulls="The sums are over the rates that are known; null if none is.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    interfaces = InterfacesSource(setup.files, timeout_seconds=setup.options.timeout_seconds)
    return (interfaces, NetworkSource(interfaces))
