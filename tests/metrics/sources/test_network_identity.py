"""Interfaces that come, go, are made again under their names, and come in crowds. (Rates and totals: test_network.)"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from telemetry_stream.metrics.sources.link import Link
from tests.metrics.sources.test_network import Host, host, line, make
from tests.metrics.trees import Tree

__all__ = ["host"]  # the fixture


@contextmanager
def gone(link: Link) -> Iterator[None]:
    """The kept descriptor fails once, as sysfs' does (ENODEV) when its interface is gone and another has the name."""
    real, kept = os.pread, link._attribute._fd

    def pread(fd: int, size: int, offset: int) -> bytes:
        if fd == kept and link._attribute._fd == kept:
            raise OSError(errno.ENODEV, "No such device")
        return real(fd, size, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pread", pread)
        yield


def test_another_ifindex_is_another_interface(tree: Tree, host: Host) -> None:
    """Removed and made again under its name within a tick: first sight, though every counter grew."""
    make(tree, "eth0", ifindex=2)
    host.read(line("eth0", (100, 0, 0, 0)))
    make(tree, "eth0", ifindex=9, speed="2500")
    with gone(host.source._links["eth0"]):
        rows, _ = host.read(line("eth0", (900, 0, 0, 0)))
    assert rows["eth0"].speed_mbps == 2500
    assert rows["eth0"].rx_bytes_per_second is None
    rows, _ = host.read(line("eth0", (950, 0, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == 50.0


def test_a_descriptor_that_fails_is_no_other_interface(tree: Tree, host: Host) -> None:
    """The ifindex decides: some drivers refuse operstate for a moment."""
    make(tree, "eth0", ifindex=2)
    host.read(line("eth0", (100, 0, 0, 0)))
    with gone(host.source._links["eth0"]):
        rows, _ = host.read(line("eth0", (900, 0, 0, 0)))
    assert rows["eth0"].rx_bytes_per_second == 800.0


def test_a_veth_made_again_in_a_crowd_loses_its_row(tree: Tree, host: Host) -> None:
    """And leaves no row of the old one behind."""
    names = [f"veth{number}" for number in range(65)]
    for name in names:
        make(tree, name, device=False)
    lines = "".join(line(name, (5, 0, 0, 0)) for name in names)
    assert "veth64" not in host.read(lines)[0]
    make(tree, "veth0", device=False, ifindex=900)
    with gone(host.source._links["veth0"]):
        rows, _ = host.read(lines)
    assert len(rows) == 64
    assert rows["veth0"].rx_bytes_per_second is None


def test_a_master_that_comes_later(tree: Tree, host: Host) -> None:
    """Azure binds the virtual function a moment after it has come: counted until then, and not for ever."""
    make(tree, "eth0")
    make(tree, "enP1s1")
    lines = line("eth0", (0, 0, 0, 0)) + line("enP1s1", (0, 0, 0, 0))
    assert all(row.counted for row in host.read(lines)[0].values())
    tree.link("sys/class/net/enP1s1/master", "../eth0")
    rows, _ = host.read(lines, seconds=30.0)
    assert [name for name, row in rows.items() if row.counted] == ["eth0"]


def test_interfaces_come_and_go_without_a_trace(tree: Tree, host: Host) -> None:
    """A hundred containers started and stopped leave neither rows nor descriptors."""
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


def test_a_crowd_of_veths_fills_neither_frames_nor_descriptors(tree: Tree, host: Host) -> None:
    """Three hundred containers: the physical ones have their rows, 64 rows in all, 128 descriptors at most."""
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


def test_a_crowd_in_a_container_is_counted_whole(tree: Tree, host: Host) -> None:
    """Where nothing has a device all but lo count, with a row or without; who comes late is unknown once."""
    names = [f"net{number}" for number in range(100)]
    host.read("".join(line(name, (0, 0, 0, 0)) for name in names))
    late = [*names, "late"]
    rows, totals = host.read("".join(line(name, (10, 0, 0, 0)) for name in late))
    assert len(rows) == 64
    assert totals.total_rx_bytes_per_second == 1000.0
    _, totals = host.read("".join(line(name, (20, 0, 0, 0)) for name in late))
    assert totals.total_rx_bytes_per_second == 1010.0
