"""Starts every thread of this program: named, as a daemon, and with its crash in the log.

Threads are daemons, so that a stuck one cannot keep the process alive. The code that starts a thread still owns it:
it ends it and joins it within a deadline. Python 3.14 gives the name to the operating system. Before that, this module
does, so that ``top -H`` and ``/proc/PID/task/*/comm`` show the same names everywhere.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

log = logging.getLogger(__name__)

# The deepest stack of our own code stays below 100 KiB.
SMALL_STACK_BYTES = 256 * 1024
NAME_BYTES = 15  # the kernel's TASK_COMM_LEN without the final NUL

# Each Thread has an Event that is only waited for while it starts. Afterwards, all of our threads share one: it has
# 1.3 KB, and a thousand viewers have two thousand threads.
_STARTED = threading.Event()
_STARTED.set()

# Within ``small_stacks``: the size of a stack before it, as threading.stack_size returns it.
_usual_stack_bytes: int | None = None


class ThreadUnavailableError(Exception):
    """The system has no thread available (ulimit -u, TasksMax=, memory). Another attempt may succeed later."""


def start(
    name: str,
    target: Callable[..., object],
    *args: Any,
    on_crash: Callable[[BaseException], None] | None = None,
    runs_foreign_code: bool = False,
) -> threading.Thread:
    """Run ``target(*args)`` on a new daemon thread, and return the thread.

    An exception that leaves ``target`` is logged with its traceback and then given to ``on_crash``, on that thread.
    With ``runs_foreign_code``, its stack has the usual size also within ``small_stacks``: that code may need it.
    Raises ValueError if ``name`` has more than 15 bytes, and ThreadUnavailableError.
    """
    if len(name.encode()) > NAME_BYTES:
        raise ValueError(f"thread name {name!r} is longer than {NAME_BYTES} bytes")
    thread = threading.Thread(name=name, target=_run, args=(target, args, on_crash), daemon=True)
    try:
        with _usual_stack() if runs_foreign_code else nullcontext():
            thread.start()
    except RuntimeError as error:
        raise ThreadUnavailableError("the system is out of threads") from error
    thread._started = _STARTED  # type: ignore[attr-defined]
    return thread


def _run(
    target: Callable[..., object],
    args: tuple[Any, ...],
    on_crash: Callable[[BaseException], None] | None,
) -> None:
    name_os_thread()
    try:
        target(*args)
    except BaseException as error:
        log.critical("Thread %s crashed", threading.current_thread().name, exc_info=True)
        if on_crash is not None:
            on_crash(error)


@contextmanager
def small_stacks() -> Iterator[None]:
    """Give small stacks to the threads that this process starts until the end of the block.

    A viewer needs two threads. With the usual stacks of 8 MiB, a thousand viewers reserve 16 GiB of address space,
    which 32-bit boards and strict memory limits refuse. The resident memory is the same. Only the command line uses
    this: the size applies to every thread of the process, and foreign code may need a larger stack.
    """
    global _usual_stack_bytes  # noqa: PLW0603 (the size is that of the process, too)
    usual = _usual_stack_bytes = threading.stack_size(SMALL_STACK_BYTES)
    try:
        yield
    finally:
        _usual_stack_bytes = None
        threading.stack_size(usual)


@contextmanager
def _usual_stack() -> Iterator[None]:
    """Undo ``small_stacks`` for the start of one thread. Another one that starts meanwhile may get a large stack."""
    if _usual_stack_bytes is None:
        yield
        return
    threading.stack_size(_usual_stack_bytes)
    try:
        yield
    finally:
        threading.stack_size(SMALL_STACK_BYTES)


def rename(name: str) -> None:
    """Give the calling thread a new name, for a new task (a connection that became a viewer)."""
    threading.current_thread().name = name
    name_os_thread()


def name_os_thread() -> None:
    """Set the name of the calling thread in the kernel (proc(5), /proc/PID/task/TID/comm)."""
    if sys.version_info >= (3, 14) or sys.platform != "linux":
        return
    thread = threading.current_thread()
    try:
        # Three system calls. open() makes twice as many, and after each a thread waits for the interpreter.
        comm = os.open(f"/proc/self/task/{thread.native_id}/comm", os.O_WRONLY)
        try:
            os.write(comm, thread.name.encode())
        finally:
            os.close(comm)
    except OSError:  # /proc is read-only or hidden; the name is only for people
        log.debug("Thread %s keeps the name of the process in the kernel", thread.name)
