"""What systemd and a service say to each other: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).

All of it rests on variables of the environment; where they are missing nothing here does anything. ``Notifier`` owns
the thread ``ts-systemd``, which alone touches the notification socket: no tick and no viewer waits for systemd.
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
JOIN_SECONDS = 0.5  # a stop of the whole program may take two seconds


class SystemdError(Exception):
    """What the service manager has handed to us cannot be used: one sentence that says why."""


def maybe_listening(environment: Mapping[str, str], pid: int) -> socket.socket | None:
    """The TCP socket that a .socket unit holds for us. Raises SystemdError for anything but exactly one."""
    if environment.get("LISTEN_PID") != str(pid):
        return None  # none, or meant for the parent that we have them from
    count = environment.get("LISTEN_FDS", "")
    if count != "1":
        raise SystemdError(f"LISTEN_FDS = {count!r}: the .socket unit must have one ListenStream")
    try:
        sock = socket.socket(fileno=FIRST_FD)
    except OSError as error:
        raise SystemdError(f"LISTEN_FDS: descriptor 3 is no socket: {error.strerror}") from error
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise SystemdError("LISTEN_FDS: descriptor 3 is no TCP socket")
    sock.set_inheritable(False)
    return sock


def maybe_notifier(environment: Mapping[str, str], pid: int) -> Notifier | None:
    """A notifier if systemd waits for one. Raises SystemdError if its variables make no sense."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return None
    if address[0] not in "/@":
        raise SystemdError(f"NOTIFY_SOCKET = {address!r}: neither a path nor an abstract name")
    watchdog = None
    if environment.get("WATCHDOG_PID", str(pid)) == str(pid) and "WATCHDOG_USEC" in environment:
        microseconds = environment["WATCHDOG_USEC"]
        if not microseconds.isdecimal() or int(microseconds) == 0:
            raise SystemdError(f"WATCHDOG_USEC = {microseconds!r}: no time")
        watchdog = int(microseconds) / 1e6
    return Notifier(address, watchdog_seconds=watchdog)


class Notifier:
    """Says READY=1 once, WATCHDOG=1 at half of the time allowed while all is well, and STOPPING=1 last.

    ``start`` and ``close`` are the owner's to call, ``ready`` any thread's.
    """

    def __init__(self, address: str, *, watchdog_seconds: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every = None if watchdog_seconds is None else watchdog_seconds / 2
        self._wake = threading.Event()
        self._is_ready = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self, maybe_problem: Callable[[], str | None]) -> None:
        """Run. ``maybe_problem()`` says why the watchdog shall not be fed, or None."""
        self._thread = threads.start("ts-systemd", self._run, maybe_problem)

    def ready(self) -> None:
        """Have READY=1 said. Calling it again does nothing."""
        if not self._is_ready:
            self._is_ready = True
            self._wake.set()

    def close(self) -> None:
        """Have STOPPING=1 said, and end."""
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
                if self._every is not None:
                    before, problem = problem, maybe_problem()
                    if problem is None:
                        self._send(sock, "WATCHDOG=1")
                    if (problem is None) != (before is None):  # its words may count seconds
                        self._send(sock, f"STATUS={_logged(problem)}")
                self._wake.wait(self._every)
            self._send(sock, "STOPPING=1")

    def _send(self, sock: socket.socket, state: str) -> None:
        try:
            sock.sendto(state.encode(), self._address)
        except (
            OSError
        ) as error:  # systemd itself is in trouble; it will judge by what it does not hear
            log.error("systemd cannot be told %s: %s", state, error)


def _logged(problem: str | None) -> str:
    """What ``systemctl status`` shows, and the log as well."""
    if problem is None:
        log.info("the watchdog is fed again")
        return ""
    status = f"the watchdog is not fed: {problem}"
    log.error("%s", status)
    return status
