"""The section units, with a systemd of the test."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator

import pytest
from jeepney import Message, new_error

from telemetry_stream.metrics.files import Files
from telemetry_stream.metrics.setup import SelfStats, Setup
from telemetry_stream.metrics.source import SEARCH_SECONDS, Clock, Options, Stale
from telemetry_stream.metrics.sources import systemd_units
from telemetry_stream.metrics.sources.systemd_bus import MAX_UNITS
from telemetry_stream.metrics.sources.systemd_units import READ_SECONDS, Unit, Units, UnitsSource
from tests.conftest import eventually
from tests.metrics.sources.fake_systemd import FakeSystemd, is_call
from tests.metrics.sources.test_systemd_bus import NOW, path, systemd
from tests.metrics.trees import Tree, assert_sane

__all__ = ["path", "systemd"]


@pytest.fixture
def source(tree: Tree, path: str) -> Iterator[UnitsSource]:
    """A source that waits for its worker."""
    made = UnitsSource(tree.clock, path, timeout_seconds=30.0)
    yield made
    made.close()


def test_failed_units_come_first(systemd: FakeSystemd, source: UnitsSource, tree: Tree) -> None:
    """With their counts."""
    systemd.put("b.service", "activating", "auto-restart", Result="exit-code", NRestarts=41)
    systemd.put("c.service", "failed", "failed", changed=NOW, Result="oom-kill", NRestarts=5)
    systemd.put("d.mount", "failed", "failed")
    section = source.collect(tree.tick())
    assert section == Units(
        failed=2,
        restarting=1,
        units=(
            Unit("c.service", "About c.service", "failed", True, "oom-kill", NOW, 5),
            Unit("d.mount", "About d.mount", "failed", True, None, None, None),
            Unit("b.service", "About b.service", "restarting", False, "exit-code", None, 41),
        ),
    )
    assert_sane(section)


def test_all_failed_units_are_counted(
    systemd: FakeSystemd, source: UnitsSource, tree: Tree
) -> None:
    """Those that are not shown, too."""
    for number in range(MAX_UNITS + 36):
        systemd.put(f"u{number:03}.mount", "failed", "failed")
    section = source.collect(tree.tick())
    assert isinstance(section, Units)
    assert (section.failed, len(section.units)) == (MAX_UNITS + 36, MAX_UNITS)


def test_a_healthy_host_has_an_empty_section(
    systemd: FakeSystemd, source: UnitsSource, tree: Tree
) -> None:
    """0 failed units were counted, which is not the same as unknown."""
    assert source.collect(tree.tick()) == Units(0, 0, ())


def test_it_is_read_every_10_s(systemd: FakeSystemd, source: UnitsSource, tree: Tree) -> None:
    """Between, the section is the same."""
    first = source.collect(tree.tick())
    systemd.put("d.mount", "failed", "failed")
    assert source.collect(tree.tick(READ_SECONDS - 1)) is first
    second = source.collect(tree.tick(1.0))
    assert isinstance(second, Units)
    assert second.failed == 1


def test_a_host_without_systemd_has_no_section(
    tree: Tree, path: str, source: UnitsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket of the bus is looked for every 30 s, and jeepney is not imported."""
    monkeypatch.setitem(sys.modules, "telemetry_stream.metrics.sources.systemd_bus", None)
    assert source.collect(tree.tick()) is None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os.path, "exists", lambda _: pytest.fail("looked for"))
        assert source.collect(tree.tick(SEARCH_SECONDS - 1)) is None
    assert UnitsSource(tree.clock, None).collect(tree.tick()) is None


def test_the_bus_may_appear_later(tree: Tree, path: str, source: UnitsSource) -> None:
    """The program may start before it."""
    assert source.collect(tree.tick()) is None
    made = FakeSystemd(path)
    try:
        assert source.collect(tree.tick(SEARCH_SECONDS)) == Units(0, 0, ())
    finally:
        made.close()


def test_the_bus_may_disappear(
    systemd: FakeSystemd, tree: Tree, path: str, source: UnitsSource
) -> None:
    """Then the units are unknown, also at first when it appears again."""
    systemd.put("d.mount", "failed", "failed")
    assert source.collect(tree.tick()) is not None
    os.rename(path, f"{path}.old")
    for _ in range(3):
        assert source.collect(tree.tick(READ_SECONDS)) is None
    os.rename(f"{path}.old", path)
    source._blocking._timeout_seconds = 0.0
    systemd.answer = lambda call: systemd.HANG
    assert source.collect(tree.tick(SEARCH_SECONDS)) is None


def test_without_jeepney_the_section_is_absent(
    systemd: FakeSystemd,
    source: UnitsSource,
    tree: Tree,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line of the log has the reason, and it is not tried again."""
    caplog.set_level(logging.INFO, systemd_units.__name__)
    monkeypatch.setitem(sys.modules, "jeepney", None)
    monkeypatch.delitem(sys.modules, "telemetry_stream.metrics.sources.systemd_bus", raising=False)
    for _ in range(3):
        assert source.collect(tree.tick(READ_SECONDS)) is None
    assert [record.getMessage() for record in caplog.records] == [
        "Section units is absent: the extra systemd is not installed"
    ]


def test_a_bus_without_systemd_is_asked_every_30_s(
    systemd: FakeSystemd, source: UnitsSource, tree: Tree
) -> None:
    """The section is absent."""
    asked = []

    def answer(call: Message) -> Message | None:
        if is_call(call, "Hello"):
            return None
        asked.append(call)
        return new_error(call, "org.freedesktop.DBus.Error.ServiceUnknown")

    systemd.answer = answer
    for _ in range(7):
        assert source.collect(tree.tick(READ_SECONDS)) is None
    assert len(asked) == 3


def test_a_failure_is_reported(source: UnitsSource, tree: Tree, path: str) -> None:
    """Until the next reading works, and its traceback does not grow. The socket is there, but nobody listens."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        lengths = []
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError) as caught:
                source.collect(tree.tick())
            lengths.append(len(caught.traceback))
        assert len(set(lengths)) == 1


def test_a_systemd_that_hangs_delays_no_tick(systemd: FakeSystemd, tree: Tree, path: str) -> None:
    """The section is that of before, and stale."""
    source = UnitsSource(tree.clock, path)
    source.collect(tree.tick())
    assert eventually(lambda: source._blocking.maybe_result(path) is not None)
    systemd.answer = lambda call: systemd.HANG
    assert source.collect(tree.tick(READ_SECONDS)) == Units(0, 0, ())
    assert source.collect(tree.tick(5.0)) == Stale(Units(0, 0, ()), 15.0)
    source.close()


@pytest.mark.parametrize("is_booted", [True, False])
def test_only_the_systemd_of_the_running_system_is_asked(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, is_booted: bool
) -> None:
    """Not for the /proc of another host, and not if systemd did not boot this one."""
    monkeypatch.setattr(systemd_units, "BOOTED", tree.proc if is_booted else f"{tree.proc}/none")
    paths = []
    for proc in ("/proc", tree.proc):
        setup = Setup(Files(proc, "/sys", Clock()), Options(), SelfStats())
        (made,) = systemd_units.build(setup)
        assert isinstance(made, UnitsSource)
        paths.append(made._path)
    assert paths == [systemd_units.BUS_SOCKET if is_booted else None, None]
