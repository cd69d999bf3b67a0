"""The failed and restarting units of systemd, over D-Bus (org.freedesktop.systemd1(5)).

Imports jeepney (the extra ``systemd``), so this module is imported at the first reading, on a worker. Every user may
read these properties; nothing is started or changed. systemd writes its answers itself, so it is asked little: one call
every 10 s, and two for each unit that is shown.

A service that crashes now and then is mostly ``running`` when it is looked at. So every 5 minutes the restart count of
all services is read, and those that were restarted are watched. This sweep is the last part of a reading, so that if it
fails, the units that were listed are still known.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
# A restarted service whose state has not changed for so long is no longer shown.
RECENT_SECONDS = 600.0
MAX_UNITS = 64  # shown
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
ROW_FIELDS = 10  # of a unit in a list; the first is its name, the seventh its path on the bus


class BusError(Exception):
    """The answer to a call is an error: the method, and the name of the error."""

    def __init__(self, method: str, name: str) -> None:
        super().__init__(method, name)
        self.method = method
        self.name = name

    def __str__(self) -> str:
        return f"{self.method}: {self.name}"


@dataclass(frozen=True, slots=True)
class UnitState:
    """One unit as systemd describes it."""

    name: str
    description: str | None
    active_state: str
    sub_state: str
    result: str | None  # why it ended, of a service
    changed_unix: float | None  # seconds since 1970
    restarts: int | None  # of a service

    @property
    def has_failed(self) -> bool:
        """Whether systemd has given it up."""
        return self.active_state == "failed"

    def is_restarting(self, realtime: float) -> bool:
        """Return whether it waits for a restart, or was restarted a short time ago."""
        if self.sub_state.startswith("auto-restart"):
            return True
        recent = self.changed_unix is not None and realtime - self.changed_unix < RECENT_SECONDS
        return bool(self.restarts) and recent


class _Connection(DBusConnection):  # type: ignore[misc]  # jeepney has no types
    """A connection on which all answers together end at a deadline. jeepney's first call has no timeout of its own."""

    def __init__(self, socket_path: str) -> None:
        self._deadline = time.monotonic() + READ_SECONDS
        connected = prep_socket(socket_path, timeout=READ_SECONDS)
        try:
            connected.settimeout(READ_SECONDS)
            super().__init__(connected)
        except BaseException:
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
        self._restarted: frozenset[tuple[str, str]] = frozenset()  # names and paths of services

    def maybe_read(self) -> tuple[UnitState, ...] | None:
        """Return the units that failed or are restarted, by name. None: systemd is not on this bus.

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

    def _read(self, connection: _Connection) -> tuple[UnitState, ...]:
        listed = set(_listed(connection.answer(MANAGER, "ListUnitsFiltered", "as", STATES)))
        shown = sorted(listed | self._restarted)[:MAX_UNITS]
        found = [_maybe_unit(connection, name, path) for name, path in shown]
        now = self._clock.monotonic()
        if self._sweep_at is None or now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS  # also if it fails: it is the most expensive part
            found += self._swept(connection, shown)
        realtime = self._clock.realtime()
        return tuple(
            sorted(
                (
                    unit
                    for unit in found
                    if unit is not None and (unit.has_failed or unit.is_restarting(realtime))
                ),
                key=lambda unit: unit.name,
            )[:MAX_UNITS]
        )

    def _swept(
        self, connection: _Connection, shown: Collection[tuple[str, str]]
    ) -> list[UnitState | None]:
        """Find the services to watch, and return those that are not ``shown`` yet. Failures are logged only."""
        connection.limit(SWEEP_READ_SECONDS)
        found: list[UnitState | None] = []
        try:
            self._restarted = _restarted(connection)
            for name, path in sorted(self._restarted.difference(shown))[: MAX_UNITS - len(shown)]:
                found.append(_maybe_unit(connection, name, path))  # keeps those before a failure
        except (BusError, OSError) as error:
            log.debug("Restarted services are unknown: %s", error)
        return found


def _restarted(connection: _Connection) -> frozenset[tuple[str, str]]:
    """Return the running services that systemd has restarted since they were started."""
    states, patterns = ["active", "activating"], ["*.service"]
    rows = _listed(connection.answer(MANAGER, "ListUnitsByPatterns", "asas", states, patterns))
    found = set()
    for name, path in rows[:MAX_SERVICES]:
        address = DBusAddress(path, NAME, PROPERTIES)
        try:
            restarts = connection.answer(address, "Get", "ss", f"{NAME}.Service", "NRestarts")
        except BusError:  # It is gone.
            continue
        if _maybe_number(restarts[1]):
            found.add((name, path))
    return frozenset(found)


def _maybe_unit(connection: _Connection, name: str, path: str) -> UnitState | None:
    """Return a unit by its name and its path on the bus, or None if it is gone."""
    about = _maybe_properties(connection, path, "Unit")
    if about is None:
        return None
    is_service = name.endswith(".service")
    service = (_maybe_properties(connection, path, "Service") if is_service else None) or {}
    changed = _maybe_number(about.get("StateChangeTimestamp"))
    return UnitState(
        name,
        _text(about.get("Description")) or None,
        _text(about.get("ActiveState")),
        _text(about.get("SubState")),
        _text(service.get("Result")) or None,
        round(changed / 1e6, 3) if changed else None,  # 0: never
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


def _listed(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    """Return the name and the path of each unit in a list."""
    return [(_text(row[0]), str(row[6])) for row in rows if len(row) == ROW_FIELDS]


def _maybe_number(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < counters.NEGATIVE_FROM else None


def _text(value: object) -> str:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else ""
