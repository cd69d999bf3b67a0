"""The protocol with systemd over real sockets; tests/system/test_service.py has the whole program speak it."""

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

PID = os.getpid()
WAIT_SECONDS = 10.0


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """The receiving end, as systemd binds it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_SECONDS)
        sock.bind("\0" + address[1:] if address.startswith("@") else address)
        yield sock


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A path for the notification socket."""
    return str(tmp_path / "notify")


def heard(sock: socket.socket) -> str:
    """The next datagram."""
    return sock.recv(1024).decode()


def well() -> None:
    """Nothing is wrong."""


@contextmanager
def descriptor_3(fd: int) -> Iterator[None]:
    """``fd`` as descriptor 3, which may be pytest's own otherwise."""
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
def test_what_is_said_and_when(abstract: bool, address: str) -> None:
    """READY=1 when it is called ready and not before, WATCHDOG=1 at half of the time, STOPPING=1 last."""
    if abstract:
        address = f"@telemetry-stream-{PID}"
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000", "WATCHDOG_PID": str(PID)}
    notifier = maybe_notifier(environment, PID)
    assert notifier is not None
    with manager(address) as sock:
        notifier.start(well)
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        sock.settimeout(WAIT_SECONDS)
        notifier.ready()
        notifier.ready()
        assert [heard(sock) for _ in range(2)] == ["READY=1", "WATCHDOG=1"]
        began = time.monotonic()
        assert [heard(sock) for _ in range(3)] == ["WATCHDOG=1"] * 3
        assert 0.5 < time.monotonic() - began < WAIT_SECONDS
        notifier.close()
        assert heard(sock) == "STOPPING=1"


def test_a_problem_leaves_the_watchdog_hungry(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told and logged once when it begins and once when it has passed; meanwhile nothing is fed."""
    caplog.set_level(logging.INFO)
    problems = iter([None, "it hangs", "it hangs for 2 s", "it hangs for 3 s", None])
    notifier = Notifier(address, watchdog_seconds=0.02)
    with manager(address) as sock:
        notifier.start(lambda: next(problems, "stop"))
        notifier.ready()
        assert [heard(sock) for _ in range(6)] == [
            "READY=1",
            "WATCHDOG=1",
            "STATUS=the watchdog is not fed: it hangs",
            "WATCHDOG=1",
            "STATUS=",
            "STATUS=the watchdog is not fed: stop",
        ]
        notifier.close()
        assert heard(sock) == "STOPPING=1"
    assert [record.getMessage() for record in caplog.records] == [
        "the watchdog is not fed: it hangs",
        "the watchdog is fed again",
        "the watchdog is not fed: stop",
    ]


def test_without_a_watchdog_only_begin_and_end_are_told(address: str) -> None:
    """Nobody is asked whether all is well."""
    notifier = maybe_notifier({"NOTIFY_SOCKET": address}, PID)
    assert notifier is not None

    def never() -> None:
        raise AssertionError("asked for nothing")

    with manager(address) as sock:
        notifier.start(never)
        notifier.ready()
        assert heard(sock) == "READY=1"
        notifier.close()
        assert heard(sock) == "STOPPING=1"


def test_who_stops_before_it_is_ready_never_says_ready(address: str) -> None:
    """A first sample that hangs does not hold up the end."""
    notifier = Notifier(address)
    with manager(address) as sock:
        notifier.start(well)
        notifier.close()
        assert heard(sock) == "STOPPING=1"


def test_a_manager_that_is_gone_is_an_error_in_the_log(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And no more than that."""
    notifier = Notifier(address)
    notifier.start(well)
    notifier.ready()
    notifier.close()
    assert "systemd cannot be told STOPPING=1" in caplog.text


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
def test_elsewhere_there_is_nothing(environment: dict[str, str]) -> None:
    """No variables, or those of another process: no notifier and no socket."""
    assert maybe_notifier(environment, PID) is None
    assert maybe_listening(environment, PID) is None


def test_the_watchdog_of_another_process_is_not_ours(address: str) -> None:
    """WATCHDOG_PID names the one that has to feed it."""
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
def test_what_makes_no_sense_is_refused(environment: dict[str, str]) -> None:
    """A service that says nothing would be killed later with no reason given."""
    with pytest.raises(SystemdError, match=r"^(NOTIFY_SOCKET|WATCHDOG_USEC) = "):
        maybe_notifier(environment, PID)


def test_the_inherited_socket_is_taken_over() -> None:
    """It is descriptor 3, and no child inherits it again."""
    with socket.create_server(("127.0.0.1", 0)) as server, descriptor_3(server.fileno()):
        sock = maybe_listening({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        assert sock is not None
        assert sock.fileno() == 3
        assert not sock.get_inheritable()
        assert sock.getsockname() == server.getsockname()
        sock.detach()


def unix_socket() -> socket.socket:
    """A stream, but not of TCP."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def udp_socket() -> socket.socket:
    """Of the right family, but no stream."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@pytest.mark.parametrize("make", [unix_socket, udp_socket])
def test_only_tcp_is_served(make: Callable[[], socket.socket]) -> None:
    """One sentence, and the descriptor stays as it was."""
    with closing(make()) as sock, descriptor_3(sock.fileno()):
        with pytest.raises(SystemdError, match="no TCP socket"):
            maybe_listening({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        os.fstat(3)


def test_a_descriptor_that_is_no_socket_is_refused(tmp_path: Path) -> None:
    """So is more than one."""
    with (tmp_path / "file").open("w") as file, descriptor_3(file.fileno()):
        with pytest.raises(SystemdError, match="no socket"):
            maybe_listening({"LISTEN_FDS": "1", "LISTEN_PID": str(PID)}, PID)
        with pytest.raises(SystemdError, match="LISTEN_FDS = '2'"):
            maybe_listening({"LISTEN_FDS": "2", "LISTEN_PID": str(PID)}, PID)
