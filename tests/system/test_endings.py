"""How the whole program ends, and how its viewers do: signals, crashes, kills, and what leaves no trace."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.system.conftest import StartProgram
from tests.system.program import ROOT, Program
from tests.viewers import (
    LIBRARIES,
    PATIENCE_SECONDS,
    address_of,
    bare_socket,
    clients,
    get,
    lines_reader,
    read_samples,
    upgrade_request,
    websockets_viewer,
)

FAST = ("--port", "0", "--interval", "0.1")

# Breaks one thread of a run of the real command line when told to by a line of input.
BREAKING = """
import sys, threading
from telemetry_stream import app, cli, hub, stream
from telemetry_stream.net import listener

def die(*_):
    raise RuntimeError("injected")

def break_when_told():
    sys.stdin.readline()
    setattr(OWNER, "METHOD", die)

threading.Thread(target=break_when_told, daemon=True).start()
sys.exit(cli.main())
"""

# Stuck viewers of any interval: they are given more than their socket holds.
FLOODING = """
import signal, sys, threading
from telemetry_stream import app

def flood(program):
    for _ in sys.stdin:
        program.stream.broadcast("filler", text="x" * 100_000)

with app.App(app.Settings(port=0, interval=0.1)) as program:
    signal.signal(signal.SIGTERM, lambda *_: program.stop())
    threading.Thread(target=flood, args=(program,), daemon=True).start()
    print("live at", program.url, flush=True)
    program.wait()
"""


def ends_in_time(program: Program, number: signal.Signals, seconds: float = 2.0) -> None:
    """Status 0 within ``seconds`` of the signal; as much again is allowed to a busy machine."""
    began = time.monotonic()
    assert program.stop(number) == 0, program.log
    assert time.monotonic() - began < 2 * seconds
    assert "Traceback" not in program.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_says_goodbye_and_ends_with_0(
    number: signal.Signals, start_program: StartProgram
) -> None:
    """Every viewer gets 1001, a reader of lines the end of the body."""
    program = start_program(*FAST)
    with ExitStack() as stack:
        viewers = [
            stack.enter_context(library(program.url, query))
            for library in LIBRARIES.values()
            for query in ("", "history=60&every=7")
        ]
        lines = stack.enter_context(lines_reader(program.url))
        for viewer in viewers:
            assert viewer.read()["type"] == "hello"
        ends_in_time(program, number)
        assert [viewer.read_close_code() for viewer in viewers] == [1001] * 4
        assert next(lines)["type"] == "hello"
        assert {message["type"] for message in lines} <= {"sample"}


def test_a_stuck_viewer_delays_no_end(start_program: StartProgram) -> None:
    """One that reads nothing cannot be told; the others are, and the program leaves in time."""
    program = start_program(script=FLOODING)
    lines_request = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with (
        bare_socket(program.url, upgrade_request()),
        bare_socket(program.url, lines_request),
        websockets_viewer(program.url) as viewer,
        ThreadPoolExecutor() as readers,
    ):
        reading = readers.submit(viewer.read_close_code)

        def are_stuck() -> bool:
            program.tell("flood")
            return [client["waiting_frames"] for client in clients(program.url)].count(16) >= 2

        assert eventually(are_stuck)
        ends_in_time(program, signal.SIGTERM)
        assert reading.result(PATIENCE_SECONDS) == 1001


def test_two_signals_are_as_good_as_one(start_program: StartProgram) -> None:
    """An impatient second Ctrl-C changes nothing."""
    program = start_program(*FAST)
    with bare_socket(program.url, upgrade_request()) as viewer:
        assert viewer.recv(12) == b"HTTP/1.1 101"
        program.process.send_signal(signal.SIGINT)
        ends_in_time(program, signal.SIGINT)


@pytest.mark.parametrize(
    ("thread", "owner", "method"),
    [
        ("ts-collect", "stream.Stream", "publish"),
        ("ts-hub", "hub.Hub", "_fan_out"),
        ("ts-accept", "listener.Listener", "_wait_for_somebody"),
    ],
)
def test_a_crashed_thread_ends_the_program_with_1(
    thread: str, owner: str, method: str, start_program: StartProgram
) -> None:
    """The log names the thread and the error, the viewers get 1001, nothing half-alive stays up."""
    script = BREAKING.replace("OWNER", owner).replace("METHOD", method)
    program = start_program(*FAST, script=script)
    with websockets_viewer(program.url) as viewer:
        assert viewer.read()["type"] == "hello"
        program.tell("now")
        if thread == "ts-accept":
            assert eventually(lambda: not accepts(program))
        assert viewer.read_close_code() == 1001
        assert program.status() == 1
    assert f"CRITICAL telemetry_stream.threads: thread {thread} died" in program.log
    assert program.log.splitlines()[-1] == (
        "telemetry-stream: ended by an error: RuntimeError('injected')"
    )


def accepts(program: Program) -> bool:
    """Whether it takes a connection, which is also what wakes its accept thread."""
    try:
        socket.create_connection(address_of(program.url), 1).close()
    except OSError:
        return False
    return True


def test_what_cannot_start_is_one_line_and_2(tmp_path: Path, start_program: StartProgram) -> None:
    """A bad value, a missing root, bad TOML: systemd does not try again what no second try would change."""
    broken = tmp_path / "broken.toml"
    broken.write_text("[port\n")
    programs = {
        "interval = 0.0 from --interval": start_program("--interval", "0"),
        "proc_root": start_program("--proc-root", "/nonexistent"),
        str(broken): start_program("--config", str(broken)),
        "not a host name": start_program("--host", "a..b", "--no-auth"),
    }
    for named, program in programs.items():
        assert_never_started(program, named, 2)


def test_an_address_that_cannot_be_had_yet_is_one_line_and_1(start_program: StartProgram) -> None:
    """In use, on no interface, unknown: it may be had later, and systemd tries again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        programs = {
            f"127.0.0.1 port {port}": start_program("--port", port),
            "192.0.2.1 port": start_program("--host", "192.0.2.1", "--no-auth"),
            "nobody.invalid port": start_program("--host", "nobody.invalid", "--no-auth"),
        }
        for named, program in programs.items():
            assert_never_started(program, f"cannot listen on {named}", 1)


