"""The protocols with systemd, over real sockets; tests/system/test_service.py tests them with the whole program."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from telemetry_stream.systemd import Notifier, SystemdError, maybe_listening, maybe_notifier
from tests.conftest import eventually

PID = os.getpid()
WAIT_SECONDS = 10.0


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """The receiving socket, as systemd binds it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_SECONDS)
        sock.bind("\0" + address[1:] if address.startswith("@") else address)
        yield sock


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The path of the notification socket."""
    return str(tmp_path / "notify")


def received(sock: socket.socket) -> str:
    """Return the next notification."""
    return sock.recv(1024).decode()


def no_problem() -> None:
    """Report that the program is well."""


@contextmanager
def descriptor_3(fd: int) -> Iterator[None]:
    """Make ``fd`` descriptor 3, which pytest may use otherwise."""
    if fd == 3:
        yield
        return
    try:
        kept = os.dup(3)
    except OSError:
        kept = None
    os.dup2(fd, 3)
    try:
        yield
    finally:
        os.close(3)
        if kept is not None:
            os.dup2(kept, 3)
            os.close(kept)


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_notifications_of_a_run(abstract: bool, address: str) -> None:
    """READY=1 after ``ready`` and not before, WATCHDOG=1 twice per interval, STOPPING=1 last."""
    if abstract:
        address = f"@telemetry-stream-{PID}"
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": str(PID)}
    notifier = maybe_notifier(environment, PID)
    assert notifier is not None
    with manager(address) as sock:
        notifier.start(no_problem)
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        sock.settimeout(WAIT_SECONDS)
        began = time.monotonic()
        notifier.ready()
        assert [received(sock) for _ in range(2)] == ["READY=1", "WATCHDOG=1"]
        notifier.ready()
        assert [received(sock) for _ in range(3)] == ["WATCHDOG=1"] * 3
        assert 0.5 < time.monotonic() - began < WAIT_SECONDS
        notifier.close()
        while (last := received(sock)) == "WATCHDOG=1":  # those that were sent before close
            pass
        assert last == "STOPPING=1"


def test_problem_stops_the_watchdog_notifications(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported and logged once when it begins, and once when it has passed."""
    caplog.set_level(logging.INFO)
    problems = iter([None, "it hangs", "it hangs for 2 s", "it hangs for 3 s", None])
    notifier = Notifier(address, watchdog_seconds=0.02)
    with manager(address) as sock:
        notifier.start(lambda: next(problems, "stop"))
        notifier.ready()
        assert [received(sock) for _ in range(6)] == [
            "READY=1",
            "WATCHDOG=1",
            "STATUS=Watchdog notifications stopped: it hangs",
            "WATCHDOG=1",
            "STATUS=",
            "STATUS=Watchdog notifications stopped: stop",
        ]
        notifier.close()
        assert received(sock) == "STOPPING=1"
    assert [record.getMessage() for record in caplog.records] == [
        "Watchdog notifications stopped: it hangs",
        "Watchdog notifications resumed",
        "Watchdog notifications stopped: stop",
    ]


def test_without_a_watchdog_only_start_and_end_are_reported(address: str) -> None:
    """``maybe_problem`` is not called."""
    notifier = maybe_notifier({"NOTIFY_SOCKET": address}, PID)
    assert notifier is not None

    def never() -> None:
        raise AssertionError("not needed")

    with manager(address) as sock:
        notifier.start(never)
        notifier.ready()
        assert received(sock) == "READY=1"
        notifier.close()
        assert received(sock) == "STOPPING=1"


def test_program_that_stops_before_it_is_ready_never_reports_ready(address: str) -> None:
    """A first sample that hangs does not delay the end."""
    notifier = Notifier(address, watchdog_seconds=None)
    with manager(address) as sock:
        notifier.start(no_problem)
        notifier.close()
        assert received(sock) == "STOPPING=1"


def test_missing_notification_socket_is_logged(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The program continues."""
    notifier = Notifier(address, watchdog_seconds=None)
    notifier.start(no_problem)
    notifier.ready()
    notifier.close()
    assert eventually(lambda: "Cannot notify systemd of STOPPING=1" in caplog.text)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "1000000"},
        {"NOTIFY_SOCKET": ""},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": str(PID + 1)},
    ],
)
def test_without_systemd_there_is_no_notifier_and_no_socket(environment: dict[str, str]) -> None:
    """The variables are missing, or meant for another process."""
    assert maybe_notifier(environment, PID) is None
    assert maybe_listening(environment, PID) is None


def test_watchdog_of_another_process_is_ignored(address: str) -> None:
    """WATCHDOG_PID has the process that must send its notifications."""
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "x", "WATCHDOG_PID": str(PID + 1)}
    assert maybe_notifier(environment, PID) is not None


@pytest.mark.parametrize(
    "environment",
    [
        {"NOTIFY_SOCKET": "vsock:2:1"},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "0"},
    ],
)
def test_invalid_variable_is_an_error(environment: dict[str, str]) -> None:
    """A service that sends no notifications would be killed later, without a reason in its log."""
    with pytest.raises(SystemdError, match=r"^(NOTIFY_SOCKET|WATCHDOG_USEC) = "):
        maybe_notifier(environment, PID)


def test_inherited_socket_is_used() -> None:
    """It is descriptor 3, and no child process inherits it again."""
    with socket.create_server(("127.0.0.1", 0)) as server, descriptor_3(server.fileno()):
        sock = maybe_listening({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        assert sock is not None
        assert sock.fileno() == 3
        assert not sock.get_inheritable()
        assert sock.getsockname() == server.getsockname()
        sock.detach()


def unix_socket() -> socket.socket:
    """Return a stream socket that is not TCP."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def udp_socket() -> socket.socket:
    """Return a socket of the right family that is no stream."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@pytest.mark.parametrize("make", [unix_socket, udp_socket])
def test_inherited_socket_that_is_not_tcp_is_an_error(make: Callable[[], socket.socket]) -> None:
    """The descriptor stays open."""
    with closing(make()) as sock, descriptor_3(sock.fileno()):
        with pytest.raises(SystemdError, match="not a TCP socket"):
            maybe_listening({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        os.fstat(3)


def test_inherited_descriptors_other_than_one_socket_are_an_error(tmp_path: Path) -> None:
    """A file, or more than one descriptor."""
    with (tmp_path / "file").open("w") as file, descriptor_3(file.fileno()):
        with pytest.raises(SystemdError, match="not a socket"):
            maybe_listening({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        with pytest.raises(SystemdError, match="LISTEN_FDS = '2'"):
            maybe_listening({"LISTEN_FDS": "2", "LISTEN_PID": str(PID)}, PID)
