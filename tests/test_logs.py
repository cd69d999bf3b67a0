"""How a log line looks in each format, and which format is taken."""

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

# What a hostile peer may bring into a message: a forged line, a terminal's escape, a line break of Unicode.
NASTY = "GET '/\n<0>forged \x1b[2J\x85\u2028'"
CLEAN = r"GET '/\x0a<0>forged \x1b[2J\x85\x2028'"


def record(
    level: int = logging.WARNING, text: str = "hello", *, error: bool = False
) -> logging.LogRecord:
    """An event of our own logger at a known time."""
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
    """A zone with half an hour in its offset."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_kolkata")
def test_text_is_a_line_with_an_unambiguous_time() -> None:
    """Local time, its offset, level, logger, message."""
    assert Text().format(record()) == (
        "2026-01-31T17:30:00.123+05:30 WARNING telemetry_stream.hub: hello"
    )


@pytest.mark.parametrize(
    ("level", "priority"), [(10, 7), (20, 6), (30, 4), (40, 3), (50, 2), (25, 6)]
)
def test_the_journal_gets_its_priorities(level: int, priority: int) -> None:
    """As sd-daemon(3) has them; no time, for the journal has its own."""
    assert Journald().format(record(level)) == f"<{priority}>telemetry_stream.hub: hello"


def test_json_is_one_object_a_line() -> None:
    """With a traceback inside, however many lines that has."""
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
def test_no_message_forges_a_line(formatter: logging.Formatter) -> None:
    """Control characters and line breaks of whatever kind are written as what they are."""
    said = formatter.format(record(text=NASTY))
    assert len(said.splitlines()) == 1
    assert said.endswith(CLEAN)


def test_every_line_of_a_traceback_has_its_priority() -> None:
    """Else the journal would take them for unimportant, and a forged one for what it says."""
    lines = Journald().format(record(logging.ERROR, NASTY, error=True)).split("\n")
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)


def test_the_journal_is_known_by_its_inode(tmp_path: Path) -> None:
    """JOURNAL_STREAM alone proves nothing: it is inherited by whoever writes elsewhere."""
    with (tmp_path / "journal").open("w") as stream:
        there = os.fstat(stream.fileno())
        named = f"{there.st_dev}:{there.st_ino}"
        assert is_journal(stream, {"JOURNAL_STREAM": named})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino + 1}"})
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
def test_which_format_is_taken(log_format: str, journal: bool, line: str, tmp_path: Path) -> None:
    """The one asked for; by itself, the journal's only where standard error is the journal."""
    with (tmp_path / "stderr").open("w+") as stream:
        there = os.fstat(stream.fileno())
        environment = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"} if journal else {}
        subprocess.run(
            [sys.executable, "-c", LOGGING, log_format],
            env={**os.environ, **environment},
            stderr=stream,
            check=True,
        )
        stream.seek(0)
        assert re.fullmatch(line + "\n", stream.read())
