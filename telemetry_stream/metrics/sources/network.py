"""Interfaces and their totals from /proc/net/dev (metrics.md 7; kernel: net/core/net-procfs.c).

Specimen, after two lines of headings:
    eth0:68210035552    1609    0    0    0     0          0         0    94407     896    0    0
    0     0       0    0
Eight numbers received, eight sent: bytes packets errs drop fifo frame/colls compressed/carrier
multicast/compressed. A name may hold a colon and a wide counter may touch it: the last colon
splits. drop is rx_dropped + rx_missed here, so sysfs' own statistics differ; one source only.
Totals count physical interfaces (they have a ``device`` in sysfs): bonds, bridges, VLANs, veth and
tun repeat the same bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from .. import rates
from ..attributes import Attribute
from ..blocking import Answer, Blocking
from ..clock import Now
from ..files import Files, ParseError, parser
from ..frozen import frozen

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
SPEED_SECONDS = 30.0
# A host of containers has hundreds of veth: they must not fill the frames. Physical interfaces always have their row.
MOST_ROWS = 64
# 2^32 - 1 Mbit/s is how SPEED_UNKNOWN leaves some drivers.
SPEED_UNKNOWN = (1 << 32) - 1

Numbers = tuple[int, ...]


@frozen
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


@frozen
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


def parse_speed(content: bytes | None) -> int | None:
    """Mbit/s. -1 (unknown), 0 and SPEED_UNKNOWN are no speeds; a read that fails (down, virtual) is none either."""
    try:
        speed = int(content or b"")
    except ValueError:
        return None
    return speed if 0 < speed < SPEED_UNKNOWN else None


class _Details:
    """What sysfs says about one interface, as long as its ifindex stays."""

    __slots__ = (
        "_operstate",
        "_speed",
        "_speed_answer",
        "has_device",
        "idle_row",
        "ifindex",
        "ifindex_attribute",
        "known_idle",
        "master",
        "speed_path",
    )

    def __init__(self, files: Files, directory: str) -> None:
        self.ifindex_attribute = Attribute(files.budget, os.path.join(directory, "ifindex"))
        self._operstate = Attribute(files.budget, os.path.join(directory, "operstate"))
        self.speed_path = os.path.join(directory, "speed")
        self._speed_answer: Answer[bytes] | None = None
        self._speed: int | None = None
        self.idle_row: Interface | None = None
        self.known_idle: tuple[str, str | None, int | None, bool] | None = None
        self.ifindex = self.ifindex_attribute.maybe_read()
        self.has_device = os.path.exists(os.path.join(directory, "device"))
        # Azure: a VF enslaved to hv_netvsc counts every byte once more than its master does.
        self.master = os.path.exists(os.path.join(directory, "master", "device"))

    def operstate(self) -> str | None:
        state = self._operstate.maybe_read()
        return None if state is None else state.decode("ascii", "replace").strip()

    def speed_mbps(self, answer: Answer[bytes] | None) -> int | None:
        """What the newest answer says, parsed when it is new."""
        if answer is not self._speed_answer:
            self._speed_answer = answer
            self._speed = None if answer is None else parse_speed(answer.value)
        return self._speed

    def close(self) -> None:
        self.ifindex_attribute.close()
        self._operstate.close()


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
        self._details: dict[str, _Details] = {}
        self._operstates: dict[str, str | None] = {}
        self._ask_speeds_at = -math.inf
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
        self._ask_speeds(now)
        any_device = any(details.has_device for details in self._details.values())
        shown = [
            self._row(
                name, rows[name], None if name in new else before.get(name), seconds, any_device
            )
            for name in rows
            if name in self._details
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
        """Bring the details up to date; the names that belong to another interface than before."""
        for name in self._details.keys() - names.keys():
            self._details.pop(name).close()
        self._rowless &= names.keys()
        new = set()
        for name in names:
            details = self._details.get(name)
            if details is not None:
                if details.ifindex_attribute.maybe_read() == details.ifindex:
                    continue
                details.close()
            elif name in self._rowless:
                continue
            directory = os.path.join(self._directory, name)
            if len(self._details) >= MOST_ROWS and not os.path.exists(
                os.path.join(directory, "device")
            ):
                self._rowless.add(name)
                continue
            self._details[name] = _Details(self._files, directory)
            new.add(name)
        return new

    def _ask_speeds(self, now: Now) -> None:
        """Every half a minute, and whenever a link went up or down or an interface came."""
        operstates = {name: details.operstate() for name, details in self._details.items()}
        if operstates != self._operstates or now.monotonic >= self._ask_speeds_at:
            self._operstates = operstates
            self._ask_speeds_at = now.monotonic + SPEED_SECONDS
            paths = [of.speed_path for name, of in self._details.items() if name != LOOPBACK]
            self._speeds.keep_only(paths)
            self._speeds.ask(paths)
        self._speeds.tend()

    def close(self) -> None:
        """Give the descriptors back and let idle workers go."""
        for details in self._details.values():
            details.close()
        self._speeds.close()
        self._ask_speeds_at = -math.inf

    def _row(
        self,
        name: str,
        numbers: Numbers,
        before: Numbers | None,
        seconds: float | None,
        any_device: bool,
    ) -> Interface:
        details = self._details[name]
        counted = name != LOOPBACK and (
            not any_device or (details.has_device and not details.master)
        )
        known = (
            name,
            self._operstates[name],
            details.speed_mbps(self._speeds.answer(details.speed_path)),
            counted,
        )
        rose = speeds(numbers, before, seconds)
        if rose is IDLE and known == details.known_idle and details.idle_row is not None:
            return details.idle_row  # the same row as in the sample before
        row = Interface(*known, *rose)
        details.known_idle, details.idle_row = (known, row) if rose is IDLE else (None, None)
        return row


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
