"""A log line in each format, and the choice of the format."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_stream.logs import Journald, Json, Text, is_journal

# What a hostile peer can put into a message: a forged line, an escape sequence of a terminal, a Unicode line break.
NASTY = "GET '/\n<0>forged \x1b[2J\x85\u2028 \u202eexe.nur\u200b'"
CLEAN = r"GET '/\x0a<0>forged \x1b[2J\x85\u2028 \u202eexe.nur\u200b'"


def record(
    level: int = logging.WARNING, text: str = "hello", *, error: bool = False
) -> logging.LogRecord:
    """Return an event of our own logger at a known time."""
    made = logging.LogRecord("telemetry_stream.hub", level, __file__, 1, "%s", (text,), None)
    made.created, made.msecs = 1_769_860_800.123, 123
    if error:
        try:
            int(text)
        except ValueError:
            made.exc_info = sys.exc_info()
    return made


@pytest.fixture
def _kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone whose offset has half an hour."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_kolkata")
def test_text_line_has_local_time_with_its_offset() -> None:
    """Then level, logger and message."""
    assert Text().format(record()) == (
        "2026-01-31T17:30:00.123+05:30 WARNING telemetry_stream.hub: hello"
    )


@pytest.mark.parametrize(
    ("level", "priority"), [(10, 7), (20, 6), (30, 4), (40, 3), (50, 2), (25, 6)]
)
def test_journald_line_has_a_priority(level: int, priority: int) -> None:
    """Those of sd-daemon(3). It has no time, since the journal adds one."""
    assert Journald().format(record(level)) == f"<{priority}>telemetry_stream.hub: hello"


def test_json_line_is_one_object() -> None:
    """A traceback is inside it, however many lines it has."""
    line = Json().format(record(logging.ERROR, NASTY, error=True))
    assert "\n" not in line
    event = json.loads(line)
    assert event["level"] == "error"
    assert event["logger"] == "telemetry_stream.hub"
    assert event["message"] == NASTY
    assert event["traceback"].startswith("Traceback (most recent call last):\n")
    assert re.fullmatch(r"2026-01-31T\d\d:\d\d:00\.123[+-]\d\d:\d\d", event["time"])
    assert "traceback" not in json.loads(Json().format(record()))


@pytest.mark.parametrize("formatter", [Text(), Journald()], ids=["text", "journald"])
def test_message_cannot_forge_a_line(formatter: logging.Formatter) -> None:
    """Control characters and all kinds of line breaks are escaped."""
    line = formatter.format(record(text=NASTY))
    assert len(line.splitlines()) == 1
    assert line.endswith(CLEAN)


def test_every_line_of_a_traceback_has_the_priority() -> None:
    """Otherwise the journal would rate it as information, and would accept the priority of a forged line."""
    lines = Journald().format(record(logging.ERROR, NASTY, error=True)).split("\n")
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)


def test_journal_is_recognised_by_device_and_inode(tmp_path: Path) -> None:
    """JOURNAL_STREAM alone proves nothing: a process inherits it even if its output is redirected."""
    with (tmp_path / "journal").open("w") as stream:
        found = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev + 1}:{found.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": "nonsense"})
        assert not is_journal(stream, {})


LOGGING = """
import logging, os, sys
from telemetry_stream import logs
logs.configure("info", sys.argv[1], os.environ)
logging.getLogger("telemetry_stream.hub").info("hello")
logging.getLogger("telemetry_stream.hub").debug("not this")
"""


@pytest.mark.parametrize(
    ("log_format", "journal", "line"),
    [
        ("auto", False, r"\d{4}-.* INFO telemetry_stream\.hub: hello"),
        ("auto", True, r"<6>telemetry_stream\.hub: hello"),
        ("text", True, r"\d{4}-.* INFO telemetry_stream\.hub: hello"),
        ("json", True, r'\{.*"message": "hello"\}'),
        ("journald", False, r"<6>telemetry_stream\.hub: hello"),
    ],
)
def test_choice_of_the_format(log_format: str, journal: bool, line: str, tmp_path: Path) -> None:
    """As set; ``auto`` is the format of the journal only if standard error is connected to it."""
    with (tmp_path / "stderr").open("w+") as stream:
        found = os.fstat(stream.fileno())
        environment = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"} if journal else {}
        subprocess.run(
            [sys.executable, "-c", LOGGING, log_format],
            env={**os.environ, **environment},
            stderr=stream,
            check=True,
        )
        stream.seek(0)
        assert re.fullmatch(line + "\n", stream.read())
