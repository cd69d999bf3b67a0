"""What holds for every test: it leaves no thread and no descriptor of ours behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

# A job that a shell has put into the background ignores Ctrl-C, and so would the programs that tests send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LEAK_SECONDS = (
    5.0  # a thread that has been told to end may need a moment; one that was not never ends
)


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether ``condition()`` comes true within ``seconds``: for states of other processes, which raise no event."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.002)
    return True


def our_threads() -> set[threading.Thread]:
    """The living threads that the program started."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("ts-")}


def descriptors() -> dict[str, str]:
    """Open descriptors of this process and what they stand for."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue  # the listing's own
    return found


def _leaked(before: dict[str, str]) -> dict[str, str]:
    return {
        fd: target
        for fd, target in descriptors().items()
        if fd not in before and target.startswith(("socket:", "/proc", "/sys", "pipe:"))
    }


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    threads_before, descriptors_before = our_threads(), descriptors()
    yield
    eventually(lambda: not our_threads() - threads_before, LEAK_SECONDS)
    assert not our_threads() - threads_before, "the test left threads running"
    eventually(lambda: not _leaked(descriptors_before), LEAK_SECONDS)
    assert not _leaked(descriptors_before), "the test left descriptors open"
