"""What psutil answers for disks, filesystems, interfaces and temperatures (metrics.md 13).

As in fallback.py, which lists these answers with its own: they fill in what a parser would have returned. Calls that
may block (mounts, sensors) stay on workers, by the sources' own rules. psutil adds every reset up unless told not to
(``nowrap``), knows no weighted time and no ifindex: what it does not know stays null.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

from .. import rates
from ..blocking import Blocking
from ..files import Files
from ..source import Clock, Now, Source
from ..sources import disk, filesystem, link, network, temperature
from ..sources.mounts import Mount
from .lazy_psutil import load_psutil

LIST_SECONDS = 30.0
SENSOR_SECONDS = 10.0


def device_sources(clock: Clock) -> tuple[Source, ...]:
    """The sources, in the order of the wire."""
    files = Files("/proc", "/sys", clock)
    disks, interfaces = Disks(clock), Interfaces(clock)
    return (
        disks,
        disk.DiskTotalsSource(disks),
        Filesystems(files, table=PsutilMounts(clock)),
        interfaces,
        network.NetworkSource(interfaces),
        Temperatures(clock),
    )


class Filesystems(filesystem.FilesystemsSource):
    """Section ``filesystems`` with psutil's mounts, on any system."""

    def _path(self, mount: Mount) -> str:
        return mount.mountpoint


class Disks:
    """Section ``disks``."""

    name = "disks"

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._previous: rates.Previous[str, disk.Numbers] = rates.Previous()
        self._rows: tuple[disk.Disk, ...] = ()
        self._tick = -1

    def collect(self, now: Now) -> tuple[disk.Disk, ...]:
        if now.tick != self._tick:
            self._tick = now.tick
            at = self._monotonic()
            counters = load_psutil().disk_io_counters(perdisk=True, nowrap=False) or {}
            numbers = {name: _disk_numbers(of) for name, of in counters.items()}
            before, seconds = self._previous.exchange(numbers, at)
            self._rows = tuple(
                dataclasses.replace(
                    disk.disk(name, *known, row, before.get(name), seconds),
                    queue_depth=None,
                    in_flight=None,
                )
                for name, row in numbers.items()
                if (known := _classify(name)) is not None
            )
        return self._rows


def _disk_numbers(counters: Any) -> disk.Numbers:
    numbers = [0] * disk.COLUMNS
    numbers[disk.READS], numbers[disk.WRITES] = counters.read_count, counters.write_count
    numbers[disk.SECTORS_READ] = counters.read_bytes // disk.SECTOR_BYTES
    numbers[disk.SECTORS_WRITTEN] = counters.write_bytes // disk.SECTOR_BYTES
    numbers[disk.MS_READING] = getattr(counters, "read_time", 0)
    numbers[disk.MS_WRITING] = getattr(counters, "write_time", 0)
    numbers[disk.MS_IO] = getattr(counters, "busy_time", 0)
    return tuple(numbers)


def _classify(name: str) -> tuple[str, bool] | None:
    """As sysfs says; where there is none (not Linux), psutil lists whole disks only."""
    if not os.path.isdir("/sys/block"):
        return "disk", True
    kind, counted = disk.classify(name, os.path.join("/sys/block", name.replace("/", "!")))
    return None if kind is None else (kind, counted)


class Interfaces:
    """Section ``interfaces``."""

    name = "interfaces"

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._previous: rates.Previous[str, network.Numbers] = rates.Previous()
        self._rows: tuple[network.Interface, ...] = ()
        self._tick = -1

    def collect(self, now: Now) -> tuple[network.Interface, ...]:
        if now.tick != self._tick:
            self._tick = now.tick
            psutil = load_psutil()
            at = self._monotonic()
            counters = psutil.net_io_counters(pernic=True, nowrap=False) or {}
            states = psutil.net_if_stats()
            numbers = {name: _interface_numbers(of) for name, of in counters.items()}
            before, seconds = self._previous.exchange(numbers, at)
            with_device = {
                name for name in numbers if os.path.exists(f"/sys/class/net/{name}/device")
            }
            self._rows = tuple(
                network.Interface(
                    name,
                    ("up" if states[name].isup else "down") if name in states else None,
                    link.parse_speed(b"%d" % states[name].speed) if name in states else None,
                    name in with_device if with_device else not name.startswith(network.LOOPBACK),
                    *network.speeds(row, before.get(name), seconds),
                )
                for name, row in numbers.items()
            )
        return self._rows

    def counted(self, now: Now) -> Sequence[tuple[float | None, float | None]]:
        """As InterfacesSource."""
        return [
            (row.rx_bytes_per_second, row.tx_bytes_per_second)
            for row in self.collect(now)
            if row.counted
        ]


