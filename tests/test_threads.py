"""How threads are started: their names here and in the kernel, their stacks, and what becomes of a crash."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import types
from collections.abc import Iterator
from typing import NoReturn

import pytest

from telemetry_stream import threads

WAIT_SECONDS = 10.0  # for a thread that ends at once unless the code is broken


@contextlib.contextmanager
def no_new_stack_size() -> Iterator[None]:
    """Fails if the process's stack size for new threads is another one afterwards."""
    usual = threading.stack_size(1024 * 1024)  # asking for it without setting one would reset it
    try:
        yield
        assert threading.stack_size(1024 * 1024) == 1024 * 1024
    finally:
        threading.stack_size(usual)


def kernel_name() -> str:
    """What ``top -H`` shows for the calling thread."""
    with open(f"/proc/self/task/{threading.get_native_id()}/comm") as comm:
        return comm.read().rstrip("\n")


def test_runs_the_target_on_a_named_daemon_thread() -> None:
    """The target gets its arguments, on a daemon thread that has its name in Python and in the kernel."""
    seen: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()

    def target(*args: int) -> None:
        here = threading.current_thread()
        seen.put((args, here.name, kernel_name(), here.daemon))

    thread = threads.start("ts-test-1234567", target, 1, 2)
    assert seen.get(timeout=WAIT_SECONDS) == ((1, 2), "ts-test-1234567", "ts-test-1234567", True)
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()


@pytest.mark.parametrize("name", ["ts-test-12345678", "ts-tést-é-1234"])
def test_refuses_a_name_that_the_kernel_would_cut(name: str) -> None:
    """More than 15 bytes of UTF-8 are a mistake of the caller, and no thread is started."""
    assert len(name.encode()) > threads.NAME_BYTES
    before = threading.active_count()
    with pytest.raises(ValueError, match="longer than 15 bytes"):
        threads.start(name, print)
    assert threading.active_count() == before


def test_small_stack_for_ours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our threads start with 256 KiB, and the size that others get is as it was."""
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


def test_no_thread_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system refuses a thread the caller is told, and the stack size of others is as it was."""

    def refused(self: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with no_new_stack_size(), pytest.raises(RuntimeError, match="can't start new thread"):
        threads.start("ts-test", int)


@pytest.mark.parametrize("error", [LookupError("lost"), SystemExit(3)])
def test_crash_is_logged_and_told(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """An exception that leaves the target is in the log with its traceback, and then told on that same thread."""
    told: list[tuple[BaseException, str, int]] = []

    def target() -> NoReturn:
        raise error

    def on_crash(error: BaseException) -> None:
        told.append((error, threading.current_thread().name, len(caplog.records)))

    threads.start("ts-test", target, on_crash=on_crash).join(WAIT_SECONDS)
    assert told == [(error, "ts-test", 1)]
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == "thread ts-test died"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_crash_that_nobody_asked_about(caplog: pytest.LogCaptureFixture) -> None:
    """Without on_crash the log has it, and the thread ends in peace."""

    def target() -> NoReturn:
        raise LookupError

    thread = threads.start("ts-test", target)
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()
    assert [record.getMessage() for record in caplog.records] == ["thread ts-test died"]


def test_good_end_tells_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A target that returns is no crash."""
    told: list[BaseException] = []
    threads.start("ts-test", int, on_crash=told.append).join(WAIT_SECONDS)
    assert told == []
    assert caplog.records == []


def test_rename() -> None:
    """A thread that takes on another task takes its name, in the kernel too, and a crash is logged under it."""
    seen: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def target() -> None:
        threads.rename("ts-ws12-read")
        seen.put((threading.current_thread().name, kernel_name()))

    thread = threads.start("ts-conn-12", target)
    assert seen.get(timeout=WAIT_SECONDS) == ("ts-ws12-read", "ts-ws12-read")
    thread.join(WAIT_SECONDS)


def test_hidden_proc_costs_only_the_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where /proc cannot be written the thread runs all the same."""

    def hidden(*args: object) -> NoReturn:
        raise PermissionError

    # From 3.14 on Python names the thread itself.
    monkeypatch.setattr(
        threads, "sys", types.SimpleNamespace(version_info=(3, 11), platform="linux")
    )
    monkeypatch.setattr(threads, "open", hidden, raising=False)
    caplog.set_level(logging.DEBUG, logger=threads.__name__)
    ran: list[str] = []
    threads.start("ts-test", ran.append, "ran").join(WAIT_SECONDS)
    assert ran == ["ran"]
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
