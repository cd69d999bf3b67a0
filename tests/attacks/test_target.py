"""The limits for attacks: each passed limit is reported, and a busy machine alone passes none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attacks.target import (
    MAX_LATENESS_SECONDS,
    MAX_MISSED_TICKS,
    RESIDENT_SLACK_BYTES,
    Footprint,
    Report,
    Target,
    max_lateness_seconds,
    max_missed_ticks,
)
from tests.attacks.wire import pause
from tests.system.program import Program

# A thread keeps the lock for three seconds after SIGUSR1: functions of PyDLL do not release it.
KEEPER = """
import ctypes, signal, threading
from telemetry_stream import cli
begin = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: begin.set())
def keep():
    begin.wait()
    ctypes.PyDLL(None).sleep(3)
    print("kept", flush=True)
    threading.Event().wait()
threading.Thread(target=keep, daemon=True).start()
cli.main()
"""

IN_USE = Footprint(Counter({"ts-accept": 1}), Counter({"socket:[N]": 3}), 30_000_000)
GOOD = Report(
    samples=40,
    missed=0,
    ticks_missed=0,
    max_ticks_missed=max_missed_ticks(40, 0.0, 0.0, 0.1),
    max_lateness_seconds=MAX_LATENESS_SECONDS,
    paused_seconds=0.0,
    lateness_p50_seconds=0.001,
    lateness_p99_seconds=0.004,
    lateness_max_seconds=0.004,
    recovery_seconds=0.1,
    before=IN_USE,
    after=IN_USE,
)


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (replace(GOOD, missed=1), "the viewer missed 1 samples"),
        (replace(GOOD, lateness_p99_seconds=MAX_LATENESS_SECONDS), "samples were late by 1.0 s"),
        (
            replace(GOOD, ticks_missed=MAX_MISSED_TICKS),
            "the collector missed 10 ticks",
        ),
        (
            replace(GOOD, after=IN_USE._replace(threads=Counter({"ts-accept": 1, "ts-connN": 2}))),
            "threads differ by {'ts-connN': 2}",
        ),
        (
            replace(GOOD, after=IN_USE._replace(descriptors=Counter({"socket:[N]": 2}))),
            "descriptors differ by {'socket:[N]': -1}",
        ),
        (
            replace(GOOD, after=IN_USE._replace(resident_bytes=30_000_001 + RESIDENT_SLACK_BYTES)),
            "memory grew by 5242881 bytes",
        ),
    ],
)
def test_each_passed_limit_is_reported(report: Report, sentence: str) -> None:
    """One bad figure is enough."""
    assert report.failures() == [sentence]


def test_figures_below_the_limits_are_not_reported() -> None:
    """Samples late by less than a second, a few missed ticks, a little more memory: without an attack too."""
    busy = replace(
        GOOD,
        ticks_missed=MAX_MISSED_TICKS - 1,
        lateness_p99_seconds=0.99,
        lateness_max_seconds=0.004,
        after=IN_USE._replace(resident_bytes=30_000_000 + RESIDENT_SLACK_BYTES),
    )
    assert busy.failures() == []


def test_ticks_without_a_processor_are_not_the_attackers() -> None:
    """Those for which the collector's thread waited, and as many for the thread that it waited for."""
    limit = max_missed_ticks(80, 0.5, 0.0, 0.1)
    assert limit == MAX_MISSED_TICKS + 2 * 5
    assert max_lateness_seconds(limit, 0.1) == MAX_LATENESS_SECONDS + 2 * 0.5
    busy = replace(GOOD, ticks_missed=int(limit) - 1, max_ticks_missed=limit)
    assert busy.failures() == []
    assert replace(busy, ticks_missed=int(limit)).failures() == ["the collector missed 20 ticks"]


@pytest.mark.parametrize(("ticks", "limit"), [(80, 40), (30, 15), (12, MAX_MISSED_TICKS)])
def test_at_least_half_of_the_ticks_are_needed(ticks: int, limit: float) -> None:
    """However long the collector's thread waited, except if there are so few that chance decides."""
    assert max_missed_ticks(ticks, 60.0, 0.0, 0.1) == limit


@pytest.mark.parametrize(("waited", "limit"), [(0.0, MAX_MISSED_TICKS), (60.0, 40)])
def test_a_pause_of_the_machine_is_not_the_attackers(waited: float, limit: float) -> None:
    """However long it was. Beside it, the limits are the same as without it."""
    assert max_missed_ticks(80 + 50, waited, 5.0, 0.1) == 50 + limit


def test_a_pause_of_the_machine_passes_no_limit(tmp_path: Path) -> None:
    """The program and its viewer are stopped for longer than the limits."""
    with ExitStack() as stack:
        program = Program(["--port", "0", "--interval", "0.1", "--history", "1"], None, tmp_path)
        stack.callback(program.end)
        target = Target(program, 0.1, crowd=0)
        stack.callback(target.end)
        before = target.begin()
        processes = (target.viewer.process, program.process)
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        pause.wait(1.5)
        for process in processes:
            process.send_signal(signal.SIGCONT)
        report = target.report(before)
    assert report.paused_seconds > 1
    assert report.failures() == [], report
    excusing_nothing = replace(
        report, max_ticks_missed=MAX_MISSED_TICKS, max_lateness_seconds=MAX_LATENESS_SECONDS
    )
    assert excusing_nothing.failures()


@contextmanager
def on_processor(number: int) -> Iterator[None]:
    """Start processes on one processor meanwhile."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


@pytest.mark.parametrize("rivals", [0, 3])
def test_a_thread_that_keeps_the_lock_of_python_is_found(tmp_path: Path, rivals: int) -> None:
    """On a quiet machine, and on one where the collector waits for a processor each time it tries to get the lock."""
    with ExitStack() as stack:
        stack.enter_context(on_processor(min(os.sched_getaffinity(0))))
        program = Program(["--port", "0", "--interval", "0.1", "--history", "1"], KEEPER, tmp_path)
        stack.callback(program.end)
        target = Target(program, 0.1, crowd=0)
        stack.callback(target.end)
        before = target.begin()
        for _ in range(rivals):
            rival = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(rival.wait)
            stack.callback(rival.kill)
        program.process.send_signal(signal.SIGUSR1)
        target.read_for(0.5)
        assert "kept" in program.read_line()
        report = target.report(before)
    assert f"the collector missed {report.ticks_missed} ticks" in report.failures(), report
    ticks, paused = report.samples + report.ticks_missed, report.paused_seconds / 0.1
    assert report.max_ticks_missed <= paused + (ticks - paused) / 2
