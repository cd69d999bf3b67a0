"""The program as a service: its notifications to systemd, and a listening socket that systemd keeps open."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import StartProgram
from tests.system.program import Program
from tests.viewers import TIMEOUT_SECONDS, bare_socket, get, upgrade_request

FAST = ("--port", "0", "--interval", "0.1")

# Runs the command line, and makes one of its threads hang when a line of input arrives.
HANGING = """
import sys, threading
from telemetry_stream import app, cli, hub
from telemetry_stream.stream import feed

def hang(*_):
    threading.Event().wait()

def hang_on_input():
    sys.stdin.readline()
    setattr(OWNER, "METHOD", hang)

threading.Thread(target=hang_on_input, daemon=True).start()
sys.exit(cli.main())
"""

# As systemd starts it. LISTEN_PID is known only in the new process; the socket's number arrives on standard input.
INHERITING = """
import os, sys
from telemetry_stream import cli
os.dup2(int(sys.stdin.readline()), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
sys.exit(cli.main())
"""


class Manager:
    """The service manager's end of the notification socket."""

    def __init__(self, sock: socket.socket, environment: dict[str, str]) -> None:
        self.environment = environment
        self._sock = sock

    def receive(self) -> str:
        """Return the next notification of the program."""
        return self._sock.recv(1024).decode()

    def receive_until(self, state: str) -> list[str]:
        """Return the notifications up to and including the first one that begins with ``state``."""
        received = [self.receive()]
        while not received[-1].startswith(state):
            received.append(self.receive())
        return received

    def receives_nothing_for(self, seconds: float) -> bool:
        """Return whether there is no notification for so many seconds."""
        self._sock.settimeout(seconds)
        try:
            self._sock.recv(1024)
        except TimeoutError:
            return True
        finally:
            self._sock.settimeout(TIMEOUT_SECONDS)
        return False


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A manager with a watchdog interval of one second."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT_SECONDS)
        sock.bind(address)
        yield Manager(sock, {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})


@pytest.fixture
def held_socket() -> Iterator[socket.socket]:
    """The socket of a .socket unit: connections wait in its backlog while no program runs."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def start_inheriting(
    start_program: StartProgram, sock: socket.socket, *arguments: str, **more: Any
) -> Program:
    """Start the program with ``sock`` as its descriptor 3."""
    program = start_program(*arguments, script=INHERITING, descriptors=[sock.fileno()], **more)
    program.write_line(str(sock.fileno()))
    return program


def test_ready_is_sent_after_the_first_sample(
    manager: Manager, start_program: StartProgram
) -> None:
    """Then come watchdog notifications, twice per interval; the end is announced before it begins."""
    program = start_program(*FAST, environment=manager.environment)
    assert manager.receive() == "READY=1"
    assert get(program.url, "/api/v1/sample")[0] == 200
    assert [manager.receive() for _ in range(3)] == ["WATCHDOG=1"] * 3
    assert program.stop(signal.SIGTERM) == 0
    assert set(manager.receive_until("STOPPING=1")) <= {"WATCHDOG=1", "STOPPING=1"}


@pytest.mark.parametrize(
    ("owner", "method", "problem"),
    [
        ("feed.Feed", "publish", "no sample has been taken for"),
        ("hub.Hub", "_fan_out", "the hub does not respond"),
    ],
    ids=["tick", "hub"],
)
def test_hanging_thread_stops_the_watchdog_notifications(
    owner: str, method: str, problem: str, manager: Manager, start_program: StartProgram
) -> None:
    """That of the collector or of the hub. Health check, status and log have the reason."""
    script = HANGING.replace("OWNER", owner).replace("METHOD", method)
    program = start_program(*FAST, script=script, environment=manager.environment)
    assert manager.receive_until("WATCHDOG=1") == ["READY=1", "WATCHDOG=1"]
    with bare_socket(program.url, upgrade_request()):  # a viewer, so that the hub has work
        program.write_line("now")
        assert problem in manager.receive_until("STATUS=")[-1]
        assert manager.receives_nothing_for(1.0)  # the interval, after which systemd kills it
        assert get(program.url, "/healthz")[0] == 503
    assert (
        f"ERROR telemetry_stream.systemd: Watchdog notifications stopped: {problem}" in program.log
    )


def test_held_socket_loses_no_connection_between_two_runs(
    held_socket: socket.socket, start_program: StartProgram
) -> None:
    """A client that connects while no program runs is served by the next one; --port has no effect."""
    port = held_socket.getsockname()[1]
    first = start_inheriting(start_program, held_socket, "--port", "1")
    assert first.url == f"http://127.0.0.1:{port}/"
    assert get(first.url, "/healthz")[0] == 200
    assert first.stop() == 0
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        second = start_inheriting(start_program, held_socket)
        assert waiting.recv(15) == b"HTTP/1.1 200 OK"
        assert second.stop() == 0


def test_held_socket_needs_a_token_as_well(start_program: StartProgram) -> None:
    """The rule for addresses that other hosts can reach also holds for a socket that systemd has bound."""
    nowhere = {"TELEMETRY_STREAM_STATE_DIR": "/proc/none"}  # no token can be saved there
    with socket.create_server(("0.0.0.0", 0)) as sock:
        program = start_inheriting(start_program, sock, environment=nowhere)
        assert program.status() == 2
        assert "0.0.0.0" in program.log


def test_invalid_variable_of_systemd_is_one_line_and_status_2(start_program: StartProgram) -> None:
    """As any invalid setting."""
    program = start_program(*FAST, environment={"NOTIFY_SOCKET": "nonsense"})
    assert program.status() == 2
    assert program.log.startswith("telemetry-stream: NOTIFY_SOCKET = 'nonsense'")
    assert len(program.log.splitlines()) == 1