def _interface_numbers(counters: Any) -> network.Numbers:
    numbers = [0] * network.COLUMNS
    numbers[network.RX_BYTES], numbers[network.TX_BYTES] = counters.bytes_recv, counters.bytes_sent
    numbers[network.RX_PACKETS] = counters.packets_recv
    numbers[network.TX_PACKETS] = counters.packets_sent
    numbers[network.RX_ERRORS], numbers[network.TX_ERRORS] = counters.errin, counters.errout
    numbers[network.RX_DROPS], numbers[network.TX_DROPS] = counters.dropin, counters.dropout
    return tuple(numbers)


class PsutilMounts:
    """The table of mounts; listing them may block, so a worker does it."""

    def __init__(self, clock: Clock) -> None:
        self._blocking: Blocking[None, tuple[Mount, ...]] = Blocking(
            "ts-statvfs", lambda _key: _list_mounts(), clock
        )
        self._list_at = -math.inf
        self._told: object = None

    def close(self) -> None:
        """Let the idle worker go."""
        self._blocking.close()
        self._list_at = -math.inf

    def maybe_changed(self, now: Now) -> tuple[Mount, ...] | None:
        """The newest list, once."""
        if now.monotonic >= self._list_at:
            self._list_at = now.monotonic + LIST_SECONDS
            self._blocking.ask([None])
        answer = self._blocking.answer(None)
        if answer is None or answer is self._told:
            return None
        self._told = answer
        if answer.error is not None:
            raise answer.error
        return answer.value


def _list_mounts() -> tuple[Mount, ...]:
    """By device: psutil does not tell the filesystem's number."""
    return tuple(
        Mount(
            part.device,
            part.mountpoint,
            part.device,
            part.fstype,
            "ro" in part.opts.split(","),
            part.opts,
        )
        for part in load_psutil().disk_partitions(all=True)
    )


class Temperatures:
    """Section ``temperatures``, read by a worker."""

    name = "temperatures"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._blocking: Blocking[None, Any] = Blocking(
            "ts-sensors", lambda _key: _read_sensors(), clock
        )
        self._ask_at = -math.inf

    def close(self) -> None:
        """Let the idle worker go."""
        self._blocking.close()
        self._ask_at = -math.inf

    def collect(self, now: Now) -> tuple[temperature.Temperature, ...] | None:
        if now.monotonic >= self._ask_at:
            self._ask_at = now.monotonic + SENSOR_SECONDS
            self._blocking.ask([None])
        answer = self._blocking.answer(None)
        if answer is None or not answer.value:
            return None
        age = round(max(0.0, self._clock.monotonic() - answer.at), 1)
        return tuple(
            temperature.Temperature(
                chip,
                None,
                f"temp{number}",
                sensor.label or None,
                _celsius(sensor.current),
                _celsius(sensor.high),
                _celsius(sensor.critical),
                age,
            )
            for chip, sensors in answer.value.items()
            for number, sensor in enumerate(sensors, 1)
        )


def _read_sensors() -> Any:
    """Some systems' psutil has no sensors at all."""
    read = getattr(load_psutil(), "sensors_temperatures", None)
    return {} if read is None else read()


def _celsius(value: float | None) -> float | None:
    if value is None or not temperature.LOWEST_CELSIUS < value < temperature.HIGHEST_CELSIUS:
        return None
    return round(value, 3)
