"""Commands as receivers: what they get, and what their status means."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from telemetry_stream.notify.channel import DeliveryError
from telemetry_stream.notify.command import Command
from tests.notify.alerts import event, message

SAVE = """
import json, os, sys
with open(sys.argv[1] + ".new", "w") as file:
    json.dump([json.load(sys.stdin), dict(os.environ), os.getcwd()], file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
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
