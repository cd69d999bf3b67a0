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

from telemetry_stream.signals import Background, Signals
from tests.conftest import eventually

SECONDS = 10.0


def no_crash(error: BaseException) -> None:
    """Be the callback of a thread that must not crash."""
    raise AssertionError from error


def test_actions_run_in_the_order_of_the_signals() -> None:
    """A repeated signal runs its action again."""
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    with Signals(
        {SIGHUP: lambda: done.put("again"), SIGTERM: lambda: done.put("end")}, on_crash=no_crash
    ):
        for number in (SIGHUP, SIGHUP, SIGTERM, SIGHUP):
            signal.raise_signal(number)
        assert [done.get(timeout=SECONDS) for _ in range(4)] == ["again", "again", "end", "again"]


def test_action_runs_on_a_thread_and_may_take_locks() -> None:
    """Even a lock that the main thread holds when the signal arrives."""
    lock, names = threading.Lock(), queue.SimpleQueue[str]()

    def action() -> None:
        with lock:
            names.put(threading.current_thread().name)

    with Signals({SIGHUP: action}, on_crash=no_crash):
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

    with Signals({SIGHUP: fail, SIGTERM: ended.set}, on_crash=no_crash):
        signal.raise_signal(SIGHUP)
        signal.raise_signal(SIGTERM)
        assert ended.wait(SECONDS)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "Handling SIGHUP failed")
    assert "on purpose" in caplog.text


def test_other_handlers_are_kept() -> None:
    """Other code of the process may handle signals: other ones inside the context, and any after it.

    One of them is a real-time signal without a name.
    """
    seen: list[int] = []
    unnamed = signal.SIGRTMIN + 1
    before = {
        number: signal.signal(number, lambda n, _: seen.append(n))
        for number in (unnamed, SIGUSR1, SIGHUP)
    }
    done = threading.Event()
    try:
        with Signals({SIGHUP: done.set}, on_crash=no_crash):
            signal.raise_signal(unnamed)
            signal.raise_signal(SIGUSR1)
            signal.raise_signal(SIGHUP)
            assert done.wait(SECONDS)
        assert signal.set_wakeup_fd(-1) == -1
        signal.raise_signal(SIGHUP)
        assert seen == [unnamed, SIGUSR1, SIGHUP]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_thread_that_dies_reports_its_error() -> None:
    """From then on no signal has an effect, so the owner must end the program."""
    crashes: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def die() -> None:
        raise SystemExit("on purpose")

    with Signals({SIGHUP: die}, on_crash=crashes.put):
        signal.raise_signal(SIGHUP)
        assert isinstance(crashes.get(timeout=SECONDS), SystemExit)


def test_action_in_the_background_delays_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """While it blocks, a signal that ends the program has its effect, and further requests cause one more run."""
    runs: queue.SimpleQueue[str] = queue.SimpleQueue()
    go_on, ended = threading.Event(), threading.Event()

    def block() -> None:
        runs.put(threading.current_thread().name)
        go_on.wait(SECONDS)

    with Background("ts-reload", block, on_crash=no_crash) as reloads:
        with Signals({SIGHUP: reloads.request, SIGTERM: ended.set}, on_crash=no_crash):
            signal.raise_signal(SIGHUP)
            assert runs.get(timeout=SECONDS) == "ts-reload"
            for number in (SIGHUP, SIGHUP, SIGTERM):
                signal.raise_signal(number)
            assert ended.wait(SECONDS)
        go_on.set()
        assert runs.get(timeout=SECONDS) == "ts-reload"
    assert runs.empty()
    assert "ts-reload is still busy" in caplog.text


def test_leaving_the_background_does_not_wait_for_its_action() -> None:
    """The process ends at once, although its file hangs."""
    started, go_on = threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        go_on.wait(SECONDS)

    with Background("ts-reload", block, on_crash=no_crash) as reloads:
        reloads.request()
        assert started.wait(SECONDS)
    assert [thread for thread in threading.enumerate() if thread.name == "ts-reload"]
    go_on.set()


def test_failed_action_in_the_background_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The next request runs it again. An error that ends the thread is reported."""
    errors = [LookupError("first"), SystemExit("second")]
    crashes: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def fail() -> None:
        raise errors.pop(0)

    with Background("ts-reload", fail, on_crash=crashes.put) as reloads:
        reloads.request()
        assert eventually(lambda: "first" in caplog.text)
        reloads.request()
        assert isinstance(crashes.get(timeout=SECONDS), SystemExit)


# The main thread begins to wait while other threads keep the interpreter busy. That makes the moment long in which a
# signal is lost if it only has a Python handler.
WAITING = """
import queue, signal, sys, threading
from telemetry_stream.signals import Signals
ended = queue.SimpleQueue()
for _ in range(3):
    threading.Thread(target=lambda: [pow(3, 5000) for _ in iter(int, 1)], daemon=True).start()
with Signals({signal.SIGHUP: lambda: ended.put(None)}, on_crash=lambda error: None):
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
