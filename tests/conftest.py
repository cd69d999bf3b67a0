"""Rules for every test: it leaves no thread and no descriptor of the program behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from telemetry_stream.hub import hub

# On a busy machine one example may take long. The timeout of pytest is the limit.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# A shell starts its background jobs with SIGINT ignored. The programs that tests send it to would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LEAK_SECONDS = 20.0  # a thread that was stopped may need a moment to end


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that may take longest, so that at the end no worker waits for one of them."""

    def seconds(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timeout")
        return marker.args[0] if marker else 0.0

    items.sort(key=seconds, reverse=True)


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    """Return whether ``condition()`` becomes true within ``seconds``.

    For conditions that no event announces, such as states of other processes. The pauses grow from 2 to 50 ms, because
    a condition may be a request, and requests all the time would delay the program that they wait for.
    """
    deadline = time.monotonic() + seconds
    pause, pause_seconds = threading.Event(), 0.002
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(pause_seconds)
        pause_seconds = min(1.2 * pause_seconds, 0.05)
    return True


@pytest.fixture(params=["one by one", "together"])
def fan_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test for both ways in which a hub sends a frame, however many clients it has."""
    monkeypatch.setattr(hub, "BATCH_CLIENTS", 1 if request.param == "together" else sys.maxsize)
    way: str = request.param
    return way


def our_threads() -> set[threading.Thread]:
    """Return the living threads that the program started."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("ts-")}


def descriptors() -> dict[str, str]:
    """Return the open descriptors of this process, and the target of each."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue  # the descriptor of listdir, which is closed by now
    return found


def _leaked_descriptors(before: dict[str, str]) -> dict[str, str]:
    """Return the descriptors that were opened since ``before`` and that the program may have opened."""
    return {
        fd: target
        for fd, target in descriptors().items()
        if fd not in before
        and target.startswith(("socket:", "/proc", "/sys", "pipe:", "anon_inode:"))
    }


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    threads_before, descriptors_before = our_threads(), descriptors()
    yield
    eventually(lambda: not our_threads() - threads_before, LEAK_SECONDS)
    assert not our_threads() - threads_before, "the test left threads running"
    eventually(lambda: not _leaked_descriptors(descriptors_before), LEAK_SECONDS)
    assert not _leaked_descriptors(descriptors_before), "the test left descriptors open"
