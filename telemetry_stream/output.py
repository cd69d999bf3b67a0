"""Standard output and standard error of the program, each of which may be closed, full, or a pipe that nobody reads.

A service must start nevertheless: a disk may be full, and a supervisor may have ended.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import sys

log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


def open_missing() -> None:
    """Open /dev/null for each standard stream that is closed. Call this before anything else is opened.

    Otherwise a socket would get the number 1 or 2, and output of libraries would go to a client.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    # Python has no object for a stream that was closed when it started.
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def announce(line: str) -> None:
    """Print a line to standard output, or log that this is impossible.

    The line must be shorter than PIPE_BUF: then a pipe that poll(2) reports as writable takes it without blocking.
    """
    try:
        poll = select.poll()
        poll.register(sys.stdout, select.POLLOUT)
        if not poll.poll(WAIT_SECONDS * 1000):
            raise BlockingIOError(errno.EAGAIN, "the pipe is full")
        print(line, flush=True)
    except OSError as error:
        log.warning("Cannot write to standard output: %s", error.strerror)
        _discard(1)  # this line and those after it, so that the reason is logged once


def report(line: str) -> None:
    """Print a line to standard error, if that is possible. The exit status is the part that systemd needs."""
    try:
        print(line, file=sys.stderr)
    except OSError:
        _discard(2)  # else Python tries again at the end, and changes the exit status to 120


def _discard(descriptor: int) -> None:
    """Replace a standard stream by /dev/null, with what its buffer still has."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
