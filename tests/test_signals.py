"""Signals: each is followed, on a thread, and afterwards all is as it was."""

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


def test_each_signal_has_its_action_in_the_order_of_their_coming() -> None:
    """Also when one comes again."""
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    with Signals({SIGHUP: lambda: done.put("again"), SIGTERM: lambda: done.put("end")}):
        for number in (SIGHUP, SIGHUP, SIGTERM, SIGHUP):
            signal.raise_signal(number)
        assert [done.get(timeout=SECONDS) for _ in range(4)] == ["again", "again", "end", "again"]


def test_an_action_runs_on_a_thread_and_may_take_locks() -> None:
    """A lock that the main thread holds when the signal comes is waited for, and not for ever."""
    lock, names = threading.Lock(), queue.SimpleQueue[str]()

    def action() -> None:
        with lock:
            names.put(threading.current_thread().name)

    with Signals({SIGHUP: action}):
        with lock:
            signal.raise_signal(SIGHUP)
        assert names.get(timeout=SECONDS) == "ts-signal"


def test_an_action_that_fails_is_logged_and_the_next_is_followed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A program that cannot reload must still end when told to."""
    ended = threading.Event()

    def fail() -> None:
        raise LookupError("on purpose")

    with Signals({SIGHUP: fail, SIGTERM: ended.set}):
        signal.raise_signal(SIGHUP)
        signal.raise_signal(SIGTERM)
        assert ended.wait(SECONDS)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "SIGHUP could not be followed")
    assert "on purpose" in caplog.text


def test_other_handlers_are_let_be() -> None:
    """Before, meanwhile and after: ours is not the only code in the process."""
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


# The main thread runs into its wait while others keep the interpreter busy, which makes the moment long in which a
# signal that only has a handler is lost.
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
    """Two hundred in a row, each sent when the main thread is about to wait."""
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
