"""systemd over D-Bus: a server of the test on a real socket, and a real bus."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import DBusAddress, Message, MessageType, new_error, new_method_call, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from telemetry_stream.metrics.source import Clock
from telemetry_stream.metrics.sources import systemd_bus
from telemetry_stream.metrics.sources.systemd_bus import (
    MAX_UNITS,
    RECENT_SECONDS,
    SWEEP_SECONDS,
    BusError,
    SystemdBus,
    UnitState,
    UnitStates,
)
from tests.metrics.sources.fake_systemd import FakeSystemd, is_call
from tests.metrics.trees import Tree

NOW = 1_764_000_000.0  # the time of a tree


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """The path of a socket, which may have at most 107 bytes."""
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield f"/proc/self/fd/{directory}/bus"
    os.close(directory)


@pytest.fixture
def systemd(path: str) -> Iterator[FakeSystemd]:
    """A systemd without units."""
    made = FakeSystemd(path)
    yield made
    made.close()


@pytest.fixture
def bus(path: str, tree: Tree) -> SystemdBus:
    """The reader, on the clocks of a tree."""
    return SystemdBus(path, tree.clock)


def names(bus: SystemdBus) -> list[str]:
    """Return the names of the units of a reading."""
    return [unit.name for unit in shown(bus)]


def shown(bus: SystemdBus) -> tuple[UnitState, ...]:
    """Return the units of a reading."""
    reading = bus.maybe_read()
    assert reading is not None
    return reading.shown


def test_failed_and_restarting_units(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """Since when, why, and how often. A unit that is no service has no result and no restarts."""
    systemd.put("db.service", "failed", "failed", changed=NOW - 60, Result="oom-kill", NRestarts=5)
    systemd.put("srv.mount", "failed", "failed", changed=NOW - 1.5)
    systemd.put("web.service", "activating", "auto-restart", Result="exit-code", NRestarts=41)
    systemd.put("ok.service", "active", "running", changed=NOW - 5, Result="success", NRestarts=0)
    systemd.put("a.timer", "active", "waiting")
    db = UnitState("db.service", "About db.service", "failed", "failed", "oom-kill", NOW - 60, 5)
    srv = UnitState("srv.mount", "About srv.mount", "failed", "failed", None, NOW - 1.5, None)
    web = UnitState(
        "web.service", "About web.service", "activating", "auto-restart", "exit-code", None, 41
    )
    assert bus.maybe_read() == UnitStates(failed=2, restarting=1, shown=(db, srv, web))


def test_a_healthy_host_costs_one_call(systemd: FakeSystemd, bus: SystemdBus, tree: Tree) -> None:
    """And every 5 minutes one for each service."""
    systemd.put("ok.service", "active", "running", NRestarts=0)
    for _ in range(2):
        assert names(bus) == []
    methods = [method for method, _ in systemd.calls]
    assert methods == ["ListUnitsFiltered", "ListUnitsByPatterns", "Get", "ListUnitsFiltered"]
    tree.advance(SWEEP_SECONDS)
    names(bus)
    assert [method for method, _ in systemd.calls[4:]] == methods[:3]


def test_a_service_that_was_restarted_and_is_running(
    systemd: FakeSystemd, bus: SystemdBus, tree: Tree
) -> None:
    """It is found by its count, watched, and no longer shown 10 minutes after its last restart."""
    systemd.put("web.service", "active", "running", changed=NOW - 5, NRestarts=3)
    systemd.put("old.service", "active", "running", changed=NOW - RECENT_SECONDS, NRestarts=9)
    assert names(bus) == ["web.service"]
    systemd.put("web.service", "active", "running", changed=NOW + 200, NRestarts=4)
    tree.advance(250)
    (unit,) = shown(bus)
    assert (unit.restarts, unit.since_unix) == (4, NOW + 200)
    tree.advance(RECENT_SECONDS)
    assert names(bus) == []


def test_a_service_that_waited_for_its_restart_is_watched(
    systemd: FakeSystemd, bus: SystemdBus, tree: Tree
) -> None:
    """Until 10 minutes after the restart, also between two sweeps."""
    names(bus)
    systemd.put("web.service", "activating", "auto-restart", NRestarts=3)
    assert names(bus) == ["web.service"]
    systemd.put("web.service", "active", "running", changed=NOW, NRestarts=3)
    assert names(bus) == ["web.service"]
    tree.advance(RECENT_SECONDS)
    assert names(bus) == []


def test_a_reload_is_no_restart(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """A service that was restarted once, a month ago, and is reloaded each night."""
    month = NOW - 30 * 86400
    systemd.put("nginx.service", "active", "running", changed=month, reloaded=NOW - 5, NRestarts=1)
    assert names(bus) == []


def test_a_service_that_does_not_get_up(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """It ends while it starts, so it was never active, or only long ago."""
    systemd.put("web.service", "activating", "start", changed=NOW - 5, NRestarts=3)
    systemd.units["web.service"]["ActiveEnterTimestamp"] = ("t", 1_000_000)
    (unit,) = shown(bus)
    assert unit.since_unix == NOW - 5


def test_a_service_that_was_stopped_is_not_restarted(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """Its count stays until it is started again."""
    systemd.put("web.service", "active", "running", changed=NOW - 5, NRestarts=3)
    assert names(bus) == ["web.service"]
    systemd.units["web.service"] |= {"ActiveState": ("s", "inactive"), "SubState": ("s", "dead")}
    assert names(bus) == []


def test_old_restarts_hide_no_failed_unit(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """Services that were restarted a month ago are read at a sweep only."""
    for number in range(MAX_UNITS + 6):
        name = f"aworker@{number}.service"
        systemd.put(name, "active", "running", changed=NOW - 30 * 86400, NRestarts=1)
    systemd.put("zfs-mount.service", "failed", "failed", Result="exit-code", NRestarts=0)
    assert names(bus) == ["zfs-mount.service"]
    swept = len(systemd.calls)
    assert names(bus) == ["zfs-mount.service"]
    assert [method for method, _ in systemd.calls[swept:]] == ["ListUnitsFiltered"] + 2 * ["GetAll"]


def test_restarted_services_hide_no_failed_unit(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """All of them are counted: those that wait, and those that run again."""
    systemd.put("z.service", "failed", "failed", Result="exit-code", NRestarts=0)
    for number in range(MAX_UNITS):
        systemd.put(f"a{number:03}.service", "active", "running", changed=NOW - 5, NRestarts=1)
        systemd.put(f"b{number:03}.service", "activating", "auto-restart", NRestarts=1)
    for _ in range(2):
        reading = bus.maybe_read()
        assert reading is not None
        assert (reading.failed, reading.restarting) == (1, 2 * MAX_UNITS)
        assert [unit.name for unit in reading.shown[:2]] == ["z.service", "a000.service"]
        assert len(reading.shown) == MAX_UNITS


def test_a_unit_may_vanish_during_the_reading(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """It was collected after it was listed."""
    systemd.put("a.service", "failed", "failed", Result="signal", NRestarts=0)
    systemd.put("b.service", "failed", "failed", Result="signal", NRestarts=0)

    def answer(call: Message) -> Message | None:
        if is_call(call, "GetAll") and "a" in systemd.units:
            return None
        if is_call(call, "GetAll"):
            systemd.units.pop("a.service", None)
        return None

    systemd.answer = answer
    assert names(bus) == ["b.service"]


def test_the_units_are_limited(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """A thousand failed units are a thousand calls. All are counted. Texts are limited, too."""
    for number in range(MAX_UNITS + 5):
        systemd.put(f"u{number:03}.mount", "failed", "failed")
    systemd.put("w.service", "activating", "auto-restart", NRestarts=1)
    systemd.units["u000.mount"]["Description"] = ("s", "x" * 5000)
    for _ in range(2):
        reading = bus.maybe_read()
        assert reading is not None
        assert (reading.failed, reading.restarting) == (MAX_UNITS + 5, 1)
        assert len(reading.shown) == MAX_UNITS
        assert reading.shown[0].description == "x" * systemd_bus.MAX_CHARACTERS


def test_a_failed_unit_stays_when_others_fail(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """Beyond the limit too: a unit that is missing is one that works again."""
    for number in range(MAX_UNITS):
        systemd.put(f"m{number:03}.mount", "failed", "failed")
    first = names(bus)
    for number in range(MAX_UNITS):
        systemd.put(f"a{number:03}.mount", "failed", "failed")
        systemd.put(f"z{number:03}.mount", "failed", "failed")
    assert names(bus) == names(bus) == first
    del systemd.units["m005.mount"]
    assert names(bus) == ["a000.mount", *(name for name in first if name != "m005.mount")]


@pytest.mark.parametrize("error", ["ServiceUnknown", "NameHasNoOwner"])
def test_a_bus_without_systemd(systemd: FakeSystemd, bus: SystemdBus, error: str) -> None:
    """It is not started for the question."""
    systemd.answer = lambda call: (
        None if is_call(call, "Hello") else new_error(call, f"org.freedesktop.DBus.Error.{error}")
    )
    assert bus.maybe_read() is None


def test_an_error_has_the_method_and_the_name(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """For example if the bus does not permit the call."""
    systemd.answer = lambda call: (
        None if is_call(call, "Hello") else new_error(call, "org.example.AccessDenied")
    )
    with pytest.raises(BusError, match=r"ListUnitsFiltered: org\.example\.AccessDenied"):
        bus.maybe_read()


@pytest.mark.parametrize("method", ["Hello", "ListUnitsFiltered", "GetAll"])
def test_a_bus_that_hangs_is_given_up(
    systemd: FakeSystemd, bus: SystemdBus, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """At any point: the whole reading has one deadline."""
    monkeypatch.setattr(systemd_bus, "READ_SECONDS", 0.3)
    systemd.put("a.service", "failed", "failed", Result="signal", NRestarts=0)
    systemd.answer = lambda call: systemd.HANG if is_call(call, method) else None
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        bus.maybe_read()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("method", ["ListUnitsByPatterns", "Get"])
@pytest.mark.parametrize("hangs", [True, False])
def test_a_sweep_that_fails_costs_only_its_own_part(
    systemd: FakeSystemd,
    bus: SystemdBus,
    tree: Tree,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    hangs: bool,
) -> None:
    """The failed units that were listed are known, and it is repeated with the next one only."""
    monkeypatch.setattr(systemd_bus, "SWEEP_READ_SECONDS", 0.3)
    systemd.put("a.service", "failed", "failed", Result="signal", NRestarts=0)
    systemd.put("web.service", "active", "running", changed=NOW + 295, NRestarts=3)
    swept = []

    def answer(call: Message) -> object:
        if not is_call(call, method):
            return None
        swept.append(call)
        return systemd.HANG if hangs else new_error(call, "org.example.LimitsExceeded")

    systemd.answer = answer
    assert names(bus) == ["a.service"]
    systemd.release()
    assert names(bus) == ["a.service"]
    assert len(swept) == 1
    systemd.answer = lambda _: None
    tree.advance(SWEEP_SECONDS)
    assert names(bus) == ["a.service", "web.service"]


@pytest.mark.parametrize(
    "garbage", [b"\0" * 64, b"l\7\0\1" + b"\xff" * 60, b"HTTP/1.1 400 No\r\n\r\n"]
)
def test_an_answer_that_is_not_d_bus_is_an_error(
    systemd: FakeSystemd, bus: SystemdBus, monkeypatch: pytest.MonkeyPatch, garbage: bytes
) -> None:
    """Or it ends at the deadline, if it announces more than it sends."""
    monkeypatch.setattr(systemd_bus, "READ_SECONDS", 0.3)
    systemd.answer = lambda call: garbage if is_call(call, "ListUnitsFiltered") else None
    with pytest.raises(Exception):  # noqa: B017, PT011  (jeepney has no common base of its errors)
        bus.maybe_read()


def test_odd_values_lose_only_themselves(systemd: FakeSystemd, bus: SystemdBus) -> None:
    """A property of another type, and a value that is not a number."""
    systemd.put("a.service", "failed", "failed", Result="signal", NRestarts=0)
    systemd.units["a.service"] |= {
        "Description": ("i", -1),
        "StateChangeTimestamp": ("t", (1 << 64) - 1),  # of a failed unit
        "NRestarts": ("i", -5),
    }
    assert shown(bus) == (UnitState("a.service", None, "failed", "failed", "signal", None, None),)


def test_without_a_bus_the_reason_is_that_of_the_system(bus: SystemdBus) -> None:
    """No socket."""
    with pytest.raises(FileNotFoundError):
        bus.maybe_read()


BUS_CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
  </policy>
</busconfig>
"""


