"""psutil's figures of disks, filesystems, interfaces and temperatures, under the same rules as the files."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from telemetry_stream.metrics.sources import network
from telemetry_stream.metrics.sources.disk import Disk
from telemetry_stream.metrics.sources.network import Interface
from tests.conftest import eventually
from tests.metrics.psutils import pair, source, sources
from tests.metrics.trees import Tree


def test_disks_by_psutil(
    tree: Tree, psutil: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only whole disks; a reset makes the rates null (nowrap is off); what psutil does not have is null.

    10 reads of 5120 bytes took 50 ms, busy for 250 ms of the second.
    """
    # psutil reads the running system, whose disks are not known here: sysfs answers as if there were one disk, sda.
    monkeypatch.setattr(os.path, "isdir", lambda path: path in ("/sys/block", "/sys/block/sda"))
    now = SimpleNamespace(
        read_count=5,
        write_count=5,
        read_bytes=1024,
        write_bytes=512,
        read_time=10,
        write_time=5,
        busy_time=100,
    )
    options = []

    def counters(**how: bool) -> dict[str, Any]:
        options.append(how)
        return {"sda": now, "sda1": now}

    psutil.disk_io_counters = counters

    def more() -> None:
        now.read_count, now.read_bytes, now.read_time, now.busy_time = 15, 6144, 60, 350

    disks = source(tree, psutil, "disks")
    rows = pair(tree, disks, between=more)
    assert rows == (Disk("sda", "disk", True, 5120.0, 0.0, 10.0, 0.0, 5.0, None, None, 25.0, None),)
    assert options == [{"perdisk": True, "nowrap": False}] * 2
    now.read_count = 0
    assert disks.collect(tree.tick())[0].read_bytes_per_second is None


def test_interfaces_by_psutil(tree: Tree, psutil: SimpleNamespace) -> None:
    """State and speed come from psutil. Without devices in sysfs, every interface except lo is counted."""
    now = SimpleNamespace(
        bytes_recv=0,
        bytes_sent=0,
        packets_recv=0,
        packets_sent=0,
        errin=0,
        errout=0,
        dropin=0,
        dropout=0,
    )
    psutil.net_io_counters = lambda pernic, nowrap: {"lo0": now, "en77": now}
    psutil.net_if_stats = lambda: {"en77": SimpleNamespace(isup=True, speed=1000)}

    def more() -> None:
        now.bytes_recv, now.dropout = 500, 2

    rows = pair(tree, source(tree, psutil, "interfaces"), between=more)
    assert rows == (
        Interface("lo0", None, None, False, 500.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0),
        Interface("en77", "up", 1000, True, 500.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0),
    )


def first_result(tree: Tree, of: Any) -> Any:
    """Return the first section with rows that the worker of a source has read."""
    found: list[Any] = []

    def has_rows() -> bool:
        section = of.collect(tree.tick(0.0))  # so that no call has taken too long
        if section and getattr(section[0], "size_bytes", 1) is not None:
            found.append(section)
        return bool(found)

    assert eventually(has_rows)
    of.close()
    return found[0]


def test_filesystems_by_psutil(tree: Tree, psutil: SimpleNamespace) -> None:
    """psutil lists the mounts. The rules are those of the file: hidden types, a row per device, a worker."""
    part = SimpleNamespace(device="/dev/x", mountpoint="/", fstype="ext4", opts="rw,noatime")
    psutil.disk_partitions = lambda **_: [
        part,
        SimpleNamespace(device="proc", mountpoint="/proc", fstype="proc", opts="rw"),
    ]
    (row,) = first_result(tree, source(tree, psutil, "filesystems"))
    assert (row.mountpoint, row.device, row.fstype, row.read_only) == ("/", "/dev/x", "ext4", False)
    assert row.size_bytes > 0


def test_temperatures_by_psutil(tree: Tree, psutil: SimpleNamespace) -> None:
    """They are read on a worker. A threshold that no sensor measures is null."""
    psutil.sensors_temperatures = lambda: {
        "cpu": [SimpleNamespace(label="Core 0", current=45.5, high=65261.85, critical=100.0)]
    }
    (row,) = first_result(tree, source(tree, psutil, "temperatures"))
    assert (row.chip, row.sensor, row.label) == ("cpu", "temp1", "Core 0")
    assert (row.celsius, row.high_celsius, row.critical_celsius) == (45.5, None, 100.0)


def test_a_psutil_without_sensors(tree: Tree, psutil: SimpleNamespace) -> None:
    """On some systems psutil does not have the function: the section is absent."""
    of = source(tree, psutil, "temperatures")
    assert [of.collect(tree.tick()) for _ in range(3)] == [None, None, None]
    of.close()


def test_many_interfaces_by_psutil(
    tree: Tree, psutil: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the totals count have a row, and others while there is room."""
    monkeypatch.setattr(network, "MAX_ROWS", 3)  # instead of 64
    now = SimpleNamespace(
        bytes_recv=0,
        bytes_sent=0,
        packets_recv=0,
        packets_sent=0,
        errin=0,
        errout=0,
        dropin=0,
        dropout=0,
    )
    names = ["lo0", "lo1", "lo2", "en0", "en1"]
    psutil.net_io_counters = lambda **_: dict.fromkeys(names, now)
    psutil.net_if_stats = dict
    rows = source(tree, psutil, "interfaces").collect(tree.tick())
    assert [(row.name, row.counted) for row in rows] == [
        ("lo0", False),
        ("en0", True),
        ("en1", True),
    ]


@pytest.mark.parametrize(
    ("rows", "totals", "function"),
    [("disks", "disk", "disk_io_counters"), ("interfaces", "network", "net_io_counters")],
)
def test_the_totals_of_a_tick_fail_with_its_rows(
    tree: Tree, psutil: SimpleNamespace, rows: str, totals: str, function: str
) -> None:
    """They are not those of the tick before."""
    fails = False

    def counters(**_: object) -> dict[str, Any]:
        if fails:
            raise OSError(5, "no")
        return {}

    psutil.net_if_stats = dict
    setattr(psutil, function, counters)
    of = sources(tree, psutil)
    assert of[rows].collect(tree.tick()) == ()
    fails = True
    now = tree.tick()
    with pytest.raises(OSError, match="no"):
        of[rows].collect(now)
    fails = False
    with pytest.raises(OSError, match="no"):
        of[totals].collect(now)
    assert of[rows].collect(tree.tick()) == ()
