"""The failed and restarting units of systemd, over D-Bus (org.freedesktop.systemd1(5)).

Imports jeepney (the extra ``systemd``), so this module is imported at the first reading, on a worker. Every user may
read these properties; nothing is started or changed. process 1 itself makes the answers, so there are few calls: one
every 10 s, and two for each unit that is shown.

A service that crashes now and then is mostly ``running`` when it is looked at. So every 5 minutes the restart count of
all services is read, and those that were restarted a short time ago are watched for as long as that is true. This sweep
is the last part of a reading, so that if it fails, the units that were listed are still known.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageFlag,
    MessageType,
    new_method_call,
)
from jeepney.io.blocking import DBusConnection, prep_socket

from .. import counters
from ..source import Clock

log = logging.getLogger(__name__)

READ_SECONDS = 20.0  # limit of the time for a whole reading
SWEEP_SECONDS = 300.0
SWEEP_READ_SECONDS = 10.0  # limit of the time for a sweep, within that of the reading
# A service that was restarted longer ago is no longer shown.
RECENT_SECONDS = 600.0
MAX_UNITS = 64  # shown, and watched
MAX_SERVICES = 2000  # in a sweep
MAX_CHARACTERS = 256

NAME = "org.freedesktop.systemd1"
MANAGER = DBusAddress("/org/freedesktop/systemd1", NAME, f"{NAME}.Manager")
PROPERTIES = "org.freedesktop.DBus.Properties"
# ListUnitsFiltered takes active states and sub states. auto-restart-queued exists since systemd 254.
STATES = ["failed", "auto-restart", "auto-restart-queued"]
ABSENT = frozenset(
    {"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"}
)
# When a unit left the state inactive or failed, and when it was up. The newer one is that of its last start: unlike
# StateChangeTimestamp, a reload does not change them (unit_notify() in src/core/unit.c).
STARTED = ("InactiveExitTimestamp", "ActiveEnterTimestamp")
ROW_FIELDS = 10  # of a unit in a list


class BusError(Exception):
    """The answer to a call is an error: the method, and the name of the error."""

    def __init__(self, method: str, name: str) -> None:
        super().__init__(method, name)
        self.method = method
        self.name = name

    def __str__(self) -> str:
        return f"{self.method}: {self.name}"


@dataclass(frozen=True, slots=True)
class _Row:
    """One unit in a list of systemd."""

    name: str
    path: str  # on the bus
    has_failed: bool = field(compare=False)  # when it was listed


@dataclass(frozen=True, slots=True)
class UnitState:
    """One unit as systemd describes it."""

    name: str
    description: str | None
    active_state: str
    sub_state: str
    result: str | None  # why it ended, of a service
    since_unix: float | None  # when it failed, or was started last; seconds since 1970
    restarts: int | None  # of a service

    @property
    def has_failed(self) -> bool:
        """Whether systemd has given it up."""
        return self.active_state == "failed"

    def is_restarting(self, realtime: float) -> bool:
        """Return whether it waits for a restart, or was restarted a short time ago."""
        if self.has_failed:
            return False
        if self.sub_state.startswith("auto-restart"):
            return True
        if not self.restarts or self.active_state == "inactive" or self.since_unix is None:
            return False
        return realtime - self.since_unix < RECENT_SECONDS


@dataclass(frozen=True, slots=True)
class UnitStates:
    """The units that failed, then those that are restarted, at most MAX_UNITS; and how many there are in all."""

    failed: int
    restarting: int
    shown: tuple[UnitState, ...]


class _Connection(DBusConnection):  # type: ignore[misc]  # jeepney has no types
    """A connection on which all answers together end at a deadline. jeepney's first call has no timeout of its own."""

    def __init__(self, socket_path: str) -> None:
        self._deadline = time.monotonic() + READ_SECONDS
        connected = prep_socket(socket_path, timeout=READ_SECONDS)
        try:
            connected.settimeout(READ_SECONDS)
            super().__init__(connected)
        except BaseException:
            if selector := getattr(self, "selector", None):
                selector.close()
            connected.close()
            raise

    def limit(self, seconds: float) -> None:
        """Let the deadline be at most ``seconds`` from now."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def receive(self, *, timeout: float | None = None) -> Message:
        """Return the next message. Raises TimeoutError at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("systemd does not answer in time")
        return super().receive(timeout=left if timeout is None else min(left, timeout))

    def answer(self, address: DBusAddress, method: str, signature: str, *arguments: object) -> Any:
        """Call a method, and return the first value of its answer. Raises BusError, OSError."""
        message = new_method_call(address, method, signature, arguments)
        message.header.flags |= MessageFlag.no_auto_start
        reply = self.send_and_get_reply(message)
        if reply.header.message_type == MessageType.error:
            raise BusError(method, str(reply.header.fields.get(HeaderFields.error_name)))
        return reply.body[0]


