"""The format of the log: one line per event, as text, as JSON or for the journal.

Only the command line calls ``configure``, which installs the one handler of standard logging. An embedding program
configures its own logging.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from .escape import escaped

# The journal reads a priority of the kernel's log at the beginning of a line (sd-daemon(3)).
PRIORITIES = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}


def configure(level: str, log_format: str, environment: Mapping[str, str]) -> None:
    """Log to standard error, from ``level`` up. ``log_format`` is auto, text, json or journald.

    ``auto`` is journald if standard error is connected to the journal, and text otherwise.
    """
    if log_format == "auto":
        log_format = "journald" if is_journal(sys.stderr, environment) else "text"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter({"text": Text, "json": Json, "journald": Journald}[log_format]())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether ``stream`` is connected to the journal: JOURNAL_STREAM has its device and inode (systemd.exec(5)).

    The variable alone proves nothing: a process inherits it even when its standard error is redirected elsewhere.
    """
    journal = environment.get("JOURNAL_STREAM")
    if not journal:
        return False
    try:
        found = os.fstat(stream.fileno())
    except OSError:  # closed, or not a file
        return False
    return journal == f"{found.st_dev}:{found.st_ino}"


class Text(logging.Formatter):
    """``2026-01-31T12:00:00.123+00:00 WARNING telemetry_stream.hub: …``, and then the lines of a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and those of the traceback if there is one."""
        line = f"{local_time(record)} {record.levelname} {_message(record)}"
        return "\n".join([line, *_traceback(record)])


class Journald(logging.Formatter):
    """``<4>telemetry_stream.hub: …``: without a time, which the journal adds itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message and the lines of the traceback, each with the priority of the record."""
        priority = PRIORITIES.get(record.levelno, 6)
        lines = (_message(record), *_traceback(record))
        return "\n".join(f"<{priority}>{line}" for line in lines)


class Json(logging.Formatter):
    """One JSON object per line: ``time``, ``level``, ``logger``, ``message``, and ``traceback`` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with any traceback inside it."""
        import json  # noqa: PLC0415 (the other formats do not need it)

        event = {
            "time": local_time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if lines := _traceback(record):
            event["traceback"] = "\n".join(lines)
        return json.dumps(event)


def local_time(record: logging.LogRecord) -> str:
    """Return the record's local time with its UTC offset (RFC 3339), which is unambiguous at a clock change too."""
    local = time.localtime(record.created)
    zone = time.strftime("%z", local)
    return (
        f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{int(record.msecs):03d}{zone[:3]}:{zone[3:]}"
    )


def _message(record: logging.LogRecord) -> str:
    # A message can contain text of a peer or of a kernel file.
    return f"{record.name}: {escaped(record.getMessage())}"


def _traceback(record: logging.LogRecord) -> list[str]:
    if not record.exc_info:
        return []
    lines = logging.Formatter().formatException(record.exc_info).splitlines()
    return [escaped(line) for line in lines]
