"""Interfaces that are added, removed and replaced, and large numbers of them. (Rates and totals: test_network.)"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.metrics.sources.test_network import Host, host, line, make
from tests.metrics.trees import Tree

__all__ = ["host"]  # the fixture


@contextmanager
def failing(path: str) -> Iterator[None]:
    """Make the next read through an open descriptor of ``path`` fail.

    As in sysfs (ENODEV) if the interface is gone, also if another one has its name by now.
    """
    real, failures = os.pread, [OSError(errno.ENODEV, "No such device")]

    def pread(fd: int, size: int, offset: int) -> bytes:
        if failures and os.path.realpath(f"/proc/self/fd/{fd}") == path:
            raise failures.pop()
        return real(fd, size, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pread", pread)
        yield
    assert not failures


def operstate(tree: Tree, name: str) -> str:
    """Return the path of the file that an interface keeps open."""
    return f"{tree.sys}/class/net/{name}/operstate"


def test_another_ifindex_is_another_interface(tree: Tree, host: Host) -> None:
    """An interface was removed and made again within a tick. Its rates are null, although every counter grew."""
    make(tree, "eth0", ifindex=2)
    host.read(line("eth0", (100, 0, 0, 0)))
    make(tree, "eth0", ifindex=9, speed="2500")
    with failing(operstate(tree, "eth0")):
        rows, _ = host.read(line("eth0", (900, 0, 0, 0)))
    assert rows["eth0"].speed_mbps == 2500
    assert rows["eth0"].rx_bytes_per_second is None
    rows, _ = host.read(line("eth0", (950, 0, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == 50.0


def test_an_interface_stays_the_same_if_only_its_descriptor_fails(tree: Tree, host: Host) -> None:
    """The ifindex decides: some drivers refuse operstate for a moment."""
    make(tree, "eth0", ifindex=2)
    host.read(line("eth0", (100, 0, 0, 0)))
    with failing(operstate(tree, "eth0")):
        rows, _ = host.read(line("eth0", (900, 0, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == 800.0


def test_a_replaced_veth_has_no_rates_even_if_rows_are_scarce(tree: Tree, host: Host) -> None:
    """The row of the old one does not stay."""
    names = [f"veth{number}" for number in range(65)]
    for name in names:
        make(tree, name, device=False)
    lines = "".join(line(name, (5, 0, 0, 0)) for name in names)
    assert "veth64" not in host.read(lines)[0]
    make(tree, "veth0", device=False, ifindex=900)
    with failing(operstate(tree, "veth0")):
        rows, _ = host.read(lines)
    assert len(rows) == 64
    assert rows["veth0"].rx_bytes_per_second is None


def test_a_master_that_is_added_later_is_noticed(tree: Tree, host: Host) -> None:
    """Azure binds a virtual function some time after it appeared. It counts only until then."""
    make(tree, "eth0")
    make(tree, "enP1s1")
    lines = line("eth0", (0, 0, 0, 0)) + line("enP1s1", (0, 0, 0, 0))
    assert all(row.counted for row in host.read(lines)[0].values())
    tree.link("sys/class/net/enP1s1/master", "../eth0")
    rows, _ = host.read(lines, seconds=30.0)
    assert [name for name, row in rows.items() if row.counted] == ["eth0"]


def test_removed_interfaces_leave_no_rows_and_no_descriptors(tree: Tree, host: Host) -> None:
    """A hundred containers are started and stopped."""
    make(tree, "eth0")
    host.read(line("eth0", (0, 0, 0, 0)))
    kept = tree.files.budget.kept
    for number in range(100):
        name = f"veth{number}"
        make(tree, name, device=False)
        rows, _ = host.read(line("eth0", (0, 0, 0, 0)) + line(name, (5, 0, 0, 0)))
        assert list(rows) == ["eth0", name]
    rows, totals = host.read(line("eth0", (70, 0, 0, 0)))
    assert list(rows) == ["eth0"]
    assert totals.total_rx_bytes_per_second == 70.0
    assert tree.files.budget.kept == kept


def test_rows_and_descriptors_are_bounded(tree: Tree, host: Host) -> None:
    """Three hundred containers: the physical interfaces have rows, 64 others have, and 128 descriptors are open."""
    names = [f"veth{number}" for number in range(300)]
    for number, name in enumerate(names):
        make(tree, name, device=False, ifindex=number)
    make(tree, "eth0")
    make(tree, "eth1")

    def lines(received: int) -> str:
        return "".join(line(name, (received, 0, 0, 0)) for name in [*names, "eth0", "eth1"])

    rows, _ = host.read(lines(0))
    assert len(rows) == 66
    rows, totals = host.read(lines(50))
    assert {"eth0", "eth1", "veth0"} <= rows.keys()
    assert totals.total_rx_bytes_per_second == 100.0
    assert tree.files.budget.kept <= 132


def test_interfaces_without_a_row_count_if_nothing_has_a_device(tree: Tree, host: Host) -> None:
    """In a container, all except lo count. A new one is unknown once."""
    names = [f"net{number}" for number in range(100)]
    host.read("".join(line(name, (0, 0, 0, 0)) for name in names))
    late = [*names, "late"]
    rows, totals = host.read("".join(line(name, (10, 0, 0, 0)) for name in late))
    assert len(rows) == 64
    assert totals.total_rx_bytes_per_second == 1000.0
    _, totals = host.read("".join(line(name, (20, 0, 0, 0)) for name in late))
    assert totals.total_rx_bytes_per_second == 1010.0