def test_a_real_bus(tmp_path: Path, tree: Tree) -> None:
    """With a service that answers under the name of systemd, and without it."""
    path = os.path.relpath(tmp_path / "bus")
    configuration = tmp_path / "bus.conf"
    configuration.write_text(BUS_CONFIGURATION.format(path=tmp_path / "bus"))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
    )
    try:
        assert daemon.stdout is not None
        assert daemon.stdout.readline().startswith(b"unix:path=")
        bus = SystemdBus(path, Clock(time.monotonic, time.monotonic, lambda: NOW))
        assert bus.maybe_read() is None
        systemd = open_dbus_connection(f"unix:path={path}")
        systemd.send_and_get_reply(message_bus.RequestName(systemd_bus.NAME))
        server = threading.Thread(target=serve_an_empty_list, args=(systemd,))
        server.start()
        assert bus.maybe_read() == UnitStates(0, 0, ())
        stop = new_method_call(DBusAddress("/", systemd_bus.NAME, "org.example.Test"), "Stop")
        with open_dbus_connection(f"unix:path={path}") as client:
            client.send_and_get_reply(stop, timeout=10)
        server.join()
        systemd.close()
    finally:
        daemon.terminate()
        daemon.wait()
        daemon.stdout.close()  # type: ignore[union-attr]


def serve_an_empty_list(connection: object) -> None:
    """Answer each call with an empty list of units, until ``Stop``."""
    while True:
        call = connection.receive(timeout=30)  # type: ignore[attr-defined]
        if call.header.message_type != MessageType.method_call:
            continue
        connection.send(new_method_return(call, "a(ssssssouso)", ([],)))  # type: ignore[attr-defined]
        if is_call(call, "Stop"):
            return
