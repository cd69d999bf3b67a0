"""How the log is written: one line an event, for people, for machines or for the journal.

Standard logging throughout; this is the one handler of the program as a command. An embedding program configures its
own logging and never calls this.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

# sd-daemon(3): the journal takes the kernel's priorities at the beginning of a line.
PRIORITIES = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}
# What a peer or a file of the kernel put into a message must neither begin a new line nor steer a terminal.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


def configure(
    level: str, log_format: str, environment: Mapping[str, str], stream: TextIO | None = None
) -> None:
    """Log from ``level`` on to ``stream`` (standard error) in the format: auto, text, json or journald."""
    stream = stream or sys.stderr
    if log_format == "auto":
        log_format = "journald" if is_journal(stream, environment) else "text"
    handler = logging.StreamHandler(stream)
    handler.setFormatter({"text": Text, "json": Json, "journald": Journald}[log_format]())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether ``stream`` leads to the journal: JOURNAL_STREAM (systemd.exec(5)) names its device and inode.

    The variable alone is not enough: it is inherited by whoever redirects our standard error elsewhere.
    """
    named = environment.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        there = os.fstat(stream.fileno())
    except OSError:  # closed, or not a file at all
        return False
    return named == f"{there.st_dev}:{there.st_ino}"


class Text(logging.Formatter):
    """``2026-01-31T12:00:00.123+00:00 WARNING telemetry_stream.hub: …``; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback if there is one."""
        return "\n".join([f"{moment(record)} {record.levelname} {_said(record)}", *_trace(record)])


class Journald(logging.Formatter):
    """``<4>telemetry_stream.hub: …``: the journal has its own clock, and each of a traceback's lines its priority."""

    def format(self, record: logging.LogRecord) -> str:
        """Each line with its priority."""
        priority = PRIORITIES.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in (_said(record), *_trace(record)))


class Json(logging.Formatter):
    """An object a line: ``time``, ``level``, ``logger``, ``message``, and ``traceback`` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line in any case."""
        import json  # noqa: PLC0415 (the other formats do without)

        event = {
            "time": moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := _trace(record):
            event["traceback"] = "\n".join(trace)
        return json.dumps(event)


def moment(record: logging.LogRecord) -> str:
    """Local time with its offset (RFC 3339): unambiguous in any zone, on either side of a clock change."""
    local = time.localtime(record.created)
    zone = time.strftime("%z", local)
    return (
        f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{int(record.msecs):03d}{zone[:3]}:{zone[3:]}"
    )


def _said(record: logging.LogRecord) -> str:
    return f"{record.name}: {record.getMessage().translate(CONTROLS)}"


def _trace(record: logging.LogRecord) -> list[str]:
    if not record.exc_info:
        return []
    lines = logging.Formatter().formatException(record.exc_info).splitlines()
    return [line.translate(CONTROLS) for line in lines]
