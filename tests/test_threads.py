"""How threads are started: their names in Python and in the kernel, their stacks, and reports of a crash."""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

import pytest

from telemetry_stream import threads

WAIT_SECONDS = 10.0  # for a thread that ends at once unless the code is wrong


@contextlib.contextmanager
def no_new_stack_size() -> Iterator[None]:
    """Fail if the stack size of the process for new threads has changed at the end."""
    usual = threading.stack_size(1024 * 1024)  # reading the size without setting one would reset it
    try:
        yield
        assert threading.stack_size(1024 * 1024) == 1024 * 1024
    finally:
        threading.stack_size(usual)


def kernel_name() -> str:
    """Return what ``top -H`` shows for the calling thread."""
    with open(f"/proc/self/task/{threading.get_native_id()}/comm") as comm:
        return comm.read().rstrip("\n")


def test_target_runs_on_a_named_daemon_thread() -> None:
    """It gets its arguments; Python and the kernel know the name of its thread."""
    seen: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()

    def target(*args: int) -> None:
        here = threading.current_thread()
        seen.put((args, here.name, kernel_name(), here.daemon))

    thread = threads.start("ts-test-1234567", target, 1, 2)
    assert seen.get(timeout=WAIT_SECONDS) == ((1, 2), "ts-test-1234567", "ts-test-1234567", True)
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()


@pytest.mark.parametrize("name", ["ts-test-12345678", "ts-tést-é-1234"])
def test_name_that_the_kernel_would_cut_is_an_error(name: str) -> None:
    """More than 15 bytes of UTF-8; no thread is started."""
    assert len(name.encode()) > threads.NAME_BYTES
    before = threading.active_count()
    with pytest.raises(ValueError, match="longer than 15 bytes"):
        threads.start(name, print)
    assert threading.active_count() == before


def test_only_our_threads_have_a_small_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """They start with 256 KiB; the size for other threads is the same as before."""
    sizes: list[int] = []
    start = threading.Thread.start

    def watched_start(self: threading.Thread) -> None:
        size = threading.stack_size(threads.STACK_BYTES)
        sizes.append(size)
        threading.stack_size(size)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", watched_start)
    with no_new_stack_size():
        threads.start("ts-test", int).join(WAIT_SECONDS)
    assert sizes == [256 * 1024]


def test_runtime_error_when_the_system_has_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack size for other threads is the same as before."""

    def refused(self: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with no_new_stack_size(), pytest.raises(threads.ThreadUnavailableError, match="out of threads"):
        threads.start("ts-test", int)


@pytest.mark.parametrize("error", [LookupError("lost"), SystemExit(3)])
def test_crash_is_logged_and_then_reported(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the traceback; on_crash gets the exception, on the same thread."""
    reports: list[tuple[BaseException, str, int]] = []

    def target() -> NoReturn:
        raise error

    def on_crash(error: BaseException) -> None:
        reports.append((error, threading.current_thread().name, len(caplog.records)))

    threads.start("ts-test", target, on_crash=on_crash).join(WAIT_SECONDS)
    assert reports == [(error, "ts-test", 1)]
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == "Thread ts-test crashed"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_crash_without_on_crash_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The exception goes no further: pytest would fail this test for it."""

    def target() -> NoReturn:
        raise LookupError

    thread = threads.start("ts-test", target)
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()
    assert [record.getMessage() for record in caplog.records] == ["Thread ts-test crashed"]


def test_normal_end_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A target that returns has not crashed."""
    reports: list[BaseException] = []
    threads.start("ts-test", int, on_crash=reports.append).join(WAIT_SECONDS)
    assert reports == []
    assert caplog.records == []


def test_rename_changes_the_name_in_python_and_in_the_kernel() -> None:
    """For a thread that gets another task."""
    seen: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def target() -> None:
        threads.rename("ts-ws12-read")
        seen.put((threading.current_thread().name, kernel_name()))

    thread = threads.start("ts-conn-12", target)
    assert seen.get(timeout=WAIT_SECONDS) == ("ts-ws12-read", "ts-ws12-read")
    thread.join(WAIT_SECONDS)


def test_thread_runs_even_if_proc_is_not_writable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only its name in the kernel is missing. From Python 3.14 on, Python sets that name without /proc."""

    def refused(*args: object) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(threads, "open", refused, raising=False)  # as a read-only /proc would
    caplog.set_level(logging.DEBUG, logger=threads.__name__)
    ran: list[str] = []
    threads.start("ts-test", ran.append, "ran").join(WAIT_SECONDS)
    assert ran == ["ran"]
    expected = [] if sys.version_info >= (3, 14) else [logging.DEBUG]
    assert [record.levelno for record in caplog.records] == expected
