"""Commands as receivers: what they get, their limit, and the end of their group."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.notify.channel import DeliveryError
from telemetry_stream.notify.program import Command
from telemetry_stream.notify.worker import attempt
from tests.conftest import eventually
from tests.notify.alerts import event, message

SAVE = """
import json, os, sys
with open(sys.argv[1] + ".new", "w") as file:
    json.dump([json.load(sys.stdin), dict(os.environ), os.getcwd()], file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""
# Writes the numbers of itself and of a child of its group, and waits.
HANG = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(60)
"""


def python(code: str, path: Path, limit_seconds: float = 30.0) -> Command:
    """Return the channel for a program in Python."""
    return Command((sys.executable, "-c", code, str(path)), limit_seconds)


def test_a_command_gets_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON on its input and in its environment, which has nothing else of this program."""
    monkeypatch.setenv("TELEMETRY_STREAM_TOKEN", "hunter2")
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    python(SAVE, tmp_path / "found").sender().send(message(event(text="a; $(b) \n c")))
    text = (tmp_path / "found").read_text()
    content, environment, directory = json.loads(text)
    assert content["alerts"][0]["text"] == "a; $(b) \n c"
    assert environment["TELEMETRY_STREAM_ALERT_SEVERITY"] == "warning"
    assert (
        environment["TELEMETRY_STREAM_ALERT_TEXT"] == "warning: web1: a; $(b) \\x0a c [disk_full]"
    )
    assert environment["TELEMETRY_STREAM_ALERT_COUNT"] == "1"
    assert directory == "/"
    assert "hunter2" not in text


def test_a_status_is_a_failure(tmp_path: Path) -> None:
    """A signal is one, too."""
    with pytest.raises(DeliveryError, match="it ends with status 3"):
        python("import sys; sys.exit(3)", tmp_path).sender().send(message())
    with pytest.raises(DeliveryError, match="it ends with signal 15"):
        python("import os; os.kill(os.getpid(), 15)", tmp_path).sender().send(message())
    with pytest.raises(DeliveryError, match="cannot be started: No such file"):
        Command(("/nonexistent", "hunter2"), 1.0).sender().send(message())
    assert Command(("/bin/x", "hunter2"), 1.0).target == "/bin/x"


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
