"""The benchmarks run and count correctly. Their speed is not tested."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ports import free_port
from websockets.sync.client import connect

from tests.conftest import eventually

SCRIPTS = Path(__file__).parents[2] / "scripts"


def accepts(port: int) -> bool:
    """Return whether a server listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# They need only the standard library, or run as root.
WITHOUT_PACKAGES = {"capture-host", "check-words", "test-image", "test-service"}


def test_documented_commands_have_the_python_of_the_environment() -> None:
    """Another one does not find the packages. In performance.md, a sentence above all commands has it."""
    names = {
        path.name
        for path in SCRIPTS.iterdir()
        if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    }
    root = SCRIPTS.parent
    needing = names - WITHOUT_PACKAGES
    texts = [root / "CONTRIBUTING.md", *root.glob("docs/*.md"), *(SCRIPTS / n for n in needing)]
    pattern = re.compile(rf"(?:^    |`)scripts/(?:{'|'.join(needing)}) [^`\n]+", re.MULTILINE)
    found = {path.name: pattern.findall(path.read_text()) for path in texts}
    assert found.pop("performance.md")
    assert ".venv/bin/python scripts/bench-" in (root / "docs/performance.md").read_text()
    assert [name for name, commands in found.items() if commands] == []


def test_handoff_drops_frames_for_the_stalled_client_only() -> None:
    """Five lines: 1000 of 1000 accepted, all delivered to the clients that read, 16 queued for the stalled one."""
    ran = subprocess.run(
        [sys.executable, SCRIPTS / "bench-handoff", "--clients", "5"],
        capture_output=True,
        text=True,
        check=True,
    )
    runs = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(runs) == 5
    for run in runs:
        assert run["us_1000"] > 0
        assert (run["accepted"], run["delivered"], run["dropped"]) == (1000, 4000, 984)


def test_fanout_sends_every_message_to_every_viewer() -> None:
    """Two viewers get all messages and nothing else; the figures count them."""
    port = free_port()
    numbers = ["--port", port, "--expect", 2, "--count", 20, "--rate", 200, "--size", 100]
    with subprocess.Popen(
        [sys.executable, SCRIPTS / "bench-fanout", *map(str, numbers)],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert eventually(lambda: accepts(port))
            url = f"ws://127.0.0.1:{port}/ws"
            with connect(url, proxy=None) as one, connect(url, proxy=None) as other:
                for viewer in (one, other):
                    messages = [json.loads(viewer.recv(10)) for _ in range(20)]
                    assert [message["seq"] for message in messages] == list(range(20))
                    assert all(len(message["pad"]) == 100 for message in messages)
                _, errors = server.communicate(timeout=30)
        finally:
            server.kill()
    closing = json.loads(errors.splitlines()[-1])
    assert (closing["sent"], closing["dropped"], closing["refused"]) == (40, 0, 0)
    assert closing["threads_per_viewer"] == 2
    assert closing["cpu_s"] > 0


def test_tls_is_compared_with_plain_text() -> None:
    """Both runs deliver everything, and the figures have the ratio."""
    numbers = ["--viewers", 3, "--count", 20, "--rate", 200, "--size", 100]
    ran = subprocess.run(
        [sys.executable, SCRIPTS / "bench-tls", *map(str, numbers)],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(ran.stdout)
    assert report["dropped"] == 0
    assert report["plain_us_per_frame"] > 0
    assert report["ratio"] > 0


def test_program_is_measured_with_and_without_viewers() -> None:
    """A line for each case; the added processes are counted."""
    ran = subprocess.run(
        [sys.executable, SCRIPTS / "bench-program", "--seconds", "0.5", "--interval", "0.1", "--processes", "3"],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [row["watched_by"] for row in rows] == ["nobody", "all but processes", "everything"]
    for row in rows:
        assert 0 < row["cpu_percent"] < 100
        assert row["resident_mib"] > 10
        assert row["threads"] >= 6
        assert row["processes"] >= 5  # the three, the shell, the program


def test_choices_counts_a_frame_of_each_sample_for_each_choice() -> None:
    """A line for each number of choices."""
    ran = subprocess.run(
        [sys.executable, SCRIPTS / "bench-choices", "--choices", "1", "7"],
        capture_output=True,
        text=True,
        check=True,
    )
    runs = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(run["choices"], run["frames"]) for run in runs] == [(1, 20), (7, 140)]


@pytest.mark.timeout(240)
def test_fleet_measures_hosts_viewers_and_a_hung_broker() -> None:
    """All hosts are watched, and the viewer gets their rows. Whether targets are reached depends on the machine."""
    load = ["--seconds", 1, "--settle", 2, "--freeze", 1, "--rounds", 1]
    numbers = [*load, "--direct", 3, "--hosts", 5, "--viewers", 2]
    cases = ["--only", "direct", "overview", "broker", "close"]
    ran = subprocess.run(
        [sys.executable, SCRIPTS / "bench-fleet", *cases, *map(str, numbers)],
        capture_output=True,
        text=True,
        timeout=150,  # it has limits of its own, after which it ends the broker
        check=False,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == any(line.get("verdict") == "MISSED" for line in lines), ran.stderr
    measured = {(line["case"], line["what"]): line["measured"] for line in lines}
    assert measured["direct", "3 direct hosts, resident MiB"] > 0
    for case in ("overview", "broker"):
        median, p99 = (
            measured[case, f"age of a row in seconds, {one}"] for one in ("median", "p99")
        )
        assert 0 <= median <= p99
        assert measured[case, "messages for a viewer per second"] > 0
    assert measured["broker", "the same: hosts reported lost"] == 0
    assert measured["broker", "front end stopped, broker hung: seconds"] > 0
    assert measured["close", "broker hung: seconds from SIGTERM to the end, most"] > 0


def test_rules_are_evaluated_with_and_without_alerts() -> None:
    """40 rules; the captured host has two alerts in this time, and with other limits many more."""
    ran = subprocess.run(
        [sys.executable, SCRIPTS / "bench-rules", "--ticks", "60"],
        capture_output=True,
        text=True,
        check=False,
    )
    quiet, busy = ran.stdout.splitlines()
    assert quiet.startswith("nothing fires: 40 rules, 2 alerts, 60 ticks: median "), ran.stderr
    assert busy.startswith("everything fires: 40 rules, ")
