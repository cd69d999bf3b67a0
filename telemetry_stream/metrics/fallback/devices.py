"""psutil's figures of devices: the sections disks, disk, filesystems, interfaces, network and temperatures.

As in system.py, a source only fills in what a parser would have returned. Calls that may block (mounts, sensors) run on
workers, under the rules of the sources. By default psutil adds the counters from before a reset (``nowrap``); that is
switched off. It has no weighted time and no ifindex. What it does not have stays null.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, TypeVar

from .. import rates
from ..blocking import Blocking, Result
from ..files import Files
from ..source import Clock, Now, OncePerTick, Options, Source
from ..sources import (
    block_device,
    chips,
    counted,
    disk,
    diskstats,
    filesystem,
    link,
    netdev,
    network,
    temperature,
)
from ..sources.mounts import Mount

Row = TypeVar("Row", disk.Disk, network.Interface)

NET = "/sys/class/net"
MOUNTS_SECONDS = 30.0
SENSORS_SECONDS = 10.0


def device_sources(psutil: Any, files: Files, options: Options) -> tuple[Source, ...]:
    """Return the sources in the order of the wire."""
    clock, timeout_seconds = files.clock, options.timeout_seconds
    disks, interfaces = Disks(psutil, clock), Interfaces(psutil, clock)
    mounts = PsutilMounts(psutil, clock, timeout_seconds=timeout_seconds)
    return (
        disks,
        disk.DiskTotalsSource(disks),
        filesystem.FilesystemsSource(
            files, statvfs=options.statvfs, timeout_seconds=timeout_seconds, table=mounts
        ),
        interfaces,
        network.NetworkSource(interfaces),
        Temperatures(psutil, clock, timeout_seconds=timeout_seconds),
    )


class Disks:
    """Section ``disks``."""

    name = "disks"

    def __init__(self, psutil: Any, clock: Clock) -> None:
        self._psutil = psutil
        self._monotonic = clock.monotonic
        self._previous: rates.Previous[str, diskstats.Numbers] = rates.Previous()
        self._rows = OncePerTick(self._read)

    def collect(self, now: Now) -> tuple[disk.Disk, ...]:
        return self._rows.get(now)

    def _read(self, now: Now) -> tuple[disk.Disk, ...]:
        at = self._monotonic()
        counters = self._psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        numbers = {name: _disk_numbers(of) for name, of in counters.items()}
        before, seconds = self._previous.exchange(numbers, at)
        rows = [
            disk.disk(name, *known, row, before.get(name), seconds, now.boottime)
            for name, row in numbers.items()
            if (known := _maybe_classify(name)) is not None
        ]
        return _limited(rows, disk.MAX_ROWS)


def _disk_numbers(counters: Any) -> diskstats.Numbers:
    """Return the columns of diskstats that psutil has. Not every system has the times."""
    numbers: list[int | None] = [None] * diskstats.COLUMNS
    numbers[diskstats.READS], numbers[diskstats.WRITES] = counters.read_count, counters.write_count
    numbers[diskstats.SECTORS_READ] = counters.read_bytes // diskstats.SECTOR_BYTES
    numbers[diskstats.SECTORS_WRITTEN] = counters.write_bytes // diskstats.SECTOR_BYTES
    numbers[diskstats.MS_READING] = getattr(counters, "read_time", None)
    numbers[diskstats.MS_WRITING] = getattr(counters, "write_time", None)
    numbers[diskstats.MS_IO] = getattr(counters, "busy_time", None)
    return tuple(numbers)


def _maybe_classify(name: str) -> tuple[str, bool] | None:
    """Return the kind and whether the totals count it, from sysfs. Without sysfs, psutil lists only whole disks."""
    if not os.path.isdir("/sys/block"):
        return "disk", True
    kind, counted = block_device.classify(name, os.path.join("/sys/block", name.replace("/", "!")))
    return None if kind is None else (kind, counted)


class Interfaces:
    """Section ``interfaces``."""

    name = "interfaces"

    def __init__(self, psutil: Any, clock: Clock) -> None:
        self._psutil = psutil
        self._monotonic = clock.monotonic
        self._previous: rates.Previous[str, netdev.Numbers] = rates.Previous()
        self._rows = OncePerTick(self._read)

    def collect(self, now: Now) -> tuple[network.Interface, ...]:
        return self._rows.get(now)

    def counted(self, now: Now) -> Sequence[tuple[float | None, float | None]]:
        """Return the bytes received and sent per second of each interface that the totals count."""
        return [
            (row.rx_bytes_per_second, row.tx_bytes_per_second)
            for row in self.collect(now)
            if row.counted
        ]

    def _read(self, _now: Now) -> tuple[network.Interface, ...]:
        at = self._monotonic()
        counters = self._psutil.net_io_counters(pernic=True, nowrap=False) or {}
        states = self._psutil.net_if_stats()
        numbers = {name: _interface_numbers(of) for name, of in counters.items()}
        before, seconds = self._previous.exchange(numbers, at)
        # Other systems have no sysfs, and number their loopback: lo0.
        stack = counted.Stack(
            {
                name: counted.read_place(os.path.join(NET, name))
                for name in numbers
                if not name.startswith(counted.LOOPBACK)
            }
        )
        names_counted = stack.counted()
        rows = [
            network.Interface(
                name,
                ("up" if states[name].isup else "down") if name in states else None,
                link.parse_speed(b"%d" % states[name].speed)
                if name in states
                and (stack.has_link(name) or not os.path.isdir(os.path.join(NET, name)))
                else None,
                name in names_counted,
                *netdev.speeds(row, before.get(name), seconds),
            )
            for name, row in numbers.items()
        ]
        return _limited(rows, network.MAX_ROWS)


def _limited(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    """Return the rows that the totals count, and others up to ``most`` rows in all."""
    others = [row.name for row in rows if not row.counted]
    shown = set(others[: max(0, most - (len(rows) - len(others)))])
    return tuple(row for row in rows if row.counted or row.name in shown)


def _interface_numbers(counters: Any) -> netdev.Numbers:
    numbers: list[int | None] = [None] * netdev.COLUMNS
    numbers[netdev.RX_BYTES], numbers[netdev.TX_BYTES] = counters.bytes_recv, counters.bytes_sent
    numbers[netdev.RX_PACKETS] = counters.packets_recv
    numbers[netdev.TX_PACKETS] = counters.packets_sent
    numbers[netdev.RX_ERRORS], numbers[netdev.TX_ERRORS] = counters.errin, counters.errout
    numbers[netdev.RX_DROPS], numbers[netdev.TX_DROPS] = counters.dropin, counters.dropout
    return tuple(numbers)


class PsutilMounts:
    """The mounts of psutil. Listing them may block, so a worker does it."""

    def __init__(self, psutil: Any, clock: Clock, *, timeout_seconds: float) -> None:
        self._psutil = psutil
        self._blocking: Blocking[None, tuple[Mount, ...]] = Blocking(
            "ts-statvfs", lambda _key: self._list(), clock, timeout_seconds=timeout_seconds
        )
        self._list_at = -math.inf
        self._last_returned: Result[tuple[Mount, ...]] | None = None

    def close(self) -> None:
        """End the idle worker."""
        self._blocking.close()
        self._list_at = -math.inf

    def maybe_changed(self, now: Now) -> tuple[Mount, ...] | None:
        """Return a new list once, else None. Raises what psutil raised."""
        if now.monotonic >= self._list_at:
            self._list_at = now.monotonic + MOUNTS_SECONDS
            self._blocking.request([None])
        self._blocking.check_workers()
        result = self._blocking.maybe_result(None)
        if result is None or result is self._last_returned:
            return None
        self._last_returned = result
        if result.error is not None:
            raise result.error.with_traceback(None)  # which is that of a worker, and would be kept
        return result.value

    def _list(self) -> tuple[Mount, ...]:
        """Return all mounts. psutil has no number of the filesystem, so the device stands for it."""
        return tuple(
            Mount(
                part.device,
                part.mountpoint,
                part.device,
                part.fstype,
                "ro" in part.opts.split(","),
                part.opts,
            )
            for part in self._psutil.disk_partitions(all=True)
        )


class Temperatures:
    """Section ``temperatures``, read on a worker."""

    name = "temperatures"

    def __init__(self, psutil: Any, clock: Clock, *, timeout_seconds: float) -> None:
        self._psutil = psutil
        self._clock = clock
        self._blocking: Blocking[None, Any] = Blocking(
            "ts-sensors", lambda _key: self._read(), clock, timeout_seconds=timeout_seconds
        )
        self._read_at = -math.inf

    def close(self) -> None:
        """End the idle worker."""
        self._blocking.close()
        self._read_at = -math.inf

    def collect(self, now: Now) -> tuple[temperature.Temperature, ...] | None:
        """Return None until the sensors have been read, and on a system without sensors."""
        if now.monotonic >= self._read_at:
            self._read_at = now.monotonic + SENSORS_SECONDS
            self._blocking.request([None])
        self._blocking.check_workers()
        result = self._blocking.maybe_result(None)
        if result is None or not result.value:
            return None
        age = round(max(0.0, self._clock.monotonic() - result.at), 1)
        return tuple(
            temperature.Temperature(
                chip,
                None,
                f"temp{number}",
                sensor.label or None,
                _maybe_celsius(sensor.current),
                _maybe_celsius(sensor.high),
                _maybe_celsius(sensor.critical),
                age,
            )
            for chip, sensors in result.value.items()
            for number, sensor in enumerate(sensors, 1)
        )

    def _read(self) -> Any:
        """Return the sensors by chip. psutil does not have the function on every system."""
        read = getattr(self._psutil, "sensors_temperatures", None)
        return {} if read is None else read()


def _maybe_celsius(value: float | None) -> float | None:
    if value is None or not chips.MIN_CELSIUS < value < chips.MAX_CELSIUS:
        return None
    return round(value, 3)
