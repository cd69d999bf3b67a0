"""Addresses and signals in the rows of interfaces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry_stream.metrics.files import Files
from telemetry_stream.metrics.sources import addresses
from telemetry_stream.metrics.sources.network import REFRESH_SECONDS, InterfacesSource
from telemetry_stream.metrics.sources.rtnl import SIGNAL_SECONDS
from tests.metrics.sources.test_addresses import message
from tests.metrics.sources.test_network import HEAD, Host, line, make
from tests.metrics.sources.test_wireless import HEAD as WIRELESS_HEAD
from tests.metrics.sources.test_wireless import LINE
from tests.metrics.trees import Tree

TWO = line("eth0", (0, 0, 0, 0)) + line("wlan0", (0, 0, 0, 0))


@pytest.fixture
def host(tree: Tree) -> Iterator[Host]:
    """A host with eth0 (2) and wlan0 (3), whose worker ends after the test."""
    make(tree, "eth0", ifindex=2)
    make(tree, "wlan0", ifindex=3)
    tree.put("sys/class/net/wlan0/wireless/level", "0x38\n")
    made = Host(tree)
    yield made
    made.source.close()


def test_only_wireless_interfaces_have_a_signal(tree: Tree, host: Host) -> None:
    """It is read every few seconds. Without a connection it is unknown."""
    tree.put("proc/net/wireless", WIRELESS_HEAD + LINE.format("wlan0", "-56."))
    rows, _ = host.read(TWO)
    assert (rows["eth0"].signal_dbm, rows["wlan0"].signal_dbm) == (None, -56)
    tree.put("proc/net/wireless", WIRELESS_HEAD)
    rows, _ = host.read(TWO, seconds=SIGNAL_SECONDS / 2)
    assert rows["wlan0"].signal_dbm == -56
    rows, _ = host.read(TWO, seconds=SIGNAL_SECONDS)
    assert rows["wlan0"].signal_dbm is None


def test_a_host_without_wireless_interfaces_is_not_asked_for_signals(tree: Tree) -> None:
    """The file is not opened: reading it takes a lock of the kernel."""
    make(tree, "eth0")
    tree.put("proc/net/wireless", WIRELESS_HEAD + LINE.format("eth0", "-56."))
    host = Host(tree)
    rows, _ = host.read(line("eth0", (0, 0, 0, 0)))
    host.source.close()
    assert rows["eth0"].signal_dbm is None


def test_addresses_belong_to_the_index_of_an_interface(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are requested again rarely, and at once when an interface comes or goes."""
    answer = message(2, "192.0.2.7", 24)
    monkeypatch.setattr(addresses, "request_addresses", lambda: answer)
    files = Files(tree.proc, tree.sys, tree.clock)
    files.is_system = True
    source = InterfacesSource(files, timeout_seconds=10.0)
    make(tree, "eth0", ifindex=2)
    make(tree, "eth1", ifindex=3)

    def read(names: list[str], seconds: float = 1.0) -> list[str | None]:
        tree.put("proc/net/dev", HEAD + "".join(line(name, (0, 0, 0, 0)) for name in names))
        return [row.addresses for row in source.collect(tree.tick(seconds))]

    assert read(["eth0"]) == ["192.0.2.7/24"]
    answer += message(3, "2001:db8::1", 64)
    assert read(["eth0", "eth1"]) == ["192.0.2.7/24", "2001:db8::1/64"]
    answer = b""
    assert read(["eth0", "eth1"]) == ["192.0.2.7/24", "2001:db8::1/64"]
    assert read(["eth0", "eth1"], REFRESH_SECONDS) == [None, None]
    source.close()
    files.close()


def test_without_rtnetlink_there_are_no_addresses(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox may forbid it. The rates are known."""

    def refuse() -> bytes:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(addresses, "request_addresses", refuse)
    files = Files(tree.proc, tree.sys, tree.clock)
    files.is_system = True
    source = InterfacesSource(files, timeout_seconds=10.0)
    make(tree, "eth0", ifindex=2)
    tree.put("proc/net/dev", HEAD + line("eth0", (0, 0, 0, 0)))
    (row,) = source.collect(tree.tick())
    source.close()
    files.close()
    assert (row.addresses, row.speed_mbps) == (None, 1000)


def test_the_addresses_of_another_host_are_not_ours(tree: Tree, host: Host) -> None:
    """rtnetlink answers for the namespace of this program."""
    rows, _ = host.read(TWO)
    assert rows["eth0"].addresses is None
