"""Network interfaces and their totals: the counters are from /proc/net/dev (netdev.py).

Its drops are rx_dropped + rx_missed, so the statistics in sysfs differ; only this file is used. counted.py decides
which interfaces the totals count.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from .. import rates
from ..files import Files
from ..section import Field, Section
from ..setup import Setup
from ..source import Now, OncePerTick, Source
from .counted import LOOPBACK, Place, Stack, read_place
from .link import Link
from .netdev import Numbers, parse, speeds
from .rtnl import Rtnl

REFRESH_SECONDS = 30.0
# A host of containers has hundreds of veth interfaces, which must not fill the frames. A physical interface always has
# a row.
MAX_ROWS = 64


@dataclass(slots=True)
class Interface:
    """One network interface."""

    name: Annotated[
        str,
        Field(
            "The kernel's name. Beyond 64 interfaces, only physical ones have a row.",
            prometheus="device",
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
            "Speed of the link; null if it is down or has no real speed: virtual interfaces report a constant.",
            unit="Mbit/s",
            title="speed",
        ),
    ]
    counted: Annotated[
        bool,
        "Whether the totals include it: physical interfaces, and in a container those that do not repeat others.",
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
    addresses: Annotated[
        str | None,
        "Addresses with their prefix lengths, separated by spaces: at most 8, then `…`. Without 127.0.0.1, ::1 and the "
        "link-local ones of IPv6. Null if there is none, and for the /proc of another host.",
    ] = field(default=None, kw_only=True)
    signal_dbm: Annotated[
        int | None,
        Field(
            "Signal of a Wi-Fi interface: -30 is excellent, -67 good, below -80 hardly usable. Null for other "
            "interfaces, without a connection, for drivers that do not report it in dBm, for devices of Wi-Fi 7 "
            "(multi-link operation), and for kernels without /proc/net/wireless (CFG80211_WEXT).",
            unit="dBm",
            title="signal",
        ),
    ] = field(default=None, kw_only=True)


@dataclass(slots=True)
class Network:
    """The sums over the counted interfaces."""

    total_rx_bytes_per_second: Annotated[
        float | None, Field("Bytes that all counted interfaces received.", title="received")
    ]
    total_tx_bytes_per_second: Annotated[
        float | None, Field("Bytes that all counted interfaces sent.", title="sent")
    ]


class InterfacesSource:
    """Section ``interfaces``. NetworkSource uses the same rows."""

    name = "interfaces"

    def __init__(self, files: Files, *, timeout_seconds: float = 0.0) -> None:
        self._files = files
        self._dev = files.net("dev", parse, records=True)
        self._rtnl = Rtnl(files, timeout_seconds)
        self._directory = os.path.join(files.sys_root, "class", "net")
        self._previous: rates.Previous[str, Numbers] = rates.Previous()
        self._links: dict[str, Link] = {}
        self._operstates: dict[str, str | None] = {}
        self._refresh_at = -math.inf
        self._without_row: set[str] = set()
        self._any_device = False
        self._names_counted: frozenset[str] = frozenset()
        self._names_with_link: frozenset[str] = frozenset()
        self._counted: list[tuple[float | None, float | None]] = []
        self._rows = OncePerTick(self._read)

    def collect(self, now: Now) -> tuple[Interface, ...]:
        """Raises OSError or ParseError if /proc/net/dev is unavailable."""
        return self._rows.get(now)

    def counted(self, now: Now) -> Sequence[tuple[float | None, float | None]]:
        """Return the bytes received and sent per second of each interface that the totals count."""
        self.collect(now)
        return self._counted

    def _read(self, now: Now) -> tuple[Interface, ...]:
        rows = self._dev.read(now)
        before, seconds = self._previous.exchange(rows, self._dev.monotonic)
        new, any_change = self._update_links(rows)
        self._maybe_refresh_links(now, any_change=any_change)
        shown = [
            self._row(name, rows[name], None if name in new else before.get(name), seconds)
            for name in rows
            if name in self._links
        ]
        self._counted = [
            (row.rx_bytes_per_second, row.tx_bytes_per_second) for row in shown if row.counted
        ]
        for name in self._without_row & self._names_counted:
            rates_of = speeds(rows[name], before.get(name), seconds)
            self._counted.append((rates_of[0], rates_of[1]))
        return tuple(shown)

    def _update_links(self, names: Mapping[str, Numbers]) -> tuple[set[str], bool]:
        """Update the links. Return the names that belong to another interface than before, and whether any changed."""
        gone = self._links.keys() - names.keys()
        for name in gone:
            self._links.pop(name).close()
        without_row = self._without_row
        self._without_row = without_row & names.keys()
        new = set()
        for name in names:
            link = self._links.get(name)
            if link is not None:
                if link.is_same():
                    continue
                self._links.pop(name).close()
            directory = os.path.join(self._directory, name)
            if len(self._links) >= MAX_ROWS and (
                name in self._without_row or not os.path.exists(os.path.join(directory, "device"))
            ):
                self._without_row.add(name)
                continue
            self._without_row.discard(name)  # There is room now.
            self._links[name] = Link(self._files.budget, directory)
            new.add(name)
        # Where nothing has a device, interfaces without a row may count.
        crowd_changed = not self._any_device and self._without_row != without_row
        return new, bool(new or gone or crowd_changed)

    def _maybe_refresh_links(self, now: Now, *, any_change: bool) -> None:
        """Read speeds and places again: after REFRESH_SECONDS, and if a link changed, came or went."""
        operstates = {name: link.operstate for name, link in self._links.items()}
        if any_change or operstates != self._operstates or now.monotonic >= self._refresh_at:
            self._operstates = operstates
            self._refresh_at = now.monotonic + REFRESH_SECONDS
            for link in self._links.values():
                link.refresh()
            self._find_counted()
            directories = [
                link.directory
                for name, link in self._links.items()
                if name in self._names_with_link
            ]
            self._rtnl.request(directories)
        self._rtnl.update(now, self._links)

    def _find_counted(self) -> None:
        places: dict[str, Place] = {name: link.place for name, link in self._links.items()}
        self._any_device = any(place.has_device for place in places.values())
        if not self._any_device:
            # In a container, the interfaces without a row may count, too.
            for name in self._without_row:
                places[name] = read_place(os.path.join(self._directory, name))
        stack = Stack(places)
        self._names_counted = stack.counted()
        self._names_with_link = frozenset(
            name for name in self._links if name != LOOPBACK and stack.has_link(name)
        )

    def close(self) -> None:
        """Close the descriptors and end the idle workers."""
        for link in self._links.values():
            link.close()
        self._rtnl.close()
        self._refresh_at = -math.inf

    def _row(
        self, name: str, numbers: Numbers, before: Numbers | None, seconds: float | None
    ) -> Interface:
        link = self._links[name]
        speed = self._rtnl.speed_mbps(link)
        return Interface(
            name,
            link.operstate,
            speed,
            name in self._names_counted,
            *speeds(numbers, before, seconds, speed),
            addresses=link.addresses,
            signal_dbm=link.signal_dbm,
        )


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
        text="Each network interface. Those that repeat the bytes of others are not in the totals.",
        files="/proc/net/dev, /proc/net/wireless, /sys/class/net, rtnetlink",
        prometheus="telemetry_stream_network",
        nulls="All rates of an interface are null once if one of its counters fell or another interface got its name. "
        "A rate that is impossible is null alone.",
    ),
    Section(
        NetworkSource,
        Network,
        title="Network",
        text="Bytes received and sent by the host, each counted once. Interfaces with a device are counted, except the "
        "ports of a switch (DSA): its conduit is. In a container, where none has a device, the interfaces that do not "
        "repeat others are counted: no bridge and none of its ports, no bond, VLAN or macvlan of an interface that is "
        "here, no tunnel, no pair of veth, and no interface on nothing (dummy, ifb, vxlan).",
        files="/proc/net/dev, /sys/class/net",
        prometheus="telemetry_stream_networks",
        nulls="The sums are over the rates that are known; null if none is.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    interfaces = InterfacesSource(setup.files, timeout_seconds=setup.options.timeout_seconds)
    return (interfaces, NetworkSource(interfaces))