class SystemdBus:
    """Reads the units over a connection that exists during one reading. One worker at a time uses it."""

    def __init__(self, socket_path: str, clock: Clock) -> None:
        self._socket_path = socket_path
        self._clock = clock
        self._sweep_at: float | None = None
        self._watched: tuple[_Row, ...] = ()  # services that were restarted a short time ago
        self._failed: frozenset[str] = frozenset()  # that were shown

    def maybe_read(self) -> UnitStates | None:
        """Return the units that failed or are restarted. None: systemd is not on this bus.

        Raises BusError, OSError, or what jeepney raises for an answer that is not D-Bus.
        """
        connection = _Connection(self._socket_path)
        try:
            return self._read(connection)
        except BusError as error:
            if error.name in ABSENT:
                return None
            raise
        finally:
            connection.close()

    def _read(self, connection: _Connection) -> UnitStates:
        listed = _rows(connection.answer(MANAGER, "ListUnitsFiltered", "as", STATES))
        # A failed unit that is shown stays, or its alert would resolve when another unit fails.
        listed.sort(key=lambda row: (not row.has_failed, row.name not in self._failed, row.name))
        found: dict[_Row, UnitState | None] = {}
        for row in (*listed[:MAX_UNITS], *(row for row in self._watched if row not in listed)):
            found[row] = _maybe_unit(connection, row)
        now = self._clock.monotonic()
        if self._sweep_at is None or now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS  # also if it fails: it is the most expensive part
            self._sweep(connection, found)
        realtime = self._clock.realtime()
        units = sorted((unit for unit in found.values() if unit), key=lambda unit: unit.name)
        failed = [unit for unit in units if unit.has_failed]
        self._failed = frozenset(unit.name for unit in failed)
        restarting = [unit for unit in units if unit.is_restarting(realtime)]
        recent = [row for row, unit in found.items() if unit and unit.is_restarting(realtime)]
        recent.sort(key=lambda row: row in listed)  # Those that are listed are found anyway.
        self._watched = tuple(recent[:MAX_UNITS])
        unread = [row.has_failed for row in listed if row not in found]
        return UnitStates(
            len(failed) + unread.count(True),
            len(restarting) + unread.count(False),
            tuple(failed + restarting)[:MAX_UNITS],
        )

    def _sweep(self, connection: _Connection, found: dict[_Row, UnitState | None]) -> None:
        """Add the running services that systemd restarted a short time ago. Failures are logged only."""
        connection.limit(SWEEP_READ_SECONDS)
        states, patterns = ["active", "activating"], ["*.service"]
        realtime = self._clock.realtime()
        added = 0
        try:
            rows = _rows(
                connection.answer(MANAGER, "ListUnitsByPatterns", "asas", states, patterns)
            )
            for row in rows[:MAX_SERVICES]:
                if added >= MAX_UNITS:
                    return
                if row in found or not _maybe_restarts(connection, row):
                    continue
                unit = _maybe_unit(connection, row)
                if unit is not None and unit.is_restarting(realtime):
                    found[row] = unit
                    added += 1
        except (BusError, OSError) as error:
            log.debug("Restarted services are unknown: %s", error)


def _maybe_restarts(connection: _Connection, row: _Row) -> int | None:
    """Return how often systemd has restarted a service since it was started, or None if it is gone."""
    address = DBusAddress(row.path, NAME, PROPERTIES)
    try:
        answer = connection.answer(address, "Get", "ss", f"{NAME}.Service", "NRestarts")
    except BusError:
        return None
    return _maybe_number(answer[1])


def _maybe_unit(connection: _Connection, row: _Row) -> UnitState | None:
    """Return a unit that was listed, or None if it is gone."""
    about = _maybe_properties(connection, row.path, "Unit")
    if about is None:
        return None
    is_service = row.name.endswith(".service")
    service = (_maybe_properties(connection, row.path, "Service") if is_service else None) or {}
    active_state = _text(about.get("ActiveState"))
    events = ("StateChangeTimestamp",) if active_state == "failed" else STARTED
    since = max(_maybe_number(about.get(event)) or 0 for event in events)
    return UnitState(
        row.name,
        _text(about.get("Description")) or None,
        active_state,
        _text(about.get("SubState")),
        _text(service.get("Result")) or None,
        round(since / 1e6, 3) if since else None,  # 0: never
        _maybe_number(service.get("NRestarts")),
    )


def _maybe_properties(
    connection: _Connection, path: str, interface: str
) -> Mapping[str, object] | None:
    """Return all properties of an interface, or None if the unit is gone."""
    try:
        found = connection.answer(
            DBusAddress(path, NAME, PROPERTIES), "GetAll", "s", f"{NAME}.{interface}"
        )
    except BusError:
        return None
    return {name: value for name, (_, value) in found.items()}


def _rows(rows: list[tuple[Any, ...]]) -> list[_Row]:
    """Return the units of a list. Of each, the first field is the name, the fourth the active state."""
    return [
        _Row(_text(row[0]), str(row[6]), row[3] == "failed")
        for row in rows
        if len(row) == ROW_FIELDS
    ]


def _maybe_number(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < counters.NEGATIVE_FROM else None


def _text(value: object) -> str:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else ""