def assert_never_started(program: Program, named: str, status: int) -> None:
    """It has said why in a line that names this, and nothing else."""
    assert program.status() == status
    assert len(program.log.splitlines()) == 1
    assert named in program.log
    assert program.read_line() == ""


# A client of the given kind that reads, until it is killed.
READER = """
import sys
from tests.viewers import lines_reader, websockets_viewer
if sys.argv[2] == "lines":
    with lines_reader(sys.argv[1]) as lines:
        for message in lines:
            print(message["type"], flush=True)
else:
    with websockets_viewer(sys.argv[1]) as viewer:
        while True:
            print(viewer.read()["type"], flush=True)
"""


@pytest.mark.parametrize("kind", ["websocket", "lines"])
def test_a_killed_client_leaves_no_viewer_behind(kind: str, start_program: StartProgram) -> None:
    """Neither in the registry nor as threads and descriptors; its end is counted."""
    program = start_program(*FAST)
    with websockets_viewer(program.url) as staying:
        read_samples(staying, 2)
        assert len(clients(program.url)) == 1
        # The two pumps; its socket, the listener, its reserve and the pair that wakes the accept thread.
        assert eventually(lambda: program.held_for_clients() == (2, 5))
        client = subprocess.Popen(
            [sys.executable, "-c", READER, program.url, kind],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            assert client.stdout is not None
            assert client.stdout.readline() == b"hello\n"
            assert [viewer["kind"] for viewer in clients(program.url)] == ["websocket", kind]
        finally:
            client.kill()
            client.communicate()
        assert eventually(lambda: len(clients(program.url)) == 1)
        assert get(program.url, "/api/v1/clients")[1]["ended_total"] == {"gone": 1}
        assert eventually(lambda: program.held_for_clients() == (2, 5))
        read_samples(staying, 2)
