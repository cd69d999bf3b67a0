"""The protocols between systemd and a service: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).

All of them start from environment variables; without these, nothing here does anything. ``Notifier`` owns the thread
``ts-systemd``, the only one that uses the notification socket. So no tick and no viewer waits for systemd.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping

from . import threads

log = logging.getLogger(__name__)

FIRST_FD = 3  # SD_LISTEN_FDS_START
SEND_SECONDS = 1.0
JOIN_SECONDS = 0.5  # the whole program may take two seconds to stop


class SystemdError(Exception):
    """An environment variable or a descriptor of the service manager cannot be used. The message is one sentence."""


def maybe_listening(environment: Mapping[str, str], pid: int) -> socket.socket | None:
    """Return the TCP socket that a .socket unit keeps open for this process, if there is one.

    Raises SystemdError if it passes anything other than one TCP socket.
    """
    if environment.get("LISTEN_PID") != str(pid):
        return None  # not set, or inherited from a parent that it was meant for
    count = environment.get("LISTEN_FDS", "")
    if count != "1":
        raise SystemdError(f"LISTEN_FDS = {count!r}: the .socket unit must have one ListenStream")
    try:
        sock = socket.socket(fileno=FIRST_FD)
    except OSError as error:
        raise SystemdError(f"LISTEN_FDS: descriptor 3 is not a socket: {error.strerror}") from error
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise SystemdError("LISTEN_FDS: descriptor 3 is not a TCP socket")
    sock.set_inheritable(False)
    return sock


def maybe_notifier(environment: Mapping[str, str], pid: int) -> Notifier | None:
    """Return a notifier if systemd expects notifications. Raises SystemdError if its variables are invalid."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return None
    if address[0] not in "/@":
        raise SystemdError(f"NOTIFY_SOCKET = {address!r}: neither a path nor an abstract name")
    watchdog = None
    if environment.get("WATCHDOG_PID", str(pid)) == str(pid) and "WATCHDOG_USEC" in environment:
        microseconds = environment["WATCHDOG_USEC"]
        if not microseconds.isdecimal() or int(microseconds) == 0:
            raise SystemdError(
                f"WATCHDOG_USEC = {microseconds!r}: not a positive number of microseconds"
            )
        watchdog = int(microseconds) / 1e6
    return Notifier(address, watchdog_seconds=watchdog)


class Notifier:
    """Sends READY=1 once, WATCHDOG=1 twice per watchdog interval while the program is well, and STOPPING=1 last.

    The owner calls ``start`` and ``close``; any thread may call ``ready``. ``watchdog_seconds`` is None if systemd
    expects no watchdog notifications.
    """

    def __init__(self, address: str, *, watchdog_seconds: float | None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._interval_seconds = None if watchdog_seconds is None else watchdog_seconds / 2
        self._wake = threading.Event()
        self._is_ready = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self, maybe_problem: Callable[[], str | None]) -> None:
        """Start the thread. ``maybe_problem()`` returns None while the program is well, and otherwise the reason."""
        self._thread = threads.start("ts-systemd", self._run, maybe_problem)

    def ready(self) -> None:
        """Make the thread send READY=1. Further calls do nothing."""
        if not self._is_ready:
            self._is_ready = True
            self._wake.set()

    def close(self) -> None:
        """Make the thread send STOPPING=1 and end."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def _run(self, maybe_problem: Callable[[], str | None]) -> None:
        """Runs on ``ts-systemd``."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(SEND_SECONDS)
            self._wake.wait()
            self._wake.clear()
            if not self._closed:
                self._send(sock, "READY=1")
            problem = None
            while not self._closed:
                if self._interval_seconds is not None:
                    before, problem = problem, maybe_problem()
                    if problem is None:
                        self._send(sock, "WATCHDOG=1")
                    # Only changes are reported: the text of a problem may contain a number of seconds.
                    if (problem is None) != (before is None):
                        self._send(sock, f"STATUS={_logged(problem)}")
                self._wake.wait(self._interval_seconds)
            self._send(sock, "STOPPING=1")

    def _send(self, sock: socket.socket, state: str) -> None:
        try:
            sock.sendto(state.encode(), self._address)
        except OSError as error:
            log.error("Cannot notify systemd of %s: %s", state, error)


def _logged(problem: str | None) -> str:
    """Log that watchdog notifications have stopped or resumed; return the text for ``systemctl status``."""
    if problem is None:
        log.info("Watchdog notifications resumed")
        return ""
    status = f"Watchdog notifications stopped: {problem}"
    log.error("%s", status)
    return status
