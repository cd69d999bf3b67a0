"""A short run of scripts/soak, with the same limits as for a run of an hour."""

from __future__ import annotations

import json
import runpy
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from soak_load import Gaps

from tests.conftest import eventually

ROOT = Path(__file__).parent.parent.parent
soak = runpy.run_path(str(ROOT / "scripts/soak"))
failures, MissedTicks = soak["failures"], soak["MissedTicks"]


@pytest.mark.timeout(240)
def test_half_a_minute_under_load(tmp_path: Path) -> None:
    """Hundreds of viewers connect, stall and leave, sources fail, clocks jump: healthy viewers miss nothing.

    Two programs at the same time, one for each way in which a hub sends a frame.
    """
    with ExitStack() as stack:
        runs = {}
        for option in ("--one-by-one", None):
            log = tmp_path / f"log{option}"
            command: list[str | Path] = [
                sys.executable, ROOT / "scripts/soak",
                "--minutes", "0.5", "--interval", "0.5", "--viewers", "100", "--healthy", "10", "--log", log,
                *filter(None, [option]),
            ]  # fmt: skip
            runs[log] = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            stack.callback(runs[log].kill)
        for log, run in runs.items():
            output, errors = run.communicate()
            assert output, errors
            figures = json.loads(output)
            assert figures["failures"] == [], (figures, log.read_text()[-4000:])
            assert run.returncode == 0
            assert figures["ticks_made"] + figures["ticks_missed"] >= 50
            ticks = figures["ticks_made"] - figures["ticks_before_viewers"]
            assert figures["frames_delivered"] >= 10 * 2 * ticks  # a sample and the filler, to each
            assert sum(figures["others_connected"].values()) >= 250
            assert figures["others_ended"]["too slow"] > 0  # the stalling ones were evicted


def test_gaps_are_counted() -> None:
    """A missing sample counts, and so does one that arrives twice."""
    gaps = Gaps()
    for seq in (7, 8, 10, 10):
        gaps.add(seq)
    assert gaps.count == 2


def good_run(minutes: float, slope: float | None) -> dict[str, Any]:
    """Return the figures of a run in which everything but memory is good."""
    return {
        "minutes": minutes,
        "interval_seconds": 0.5,
        "gaps": 0,
        "ticks_missed_without_reason": 0,
        "exit_status": 0,
        "threads": {"left_of_connections": 0},
        "descriptors": {"left_of_connections": 0},
        "answers": {"/healthz 200": 1800},
        "resident_mib": {"slope_per_hour": slope},
    }


def test_growing_memory_is_reported_after_half_an_hour() -> None:
    """In a shorter run, filling caches look like a leak, or there is no slope at all."""
    assert failures(good_run(30.0, 1.01), "") == ["resident_mib grows by 1.01 an hour"]
    for minutes, slope in ((60.0, 1.0), (60.0, -3.0), (29.9, 7.2), (0.0, None)):
        assert failures(good_run(minutes, slope), "") == []


@pytest.mark.parametrize(
    ("answer", "expected"), [(None, "ConnectionRefusedError"), (b"nothing\r\n", "BadStatusLine")]
)
def test_a_request_without_an_answer_is_counted(answer: bytes | None, expected: str) -> None:
    """The requests after it are sent, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        requests = soak["Requests"](server.getsockname())
        if answer is None:
            server.close()
        requests.start()
        while answer and len(requests.answers) < 2:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
        assert eventually(lambda: len(requests.answers) >= 2)
        server.close()  # the requests of this round that follow are refused
        requests.stop()
    assert all(
        requests.answers[f"{path} {expected}"] for path in ("/api/v1/history", "/api/v1/clients")
    )


@pytest.mark.parametrize(("waited_seconds", "count"), [(8.9, 2), (9.0, 0)])
def test_a_tick_without_a_processor_is_no_failure(waited_seconds: float, count: int) -> None:
    """If threads waited for one as long, during the tick before or after it."""
    ticks = MissedTicks(0.5)
    turns = ((5, 0, 7.0), (5, 0, 8.0), (6, 0, 8.1), (7, 0, 8.7), (8, 2, waited_seconds))
    for seq, missed, waited in turns:
        ticks.add({"seq": seq, "self": {"ticks_missed": missed}}, waited)
    assert ticks.count == count


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gaps": 1}, "gaps"),
        ({"ticks_missed_without_reason": 1}, "ticks_missed_without_reason"),
        ({"exit_status": -9}, "exit_status"),
        ({"threads": {"left_of_connections": 1}}, "threads"),
        ({"descriptors": {"left_of_connections": -1}}, "descriptors"),
        ({"answers": {"/metrics 503": 1}}, "/metrics 503"),
        ({"answers": {"/metrics TimeoutError": 1}}, "/metrics TimeoutError"),
    ],
)
def test_each_bad_figure_is_reported(changes: dict[str, Any], expected: str) -> None:
    """And so is a traceback in the log."""
    assert failures(good_run(1.0, None) | changes, "") == [expected]
    assert failures(good_run(1.0, None), "Traceback (most…") == ["a traceback in the log"]
