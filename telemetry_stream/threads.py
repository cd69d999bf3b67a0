"""The one way in which this program starts a thread: named, small, a daemon, and never dead in silence.

Threads are daemons so that a stuck one cannot keep the process; whoever starts one still owns it, ends it and
joins it within a deadline. Python 3.14 gives the operating system the thread's name; before that we do it, so that
``top -H`` and ``/proc/PID/task/*/comm`` read the same everywhere.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

# Two threads a viewer: at the usual 8 MiB a thousand viewers reserve 16 GiB of address space, which embedded boards
# and container limits refuse. The deepest stack of ours stays below 100 KiB.
STACK_BYTES = 256 * 1024
NAME_BYTES = 15  # TASK_COMM_LEN of the kernel less its final NUL

# Guards threading.stack_size, which is one value for the whole process: an embedding program's own threads keep theirs.
_stack_size_lock = threading.Lock()


def start(
    name: str,
    target: Callable[..., object],
    *args: Any,
    on_crash: Callable[[BaseException], None] | None = None,
) -> threading.Thread:
    """Run ``target(*args)`` on a daemon thread called ``name`` (at most 15 bytes, or ValueError).

    An exception that leaves ``target`` is logged with its traceback and then handed to ``on_crash``, on that thread.
    Raises RuntimeError when the system has no thread to give.
    """
    if len(name.encode()) > NAME_BYTES:
        raise ValueError(f"thread name {name!r} is longer than {NAME_BYTES} bytes")

    def run() -> None:
        name_os_thread()
        try:
            target(*args)
        except BaseException as error:
            log.critical("thread %s died", threading.current_thread().name, exc_info=True)
            if on_crash is not None:
                on_crash(error)

    thread = threading.Thread(name=name, target=run, daemon=True)
    with _stack_size_lock:
        usual = threading.stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
    return thread


def rename(name: str) -> None:
    """Give the calling thread a new name (a connection that became a viewer)."""
    threading.current_thread().name = name
    name_os_thread()


def name_os_thread() -> None:
    """Tell the kernel the calling thread's name (proc(5), /proc/PID/task/TID/comm)."""
    if sys.version_info >= (3, 14) or sys.platform != "linux":
        return
    thread = threading.current_thread()
    try:
        with open(f"/proc/self/task/{thread.native_id}/comm", "w") as comm:
            comm.write(thread.name)
    except OSError:  # a read-only or hidden /proc: the name is a courtesy, nothing relies on it
        log.debug("thread %s keeps the process's name in the kernel", thread.name)
