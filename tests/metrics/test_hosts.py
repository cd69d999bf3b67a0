"""Captured hosts give their golden samples. (scripts/update-golden writes them; read the difference.)"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.source import Clock, Options
from telemetry_stream.metrics.sources import SECTIONS
from tests.metrics.replay import HOSTS, golden_path, golden_text, host_names, lay, replay
from tests.metrics.trees import assert_sane


def golden(name: str) -> dict[str, Any]:
    """Return the expected samples of a host."""
    found: dict[str, Any] = json.loads(golden_path(name).read_text())
    return found


@pytest.mark.parametrize("name", host_names())
def test_a_host_equals_its_golden_samples(name: str, tmp_path: Path) -> None:
    """Every value of both samples, to the last digit."""
    samples = replay(name, tmp_path)
    for sample in samples:
        for section in sample.sections.values():
            assert_sane(section)
    assert json.loads(golden_text(samples, tmp_path / name)) == golden(name)


@pytest.mark.parametrize("name", host_names())
def test_a_host_is_deterministic(name: str, tmp_path: Path) -> None:
    """The same files and clocks give the same samples in another directory."""
    first, second = replay(name, tmp_path / "a"), replay(name, tmp_path / "b")
    assert golden_text(first, tmp_path / "a" / name) == golden_text(second, tmp_path / "b" / name)


def test_the_hosts_have_every_section() -> None:
    """Together they have all sections, except the one that comes from a running systemd."""
    shown = {section for name in host_names() for section in golden(name)["t1"]}
    assert {section.name for section in SECTIONS} - shown == {"units"}


def t1(name: str) -> dict[str, Any]:
    """Return the second sample of a host."""
    sample: dict[str, Any] = golden(name)["t1"]
    return sample


def test_the_board_by_hand() -> None:
    """Linux 3.10 with seven columns, no MemAvailable, no PSI, and one 32-bit counter that wrapped.

    100 ticks: 40 user, 10 system, 50 idle. Available: 40000 - 2500 + 50000 - 2500 + 4000 - 2000 = 87000 kB (low = 625
    pages). wlan0: from 296 below 2^32 to 704 are 1000 bytes. 1024 sectors in a second, 10 reads in 50 ms.
    """
    board = t1("board")
    assert (board["cpu"]["usage_percent"], board["cpu"]["user_percent"]) == (50.0, 40.0)
    assert board["memory"]["available_bytes"] == 87000 * 1024
    assert board["memory"]["available_estimated"]
    assert board["network"]["total_rx_bytes_per_second"] == 1000.0
    (disk,) = board["disks"]
    assert (disk["read_bytes_per_second"], disk["read_await_ms"], disk["util_percent"]) == (
        524288.0,
        5.0,
        10.0,
    )
    assert board["temperatures"][0]["celsius"] == 51.54  # sensors are read every 10 s
    assert "pressure" not in board
    assert "cgroup" not in board
    assert board["processes"]["top"][0]["cpu_percent"] == 20.0


def test_the_server_by_hand() -> None:
    """1.5 s in which core 2 went, core 4 came, core 3 was plugged in again, a disk and a card were replaced.

    Core 0: 100 user of which 80 guest, 40 system, 40 idle, iowait and steal decreased: 180 ticks, 140 busy. Core 1: 50,
    20, 118, iowait 10, softirq 2: 200 ticks, 72 busy. nvme0n1: 30000 sectors in 1.5 s, ms_io from 96 before 2^32 to 454
    is 550. eth0: 300000 bytes in 1.5 s; eth1 was reset; bond0 and its VLAN repeat them.
    """
    server = t1("server")
    assert [(core["id"], core["usage_percent"]) for core in server["cpu"]["cores"]] == [
        (0, 77.778),
        (1, 36.0),
        (3, None),
        (4, None),
    ]
    assert server["cpu"]["usage_percent"] == 55.789  # 212 of 380
    disks = {row["name"]: row for row in server["disks"]}
    assert list(disks) == ["nvme0n1", "sda", "dm-0"]
    assert disks["nvme0n1"]["read_bytes_per_second"] == 10240000.0
    assert disks["nvme0n1"]["util_percent"] == 36.667
    assert disks["sda"]["read_bytes_per_second"] is None
    assert server["disk"]["total_read_bytes_per_second"] == 10240000.0
    assert server["network"]["total_rx_bytes_per_second"] == 200000.0
    speeds = {row["name"]: row["speed_mbps"] for row in server["interfaces"]}
    assert (speeds["eth0"], speeds["eth1"]) == (100000, None)
    assert [row["mountpoint"] for row in server["filesystems"]] == ["/", "/boot"]
    assert server["tcp"]["states"]["listen"] == 2
    assert server["processes"]["visibility"] == "partial"
    used = {row["name"]: row["cpu_percent"] for row in server["processes"]["top"]}
    assert used == {
        ") R 1 (x": 100.0,
        "tmux: server": 10.0,
        "reused": 20.0,
        "systemd": 0.0,
        "old one": None,
    }
    cgroup = server["cgroup"]
    assert (cgroup["memory_limit_bytes"], cgroup["memory_working_set_bytes"]) == (
        64 << 20,
        19 << 20,
    )
    assert (cgroup["cpu_limit_cores"], cgroup["cpu_usage_percent"]) == (0.2, 3.0)
    assert (cgroup["cpu_limit_used_percent"], cgroup["cpu_throttled_percent"]) == (15.0, 20.0)
    assert [(row["chip"], row["device"]) for row in server["temperatures"]][:2] == [
        ("coretemp", "coretemp.0"),
        ("coretemp", "coretemp.1"),
    ]


def test_the_containers_of_the_server_by_hand() -> None:
    """In 1.5 s: 0.75 s of CPU are 50 %, 4 of 10 periods throttled, 3 MB read (those of dm-0 are the same again).

    150 ms waiting are 10 %. 15000 bytes received are 10000 per second. 100 of 200 MiB are in use.
    """
    server = t1("server")
    assert server["container_counts"] == {
        "docker": 1,
        "podman": 0,
        "kubernetes": 1,
        "nspawn": 1,
        "lxc": 1,
        "other": 0,
    }
    rows = {row["runtime"]: row for row in server["containers"]}
    docker = rows["docker"]
    assert (docker["cpu_percent"], docker["cpu_throttled_percent"]) == (50.0, 40.0)
    assert (docker["memory_working_set_bytes"], docker["memory_percent"]) == (100 << 20, 50.0)
    assert (docker["read_bytes_per_second"], docker["write_bytes_per_second"]) == (2e6, 1e6)
    assert (docker["cpu_stall_percent"], docker["io_stall_percent"]) == (10.0, 1.0)
    assert (docker["rx_bytes_per_second"], docker["tx_bytes_per_second"]) == (10000.0, 2000.0)
    assert rows["kubernetes"]["pod"] == "0a1b2c3d-1111-2222-3333-444455556666"
    assert {rows["nspawn"]["name"], rows["lxc"]["name"]} == {"db-one", "web"}


def test_a_restarted_container_of_the_server(tmp_path: Path) -> None:
    """Its group is made again between the two samples: it has no rates. Those of the others are as without it."""
    now = [1000.0]
    clock = Clock(*[lambda: now[0]] * 3)
    lay(HOSTS / "server/t0", tmp_path)
    collector = Collector(
        proc_root=str(tmp_path / "proc"),
        sys_root=str(tmp_path / "sys"),
        clock=clock,
        fallback=(),
        options=Options(timeout_seconds=30.0),
    )
    collector.collect(["containers"])
    (group,) = tmp_path.glob("sys/fs/cgroup/**/docker-*.scope")
    shutil.rmtree(group)
    lay(HOSTS / "server/t1", tmp_path)
    now[0] += 1.5
    sections: Any = collector.collect(["containers"]).sections
    collector.close()
    rows = {row.runtime: row for row in sections["containers"]}
    docker = rows.pop("docker")
    assert (docker.restarts, docker.cpu_percent, docker.read_bytes_per_second) == (1, None, None)
    assert (docker.cpu_stall_percent, docker.rx_bytes_per_second) == (None, None)
    assert (docker.memory_percent, docker.pids) == (50.0, 12)
    assert [(row.id, row.recent_restarts) for row in sections["container_restarts"]] == [
        (docker.id, 1)
    ]
    expected = {row["runtime"]: row for row in t1("server")["containers"]}
    assert {name: row.restarts for name, row in rows.items()} == {
        "kubernetes": None,
        "nspawn": 0,
        "lxc": 0,
    }
    for name, row in rows.items():
        assert row.cpu_percent == expected[name]["cpu_percent"]


def test_the_laptop_by_hand() -> None:
    """Suspended for 30 of 32 s, and its clock was set: no CPU rates, all others over the other two seconds."""
    laptop = t1("laptop")
    assert laptop["system"]["suspended_seconds"] == 30.0
    assert laptop["interval_seconds"] == 2.0
    assert laptop["cpu"]["usage_percent"] is None
    assert laptop["cpu"]["context_switches_per_second"] is None
    assert laptop["processes"]["top"][0]["cpu_percent"] == 25.0


def test_the_container_by_hand() -> None:
    """Its processes and sockets are its own, and its view is container."""
    container = t1("container")
    assert container["system"]["view"] == "container"
    assert container["tcp"]["states"]["established"] == 2


@pytest.fixture(scope="module")
def capture_host() -> ModuleType:
    """scripts/capture-host as a module."""
    path = str(Path(__file__).parent.parent.parent / "scripts" / "capture-host")
    loader = importlib.machinery.SourceFileLoader("capture_host", path)
    spec = importlib.util.spec_from_loader("capture_host", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_a_capture_contains_no_private_names(capture_host: ModuleType) -> None:
    """Names, addresses and serials are replaced, each always by the same one. Numbers stay."""
    scrub = capture_host.Scrubber({"alice", "db-01"})
    one, two = "00:1a:2b:3c:4d:5e", "7d44f1c2-93b1-4e0a-8a62-1f0f3a5b9c01"
    text = f"alice on db-01 at 10.1.2.3 with {one} and {two}, alice again, 18446744073709551615"
    clean = scrub.text(text)
    for private in ("alice", "db-01", "10.1.2.3", one, two):
        assert private not in clean
    assert "18446744073709551615" in clean
    assert clean.count(clean.split()[0]) == 2
    process = scrub.process(
        "77 (secret tool) S 1 1 1 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 9 99 7 18446744073709551615 94 95\n"
    )
    assert "secret" not in process
    assert process.split(")")[1].split()[19:] == ["9", "99", "7", "0", "0", "0"]
    assert scrub.process("9 (kworker/0:1) I 2 0 0 0 -1 0 0\n").startswith("9 (kworker/0:1) I")
    assert "secret" not in scrub.cgroup("0::/user.slice/secret.thing/run\n")
    mount = scrub.mountinfo(
        "36 35 0:40 /export/alice /media/alice rw - nfs4 files.example:/alice rw,addr=10.1.2.3\n"
    )
    assert (
        mount
        == "36 35 0:40 / /mnt/"
        + mount.split("/mnt/")[1].split(" ")[0]
        + " rw - nfs4 server:/share rw\n"
    )
    assert "0200000A" not in scrub.tcp(
        "heading\n 0: 0200000A:1F90 0300000A:CC11 01 0 0 0 1000 0 77\n"
    )
