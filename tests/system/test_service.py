"""The program as a service: what it tells systemd, when it stops telling, and the socket that outlives it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import StartProgram
from tests.system.program import Program
from tests.viewers import PATIENCE_SECONDS, bare_socket, get, upgrade_request

FAST = ("--port", "0", "--interval", "0.1")

# Hangs one thread of a run of the real command line when told to by a line of input.
HANGING = """
import sys, threading
from telemetry_stream import app, cli, hub, stream

def hang(*_):
    threading.Event().wait()

def hang_when_told():
    sys.stdin.readline()
    setattr(OWNER, "METHOD", hang)

threading.Thread(target=hang_when_told, daemon=True).start()
sys.exit(cli.main())
"""

# As systemd starts it: LISTEN_PID is known only once there is a process. Standard input holds the socket's number.
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

    def hear(self) -> str:
        """The next thing that the program says."""
        return self._sock.recv(1024).decode()

    def hear_until(self, state: str) -> list[str]:
        """All up to and with the first message that begins so."""
        heard = [self.hear()]
        while not heard[-1].startswith(state):
            heard.append(self.hear())
        return heard

    def hears_nothing_for(self, seconds: float) -> bool:
        """Whether the program stays silent."""
        self._sock.settimeout(seconds)
        try:
            self._sock.recv(1024)
        except TimeoutError:
            return True
        finally:
            self._sock.settimeout(PATIENCE_SECONDS)
        return False


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A manager that wants to hear from its service twice a second."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_SECONDS)
        sock.bind(address)
        yield Manager(sock, {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})


@pytest.fixture
def held_socket() -> Iterator[socket.socket]:
    """What a .socket unit holds: connections wait in it while no program is there."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def start_inheriting(
    start_program: StartProgram, sock: socket.socket, *arguments: str, **more: Any
) -> Program:
    """The program with ``sock`` for its descriptor 3."""
    program = start_program(*arguments, script=INHERITING, descriptors=[sock.fileno()], **more)
    program.tell(str(sock.fileno()))
    return program


def test_ready_is_said_with_the_first_sample(manager: Manager, start_program: StartProgram) -> None:
    """Then the watchdog is fed twice in its time, and the end is announced before it takes its time."""
    program = start_program(*FAST, environment=manager.environment)
    assert manager.hear() == "READY=1"
    assert get(program.url, "/api/v1/sample")[0] == 200
    assert [manager.hear() for _ in range(3)] == ["WATCHDOG=1"] * 3
    assert program.stop(signal.SIGTERM) == 0
    assert set(manager.hear_until("STOPPING=1")) <= {"WATCHDOG=1", "STOPPING=1"}


@pytest.mark.parametrize(
    ("owner", "method", "problem"),
    [
        ("stream.Stream", "publish", "no sample has been taken for"),
        ("hub.Hub", "_fan_out", "the hub does not move"),
    ],
    ids=["tick", "hub"],
)
def test_a_hung_thread_is_not_covered_up(
    owner: str, method: str, problem: str, manager: Manager, start_program: StartProgram
) -> None:
    """When ticks stop, or only the hub's thread does, feeding stops, and health, status and log say why."""
    script = HANGING.replace("OWNER", owner).replace("METHOD", method)
    program = start_program(*FAST, script=script, environment=manager.environment)
    assert manager.hear_until("WATCHDOG=1") == ["READY=1", "WATCHDOG=1"]
    with bare_socket(program.url, upgrade_request()):  # for whom there is something to fan out
        program.tell("now")
        assert problem in manager.hear_until("STATUS=")[-1]
        assert manager.hears_nothing_for(1.0)  # its time: systemd kills it
        assert get(program.url, "/healthz")[0] == 503
    assert f"ERROR telemetry_stream.systemd: the watchdog is not fed: {problem}" in program.log


def test_a_held_socket_loses_nobody_between_two_runs(
    held_socket: socket.socket, start_program: StartProgram
) -> None:
    """Who connects while no program runs is served by the next one; the address is the socket's."""
    port = held_socket.getsockname()[1]
    first = start_inheriting(start_program, held_socket, "--port", "1")
    assert first.url == f"http://127.0.0.1:{port}/"
    assert get(first.url, "/healthz")[0] == 200
    assert first.stop() == 0
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        second = start_inheriting(start_program, held_socket)
        assert waiting.recv(15) == b"HTTP/1.1 200 OK"
        assert second.stop() == 0


def test_a_held_socket_opens_no_door(start_program: StartProgram) -> None:
    """An address that other hosts reach is under the same rule, whoever has bound it."""
    nowhere = {"TELEMETRY_STREAM_STATE_DIR": "/proc/none"}  # where a token could be kept
    with socket.create_server(("0.0.0.0", 0)) as sock:
        program = start_inheriting(start_program, sock, environment=nowhere)
        assert program.status() == 2
        assert "0.0.0.0" in program.log


def test_a_manager_that_makes_no_sense_is_one_line_and_2(start_program: StartProgram) -> None:
    """As for any wrong value."""
    program = start_program(*FAST, environment={"NOTIFY_SOCKET": "nonsense"})
    assert program.status() == 2
    assert program.log.startswith("telemetry-stream: NOTIFY_SOCKET = 'nonsense'")
    assert len(program.log.splitlines()) == 1
