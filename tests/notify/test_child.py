"""The process of one attempt: its limit, its abort, and the end of its group."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.notify.channel import DeliveryError
from telemetry_stream.notify.command import Command
from telemetry_stream.notify.worker import attempt
from tests.conftest import eventually
from tests.notify.alerts import event, message
from tests.notify.test_command import python

# Writes the numbers of itself and of a child of its group, and waits.
HANG = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(60)
"""


def has_ended(pid: str) -> bool:
    """Return whether a process is gone, or is only left for its parent."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_a_command_that_hangs_ends_with_its_group(tmp_path: Path) -> None:
    """After its limit, or when it is aborted."""
    path = tmp_path / "pids"
    with pytest.raises(DeliveryError, match="it runs for more than 1 s"):
        python(HANG, path, 1.0).sender().send(message())
    if path.exists():  # the machine may be too busy to start it within the second
        assert eventually(lambda: all(map(has_ended, path.read_text().split())))
        path.unlink()
    sender = python(HANG, path).sender()
    errors: list[DeliveryError] = []

    def send() -> None:
        try:
            sender.send(message())
        except DeliveryError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert eventually(path.exists)
    sender.abort()
    thread.join(10)
    assert [str(error) for error in errors] == ["it ends with signal 9"]
    assert eventually(lambda: all(map(has_ended, path.read_text().split())))
    with pytest.raises(DeliveryError, match="aborted"):
        sender.send(message())


def test_children_of_a_command_end_with_it(tmp_path: Path) -> None:
    """Those in the background, which would be left otherwise."""
    path = tmp_path / "pids"
    python(HANG.replace("time.sleep(60)\n", "", -1), path).sender().send(message())
    assert eventually(lambda: all(map(has_ended, path.read_text().split())))


def test_a_command_that_does_not_read_its_input_does_not_delay(tmp_path: Path) -> None:
    """Even if the message is larger than a pipe."""
    found = message(*[event(text="x" * 5000, rule=f"r{i}") for i in range(50)])
    Command(("/bin/true",), 30.0).sender().send(found)


def test_an_abort_does_not_wait_for_a_start_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program may be on a file system that does not answer. If it starts after all, it is killed."""
    is_starting, release = threading.Event(), threading.Event()
    start = subprocess.Popen

    def hanging(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        is_starting.set()
        release.wait(30)
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", hanging)
    sender = python("import time; time.sleep(60)", tmp_path).sender()
    errors: list[DeliveryError | None] = []
    sending = threading.Thread(target=lambda: errors.append(attempt(sender, message())))
    sending.start()
    aborting = threading.Thread(target=sender.abort)
    try:
        assert is_starting.wait(30)
        aborting.start()
        aborting.join(10)
        assert not aborting.is_alive()
    finally:
        release.set()
        sending.join(30)
    assert [str(error) for error in errors] == ["it ends with signal 9"]
