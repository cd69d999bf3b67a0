"""Units of systemd that failed or are restarted. systemd_bus.py reads them, on a worker, every 10 s.

The section is absent on a host that systemd did not boot, without jeepney (the extra ``systemd``), and if the /proc
that is read is that of another host: its bus is out of reach.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from ..blocking import HUNG_SECONDS, Blocking, Result
from ..section import Field, OffPage, Part, Section
from ..setup import Setup
from ..source import SEARCH_SECONDS, Clock, Now, Source, Stale

if TYPE_CHECKING:
    from .systemd_bus import SystemdBus, UnitStates

log = logging.getLogger(__name__)

READ_SECONDS = 10.0
BUS_SOCKET = "/run/dbus/system_bus_socket"
BOOTED = "/run/systemd/system"  # as sd_booted(3) does


@dataclass(slots=True)
class Unit:
    """One unit that failed or is restarted."""

    name: Annotated[str, Field("Its name with the type.", is_identity=True)]
    description: Annotated[str | None, "Its description."]
    state: Annotated[
        str,
        "failed, or restarting: it waits for a restart, or systemd restarted it in the last 10 minutes.",
    ]
    failed: OffPage[
        Annotated[
            bool,
            Field(
                "Whether the state is failed.",
                prometheus="node_systemd_unit_state",
                label=("state", "failed"),
            ),
        ]
    ]
    result: Annotated[
        str | None,
        "Why a service ended: exit-code, signal, core-dump, oom-kill, watchdog, timeout, start-limit-hit or another "
        "word of systemd. Null for other units.",
    ]
    since_unix: Annotated[
        float | None,
        Field(
            "When it failed, began to wait, or was started last.",
            unit="seconds since 1970",
            title="since",
        ),
    ]
    restarts: Annotated[
        int | None,
        Field(
            "How often systemd restarted the service since it was started. Null for other units.",
            unit="restarts",
            prometheus="node_systemd_service_restart_total",
            is_counter=True,
        ),
    ]


@dataclass(slots=True)
class Units:
    """The units that failed or are restarted."""

    failed: OffPage[
        Annotated[
            int,
            Field(
                "Units that failed. Should be 0.",
                unit="units",
                prometheus="node_systemd_units",
                label=("state", "failed"),
            ),
        ]
    ]
    restarting: OffPage[
        Annotated[
            int,
            Field(
                "Services that wait for a restart, or that systemd restarted in the last 10 minutes.",
                unit="units",
            ),
        ]
    ]
    units: Annotated[
        tuple[Unit, ...],
        Part(
            text="These units, at most 64. Failed ones come first.",
            prometheus="telemetry_stream_systemd_unit",
        ),
    ]


class UnitsSource:
    """Section ``units``."""

    name = "units"

    def __init__(
        self, clock: Clock, socket_path: str | None, *, timeout_seconds: float = 0.0
    ) -> None:
        """``socket_path`` is the socket of the system's bus. None: systemd did not boot this host."""
        self._clock = clock
        self._path = socket_path
        self._bus: SystemdBus | None = None  # only the worker uses it
        self._blocking: Blocking[str, UnitStates | None] = Blocking(
            "ts-units", self._read, clock, timeout_seconds=timeout_seconds
        )
        self._due_at = -math.inf
        self._is_found = False
        self._section: Units | None = None
        self._result: Result[UnitStates | None] | None = None

    def collect(self, now: Now) -> Units | Stale | None:
        """Return None on a host without systemd. Never waits for it. Raises what the reading raised."""
        if self._path is None:
            return None
        if now.monotonic >= self._due_at:
            self._is_found = os.path.exists(self._path)
            is_absent = not self._is_found or (
                self._result is not None and self._result.value is None
            )
            self._due_at = now.monotonic + (SEARCH_SECONDS if is_absent else READ_SECONDS)
            if self._is_found:
                self._blocking.request([self._path])
            else:
                self._blocking.forget([self._path])
        if not self._is_found:
            return None
        self._blocking.check_workers()
        result = self._blocking.maybe_result(self._path)
        if result is None:
            return None
        if result is not self._result:
            self._result = result
            self._section = None if result.value is None else units(result.value)
        if isinstance(result.error, ImportError):
            log.info("Section units is absent: the extra systemd is not installed")
            self._path = None
            return None
        if result.error is not None:
            raise result.error.with_traceback(None)  # else it grows in each tick
        if self._section is not None and self._blocking.pending_seconds(self._path) > HUNG_SECONDS:
            return Stale(self._section, round(max(0.0, self._clock.monotonic() - result.at), 1))
        return self._section

    def close(self) -> None:
        """End the idle workers."""
        self._blocking.close()
        self._due_at = -math.inf

    def _read(self, path: str) -> UnitStates | None:
        """Runs on a worker. Raises ImportError without jeepney."""
        from .systemd_bus import SystemdBus  # noqa: PLC0415  # imports jeepney: 1.5 MiB

        if self._bus is None:
            self._bus = SystemdBus(path, self._clock)
        return self._bus.maybe_read()


def units(found: UnitStates) -> Units:
    """Return the section."""
    rows = [
        Unit(
            unit.name,
            unit.description,
            "failed" if unit.has_failed else "restarting",
            unit.has_failed,
            unit.result,
            unit.since_unix,
            unit.restarts,
        )
        for unit in found.shown
    ]
    return Units(found.failed, found.restarting, tuple(rows))


SECTIONS = (
    Section(
        UnitsSource,
        Units,
        title="Units",
        text="systemd's units that failed or are restarted. Read every 10 s; restarts between two readings are found "
        "within 5 minutes. Requires the extra systemd.",
        files="org.freedesktop.systemd1 on D-Bus",
        prometheus="telemetry_stream_systemd_units",
        nulls="The section is absent without systemd, without the extra, and if the numbers are those of another host.",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    path = BUS_SOCKET if setup.files.is_system and os.path.isdir(BOOTED) else None
    return (UnitsSource(setup.files.clock, path, timeout_seconds=setup.options.timeout_seconds),)
