"""Signals: the action of each runs, on a thread, and at the end the previous handlers are back."""

from __future__ import annotations

import logging
import queue
import signal
import subprocess
import sys
import threading
from signal import SIGHUP, SIGTERM, SIGUSR1

import pytest

from telemetry_stream.signals import Signals

SECONDS = 10.0


def test_actions_run_in_the_order_of_the_signals() -> None:
    """A repeated signal runs its action again."""
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    with Signals({SIGHUP: lambda: done.put("again"), SIGTERM: lambda: done.put("end")}):
        for number in (SIGHUP, SIGHUP, SIGTERM, SIGHUP):
            signal.raise_signal(number)
        assert [done.get(timeout=SECONDS) for _ in range(4)] == ["again", "again", "end", "again"]


def test_action_runs_on_a_thread_and_may_take_locks() -> None:
    """Even a lock that the main thread holds when the signal arrives."""
    lock, names = threading.Lock(), queue.SimpleQueue[str]()

    def action() -> None:
        with lock:
            names.put(threading.current_thread().name)

    with Signals({SIGHUP: action}):
        with lock:
            signal.raise_signal(SIGHUP)
        assert names.get(timeout=SECONDS) == "ts-signal"


def test_failed_action_is_logged_and_the_next_one_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A program that cannot reload must still be able to end."""
    ended = threading.Event()

    def fail() -> None:
        raise LookupError("on purpose")

    with Signals({SIGHUP: fail, SIGTERM: ended.set}):
        signal.raise_signal(SIGHUP)
        signal.raise_signal(SIGTERM)
        assert ended.wait(SECONDS)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "Handling SIGHUP failed")
    assert "on purpose" in caplog.text


def test_other_handlers_are_kept() -> None:
    """Other code of the process may handle signals: other ones inside the context, and any after it."""
    seen: list[int] = []
    before = {
        number: signal.signal(number, lambda n, _: seen.append(n)) for number in (SIGUSR1, SIGHUP)
    }
    done = threading.Event()
    try:
        with Signals({SIGHUP: done.set}):
            signal.raise_signal(SIGUSR1)
            signal.raise_signal(SIGHUP)
            assert done.wait(SECONDS)
        assert signal.set_wakeup_fd(-1) == -1
        signal.raise_signal(SIGHUP)
        assert seen == [SIGUSR1, SIGHUP]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# The main thread begins to wait while other threads keep the interpreter busy. That makes the moment long in which a
# signal is lost if it only has a Python handler.
WAITING = """
import queue, signal, sys, threading
from telemetry_stream.signals import Signals
ended = queue.SimpleQueue()
for _ in range(3):
    threading.Thread(target=lambda: [pow(3, 5000) for _ in iter(int, 1)], daemon=True).start()
with Signals({signal.SIGHUP: lambda: ended.put(None)}):
    for _ in range(200):
        print(flush=True)
        ended.get()
"""


def test_no_signal_is_lost_before_a_wait() -> None:
    """Two hundred, each sent when the main thread is about to wait."""
    process = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        for _ in range(200):
            assert process.stdout.readline() == b"\n"
            process.send_signal(SIGHUP)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
