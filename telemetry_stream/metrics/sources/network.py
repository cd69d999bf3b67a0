"""Interfaces and their totals from /proc/net/dev (metrics.md 7; kernel: net/core/net-procfs.c).

Specimen, after two lines of headings:
    eth0:68210035552   1609    0    0    0     0          0         0    94407     896    0    0    0     0       0    0
Eight numbers received, eight sent: bytes packets errs drop fifo frame/colls compressed/carrier multicast/compressed. A
name may hold a colon and a wide counter may touch it: the last colon splits. drop is rx_dropped + rx_missed here, so
sysfs' own statistics differ; one source only. Totals count physical interfaces (they have a ``device`` in sysfs):
bonds, bridges, VLANs, veth and tun repeat the same bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .. import rates
from ..blocking import Blocking
from ..files import Files, ParseError, parser
from ..source import Now
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
LOOK_CLOSELY_SECONDS = 30.0
# A host of containers has hundreds of veth: they must not fill the frames. Physical interfaces always have their row.
MOST_ROWS = 64

Numbers = tuple[int, ...]


@dataclass(slots=True)
class Interface:
    """One interface; ``counted`` says whether the totals hold it."""

    name: str
    operstate: str | None
    speed_mbps: int | None
    counted: bool
    rx_bytes_per_second: float | None = None
    tx_bytes_per_second: float | None = None
    rx_packets_per_second: float | None = None
    tx_packets_per_second: float | None = None
    rx_errors_per_second: float | None = None
    tx_errors_per_second: float | None = None
    rx_drops_per_second: float | None = None
    tx_drops_per_second: float | None = None


@dataclass(slots=True)
class Network:
    """Over the counted interfaces."""

    total_rx_bytes_per_second: float | None
    total_tx_bytes_per_second: float | None


@parser
def parse(content: bytes) -> Mapping[str, Numbers]:
    """/proc/net/dev by interface name."""
    rows: dict[str, Numbers] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        name, colon, rest = line.rpartition(b":")
        if not colon:
            continue  # the two headings, and the end
        numbers = tuple(map(int, rest.split()))
        if len(numbers) < COLUMNS - 4 or min(numbers) < 0:
            raise ParseError("sixteen counters expected", line=number)
        rows[name.strip().decode("utf-8", "replace")] = numbers
    return rows


class InterfacesSource:
    """Section ``interfaces``; NetworkSource asks it for the same rows."""

    name = "interfaces"

    def __init__(self, files: Files, speeds: Blocking[str, bytes]) -> None:
        """``speeds`` reads a file: the speed of a busy driver may take its time (it takes the rtnl lock)."""
        self._files = files
        self._dev = files.net("dev", parse, records=True)
        self._speeds = speeds
        self._directory = os.path.join(files.sys_root, "class", "net")
        self._previous: rates.Previous[str, Numbers] = rates.Previous()
        self._links: dict[str, Link] = {}
        self._operstates: dict[str, str | None] = {}
        self._look_closely_at = -math.inf
        self._rowless: set[str] = set()
        self._rows: tuple[Interface, ...] = ()
        self._counted: list[tuple[float | None, float | None]] = []
        self._tick = -1

    def collect(self, now: Now) -> tuple[Interface, ...]:
        """Raises OSError or ParseError where /proc/net/dev cannot be had."""
        rows = self._dev.read(now)
        if self._tick == now.tick:
            return self._rows
        self._tick = now.tick
        before, seconds = self._previous.exchange(rows, self._dev.monotonic)
        new = self._look(rows)
        self._look_closely(now, any_new=bool(new))
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
        if not any_device:  # a container with a crowd of interfaces: those without a row count, too
            for name in self._rowless:
                rates_of = speeds(rows[name], before.get(name), seconds)
                self._counted.append((rates_of[0], rates_of[1]))
        return self._rows

    def counted(self, now: Now) -> Sequence[tuple[float | None, float | None]]:
        """Bytes received and sent per second of each interface that the totals count."""
        self.collect(now)
        return self._counted

    def _look(self, names: Mapping[str, Numbers]) -> set[str]:
        """Bring the links up to date; the names that belong to another interface than before."""
        for name in self._links.keys() - names.keys():
            self._links.pop(name).close()
        self._rowless &= names.keys()
        new = set()
        for name in names:
            link = self._links.get(name)
            if link is not None:
                if link.is_same():
                    continue
                self._links.pop(name).close()
            elif name in self._rowless:
                continue
            directory = os.path.join(self._directory, name)
            if len(self._links) >= MOST_ROWS and not os.path.exists(
                os.path.join(directory, "device")
            ):
                self._rowless.add(name)
                continue
            self._links[name] = Link(self._files.budget, directory)
            new.add(name)
        return new

    def _look_closely(self, now: Now, *, any_new: bool) -> None:
        """Ask for speeds and masters every half a minute, and whenever a link went up or down or an interface came."""
        operstates = {name: link.operstate for name, link in self._links.items()}
        if any_new or operstates != self._operstates or now.monotonic >= self._look_closely_at:
            self._operstates = operstates
            self._look_closely_at = now.monotonic + LOOK_CLOSELY_SECONDS
            for link in self._links.values():
                link.look()
            paths = [of.speed_path for name, of in self._links.items() if name != LOOPBACK]
            self._speeds.keep_only(paths)
            self._speeds.ask(paths)
        self._speeds.tend()

    def close(self) -> None:
        """Give the descriptors back and let idle workers go."""
        for link in self._links.values():
            link.close()
        self._speeds.close()
        self._look_closely_at = -math.inf

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
            link.speed_mbps(self._speeds.answer(link.speed_path)),
            counted,
            *speeds(numbers, before, seconds),
        )


def speeds(
    numbers: Numbers, before: Numbers | None, seconds: float | None
) -> tuple[float | None, ...]:
    """The eight rates of a row in the order of its fields; all None at first sight and on a reset."""
    if before is None or seconds is None:
        return UNKNOWN
    if numbers == before:
        return IDLE  # most interfaces, most of the time
    rose = [rates.delta_maybe_32(numbers[column], before[column]) for column in USED_COLUMNS]
    if None in rose:
        return UNKNOWN
    return tuple(rates.quotient(change, seconds) for change in rose)


class Interfaces(Protocol):
    """Who knows the interfaces."""

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
