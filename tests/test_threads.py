"""How threads are started: their names in Python and in the kernel, their stacks, and reports of a crash."""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import sys
import threading
from typing import NoReturn

import pytest

from telemetry_stream import threads

WAIT_SECONDS = 30.0  # for a thread that ends at once unless the code is wrong


def stack_bytes_of_new_thread(*, runs_foreign_code: bool = False) -> int:
    """Return the size of the stack that a new thread gets (pthread_getattr_np(3))."""
    sizes: list[int] = []

    def measure() -> None:
        libc = ctypes.CDLL(None)
        attributes, size = ctypes.create_string_buffer(256), ctypes.c_size_t()
        libc.pthread_getattr_np(ctypes.c_void_p(threading.get_ident()), attributes)
        libc.pthread_attr_getstacksize(attributes, ctypes.byref(size))
        libc.pthread_attr_destroy(attributes)
        sizes.append(size.value)

    threads.start("ts-test", measure, runs_foreign_code=runs_foreign_code).join(WAIT_SECONDS)
    return sizes[0]


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


def test_a_start_does_not_change_the_size_of_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one value for the whole process: other threads of an embedding program may start at the same time."""
    monkeypatch.setattr(threading, "stack_size", None)
    threads.start("ts-test", int).join(WAIT_SECONDS)
    threads.start("ts-test", int, runs_foreign_code=True).join(WAIT_SECONDS)


def test_foreign_code_has_a_stack_of_the_usual_size() -> None:
    """Nobody knows how much the library of NVIDIA needs. The next thread has a small one again."""
    usual = stack_bytes_of_new_thread()
    with threads.small_stacks():
        assert stack_bytes_of_new_thread(runs_foreign_code=True) == usual
        assert stack_bytes_of_new_thread() == 256 * 1024


def test_small_stacks_are_for_the_block_only() -> None:
    """Threads that start in it have 256 KiB; later ones have what they had before."""
    usual = stack_bytes_of_new_thread()
    with threads.small_stacks():
        assert stack_bytes_of_new_thread() == 256 * 1024
    assert stack_bytes_of_new_thread() == usual > 1024 * 1024


def test_runtime_error_when_the_system_has_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error of our own, which callers can handle."""

    def refused(self: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(threads.ThreadUnavailableError, match="out of threads"):
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

    monkeypatch.setattr(os, "open", refused)  # as a read-only /proc would
    caplog.set_level(logging.DEBUG, logger=threads.__name__)
    ran: list[str] = []
    threads.start("ts-test", ran.append, "ran").join(WAIT_SECONDS)
    assert ran == ["ran"]
    expected = [] if sys.version_info >= (3, 14) else [logging.DEBUG]
    assert [record.levelno for record in caplog.records] == expected
