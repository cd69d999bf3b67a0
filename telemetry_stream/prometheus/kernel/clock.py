"""The time, the clock sources, and how the kernel disciplines its clock (collectors time and timex; adjtimex(2))."""

from __future__ import annotations

import ctypes
import os
import re
import time
from collections.abc import Iterator

from ..exposition import Column, Family, labels, scaled, single, table
from .host import Host, attributes, names_in

CLOCKSOURCE = re.compile(r"clocksource(\d+)$")
TIME_ERROR = 5  # the clock is not synchronised
STA_NANO = 0x2000  # offset and jitter are in ns, not in µs
PPM_16 = 1e-6 / 65536  # parts per million with 16 bits behind the point


class Timex(ctypes.Structure):
    """``struct timex`` of include/uapi/linux/timex.h."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_sec", ctypes.c_long),
        ("time_usec", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 32),  # 11 of them belong to the structure
    )


def collect_time(host: Host) -> Iterator[Family]:
    """Yield the time, the time zone and the clock sources."""
    now = host.clock.realtime()
    text = "System time in seconds since epoch (1970)."
    yield single("node_time_seconds", "gauge", text, now)
    zone = time.localtime(now)
    of = labels({"time_zone": zone.tm_zone})
    text = "System time zone offset in seconds."
    yield Family("node_time_zone_offset_seconds", "gauge", text, [(of, zone.tm_gmtoff)])
    yield from _clocksources(host.sys("devices/system/clocksource"))


def _clocksources(directory: str) -> Iterator[Family]:
    if not os.path.isdir(directory):
        return
    rows: list[tuple[str, list[float | None]]] = []
    for match in filter(None, map(CLOCKSOURCE.match, names_in(directory))):
        found = attributes(
            os.path.join(directory, match.group()), ("available_clocksource", "current_clocksource")
        )
        current = found.get("current_clocksource")
        for name in found.get("available_clocksource", "").split():
            of = labels({"clocksource": name, "device": match.group(1)})
            rows.append((of, [1, 1 if name == current else None]))
    where = "read from '/sys/devices/system/clocksource'."
    columns = (
        Column("node_time_clocksource_available_info", "gauge", f"Available clocksources {where}"),
        Column("node_time_clocksource_current_info", "gauge", f"Current clocksource {where}"),
    )
    yield from table(columns, rows)


def collect_timex(_: Host) -> Iterator[Family]:
    """Yield the state of the kernel's clock. Raises OSError if a sandbox forbids the call."""
    found, state = read_timex()
    small = 1e-9 if found.status & STA_NANO else 1e-6
    for name, text, value, factor in (
        (
            "offset_seconds",
            "Time offset in between local system and reference clock.",
            found.offset,
            small,
        ),
        ("maxerror_seconds", "Maximum error in seconds.", found.maxerror, 1e-6),
        ("estimated_error_seconds", "Estimated error in seconds.", found.esterror, 1e-6),
        ("status", "Value of the status array bits.", found.status, 1),
        ("loop_time_constant", "Phase-locked loop time constant.", found.constant, 1),
        ("tick_seconds", "Seconds between clock ticks.", found.tick, 1e-6),
        ("pps_frequency_hertz", "Pulse per second frequency.", found.ppsfreq, PPM_16),
        ("pps_jitter_seconds", "Pulse per second jitter.", found.jitter, small),
        ("pps_shift_seconds", "Pulse per second interval duration.", found.shift, 1),
        (
            "pps_stability_hertz",
            "Pulse per second stability, average of recent frequency changes.",
            found.stabil,
            PPM_16,
        ),
        ("tai_offset_seconds", "International Atomic Time (TAI) offset.", found.tai, 1),
    ):
        yield single(f"node_timex_{name}", "gauge", text, scaled(value, factor))
    ratio = 1 + found.freq * PPM_16
    text = "Local clock frequency adjustment."
    yield single("node_timex_frequency_adjustment_ratio", "gauge", text, ratio)
    text = "Is clock synchronized to a reliable server (1 = yes, 0 = no)."
    yield single("node_timex_sync_status", "gauge", text, state != TIME_ERROR)
    for name, text, count in (
        ("jitter", "jitter limit exceeded events", found.jitcnt),
        ("calibration", "calibration intervals", found.calcnt),
        ("error", "calibration errors", found.errcnt),
        ("stability_exceeded", "stability limit exceeded events", found.stbcnt),
    ):
        full = f"Pulse per second count of {text}."
        yield single(f"node_timex_pps_{name}_total", "counter", full, count)


def read_timex() -> tuple[Timex, int]:
    """Return the state of the kernel's clock, and the result of the call. With modes = 0 it changes nothing."""
    found = Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(found))
    if state < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return found, state
