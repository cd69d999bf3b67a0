"""Interfaces between two readings of /proc/net/dev, with expected values computed by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry_stream.metrics.sources.link import Link
from telemetry_stream.metrics.sources.network import (
    Interface,
    InterfacesSource,
    Network,
    NetworkSource,
)
from tests.metrics.trees import Tree

HEAD = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier comp
"""
ZERO = (0,) * 16


def line(
    name: str, rx: tuple[int, int, int, int], tx: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> str:
    """Return one line: bytes, packets, errors and drops of each direction."""
    numbers = [*rx, 0, 0, 0, 0, *tx, 0, 0, 0, 0]
    return f"{name:>6}:{' '.join(map(str, numbers))}\n"


def make(
    tree: Tree,
    name: str,
    *,
    device: bool = True,
    ifindex: int = 2,
    speed: str = "1000",
    operstate: str = "up",
) -> None:
    """Make the directory of an interface in /sys/class/net."""
    directory = f"sys/class/net/{name}"
    tree.put(f"{directory}/ifindex", f"{ifindex}\n")
    tree.put(f"{directory}/operstate", f"{operstate}\n")
    tree.put(f"{directory}/speed", f"{speed}\n")
    if device:
        tree.put(f"{directory}/device/vendor", "0x1af4\n")


class Host:
    """A source with its totals on a tree. It waits for the speeds."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.source = InterfacesSource(tree.files, timeout_seconds=10.0)
        self.totals = NetworkSource(self.source)

    def read(self, content: str, *, seconds: float = 1.0) -> tuple[dict[str, Interface], Network]:
        """Return the rows by name and the totals of this /proc/net/dev."""
        self.tree.put("proc/net/dev", HEAD + content)
        now = self.tree.tick(seconds)
        return {row.name: row for row in self.source.collect(now)}, self.totals.collect(now)


@pytest.fixture
def host(tree: Tree) -> Iterator[Host]:
    """A host whose worker ends after the test."""
    made = Host(tree)
    yield made
    made.source.close()


def test_every_rate(tree: Tree, host: Host) -> None:
    """In 2 s: 2000 bytes in 20 packets were received, with 2 errors and 4 drops; half as much was sent."""
    make(tree, "eth0")
    first, totals = host.read(line("eth0", (1000, 10, 1, 0), (500, 5, 0, 0)))
    assert first["eth0"] == Interface("eth0", "up", 1000, True)
    assert totals == Network(None, None)
    rows, totals = host.read(line("eth0", (3000, 30, 3, 4), (1500, 15, 1, 2)), seconds=2.0)
    assert rows["eth0"] == Interface(
        "eth0", "up", 1000, True, 1000.0, 500.0, 10.0, 5.0, 1.0, 0.5, 2.0, 1.0
    )
    assert totals == Network(1000.0, 500.0)


def test_totals_count_interfaces_with_a_device(tree: Tree, host: Host) -> None:
    """A bond, its VLAN, a bridge and docker0 repeat the bytes of eth0 and eth1. lo is not counted."""
    make(tree, "eth0")
    make(tree, "eth1")
    for name in ("bond0", "bond0.7", "br0", "docker0", "lo"):
        make(tree, name, device=False)
    tree.link("sys/class/net/eth0/master", "../bond0")
    names = ("lo", "eth0", "eth1", "bond0", "bond0.7", "br0", "docker0")
    host.read("".join(line(name, (0, 0, 0, 0)) for name in names))
    rows, totals = host.read("".join(line(name, (100, 0, 0, 0)) for name in names))
    assert [name for name, row in rows.items() if row.counted] == ["eth0", "eth1"]
    assert totals.total_rx_bytes_per_second == 200.0


def test_a_slave_of_an_interface_with_a_device_is_not_counted(tree: Tree, host: Host) -> None:
    """Azure: hv_netvsc counts the bytes of its virtual function again."""
    make(tree, "eth0")
    make(tree, "enP1s1")
    tree.link("sys/class/net/enP1s1/master", "../eth0")
    rows, _ = host.read(line("eth0", (0, 0, 0, 0)) + line("enP1s1", (0, 0, 0, 0)))
    assert [name for name, row in rows.items() if row.counted] == ["eth0"]


def test_without_any_device_all_interfaces_except_lo_count(tree: Tree, host: Host) -> None:
    """In a container, eth0 is a veth."""
    make(tree, "eth0", device=False)
    make(tree, "lo", device=False)
    host.read(line("lo", (0, 0, 0, 0)) + line("eth0", (0, 0, 0, 0)))
    rows, totals = host.read(line("lo", (70, 0, 0, 0)) + line("eth0", (50, 0, 0, 0)))
    assert [name for name, row in rows.items() if row.counted] == ["eth0"]
    assert totals.total_rx_bytes_per_second == 50.0


def test_without_sysfs_state_and_speed_are_null(host: Host) -> None:
    """The rates come from /proc."""
    host.read(line("eth0", (0, 0, 0, 0)))
    rows, totals = host.read(line("eth0", (50, 0, 0, 0)))
    assert (rows["eth0"].operstate, rows["eth0"].speed_mbps) == (None, None)
    assert totals.total_rx_bytes_per_second == 50.0


def test_a_counter_that_falls_makes_the_row_unknown_once(tree: Tree, host: Host) -> None:
    """The driver was loaded again. The rates are known in the next sample."""
    make(tree, "eth0")
    host.read(line("eth0", (10**12, 10, 0, 0)))
    rows, totals = host.read(line("eth0", (100, 20, 0, 0)))
    assert rows["eth0"] == Interface("eth0", "up", 1000, True)
    assert totals == Network(None, None)
    rows, _ = host.read(line("eth0", (300, 20, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == 200.0


def test_a_32_bit_wrap_is_accepted_only_near_the_end(tree: Tree, host: Host) -> None:
    """From 100 below 2^32 to 200 are 300 bytes. A fall from the middle is a reset."""
    make(tree, "eth0")
    host.read(line("eth0", ((1 << 32) - 100, 0, 0, 0)))
    rows, _ = host.read(line("eth0", (200, 0, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == 300.0
    host.read(line("eth0", (1 << 31, 0, 0, 0)))
    rows, _ = host.read(line("eth0", (200, 0, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1 << 32) - 1, (1 << 32) - 2, None),  # fell by one: 4 GB/s would be false
        ((1 << 32) - 1000, 900_000_000, None),  # more than twice what 1000 Mbit/s can carry
        ((1 << 32) - 1000, 100_000_000, 100_001_000.0),
        (5000, (1 << 64) - 500, None),
        (5000, (1 << 62), None),
    ],
)
def test_a_rate_that_is_impossible_is_null(
    tree: Tree, host: Host, before: int, after: int, expected: float | None
) -> None:
    """include/linux/netdevice.h: old drivers have counters of unsigned long, which is 32 bits on 32-bit kernels."""
    make(tree, "eth0")
    host.read(line("eth0", (before, 5, 0, 0)))
    rows, totals = host.read(line("eth0", (after, 8, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == expected
    assert totals.total_rx_bytes_per_second == expected
    if after > before:  # not a reset
        assert rows["eth0"].rx_packets_per_second == 3.0


@pytest.mark.parametrize("word", ["-5", "x", "18446744073709551611"])
def test_a_number_that_is_not_a_count_loses_only_its_rate(
    tree: Tree, host: Host, word: str
) -> None:
    """The other rates of the interface, and the other interfaces, are known."""
    make(tree, "eth0")
    host.read(line("eth0", (100, 5, 0, 0)))
    rows, _ = host.read(line("eth0", (300, 7, 3, 4)).replace(" 3 ", f" {word} "))
    row = rows["eth0"]
    assert (row.rx_bytes_per_second, row.rx_errors_per_second, row.rx_drops_per_second) == (
        200.0,
        None,
        4.0,
    )


def test_an_interface_gets_a_row_when_there_is_room(tree: Tree, host: Host) -> None:
    """It was left out because there were more than 64, and most of them are gone."""
    crowd = "".join(line(f"veth{number}", (0, 0, 0, 0)) for number in range(100))
    rows, _ = host.read(crowd + line("wg0", (0, 0, 0, 0)))
    assert "wg0" not in rows
    rows, _ = host.read(line("veth1", (0, 0, 0, 0)) + line("wg0", (10, 0, 0, 0)))
    assert set(rows) == {"veth1", "wg0"}


def test_the_constant_of_a_virtual_interface_is_no_speed(tree: Tree, host: Host) -> None:
    """drivers/net/veth.c and tun.c report SPEED_10000. A bond has the speed of its members together."""
    make(tree, "eth0")
    tree.link("sys/class/net/eth0/master", "../bond0")
    for number, name in enumerate(("veth1", "tun0", "bond0"), 3):
        make(tree, name, device=False, ifindex=number, speed="10000")
    names = ("eth0", "veth1", "tun0", "bond0")
    rows, _ = host.read("".join(line(name, (0, 0, 0, 0)) for name in names))
    assert [rows[name].speed_mbps for name in names] == [1000, None, None, 10000]


def test_the_speed_is_read_again_after_a_change_of_state(tree: Tree, host: Host) -> None:
    """operstate is read in each tick, the speed only after a change or half a minute."""
    make(tree, "eth0")
    host.read(line("eth0", (0, 0, 0, 0)))
    make(tree, "eth0", speed="2500")
    rows, _ = host.read(line("eth0", (0, 0, 0, 0)))
    assert rows["eth0"].speed_mbps == 1000
    make(tree, "eth0", speed="-1", operstate="down")
    rows, _ = host.read(line("eth0", (0, 0, 0, 0)))
    assert (rows["eth0"].operstate, rows["eth0"].speed_mbps) == ("down", None)
    make(tree, "eth0", speed="100", operstate="down")
    rows, _ = host.read(line("eth0", (0, 0, 0, 0)), seconds=30.0)
    assert rows["eth0"].speed_mbps == 100


def test_the_totals_of_a_tick_fail_with_its_rows(
    tree: Tree, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not those of the tick before."""
    make(tree, "eth0")
    host.read(line("eth0", (0, 0, 0, 0)))
    host.read(line("eth0", (100, 0, 0, 0)))
    now = tree.tick()
    with monkeypatch.context() as patch:
        patch.setattr(Link, "is_same", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            host.source.collect(now)
    with pytest.raises(ZeroDivisionError):
        host.totals.collect(now)
    assert host.read(line("eth0", (300, 0, 0, 0)))[1].total_rx_bytes_per_second == 200.0
