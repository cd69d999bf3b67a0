"""How the whole program ends, and how its viewers end: signals, crashes, failed starts, and killed clients."""

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
    TIMEOUT_SECONDS,
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

# Runs the command line, and makes one of its threads crash when a line of input arrives.
BREAKING = """
import sys, threading
from telemetry_stream import app, cli, hub
from telemetry_stream.stream import feed
from telemetry_stream.net import listener

def die(*_):
    raise RuntimeError("injected")

def break_on_input():
    sys.stdin.readline()
    setattr(OWNER, "METHOD", die)

threading.Thread(target=break_on_input, daemon=True).start()
sys.exit(cli.main())
"""

# Broadcasts more than the socket of a stuck viewer has room for, when a line of input arrives.
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
    """Check for status 0 within ``seconds`` of the signal; a busy machine may take twice as long."""
    began = time.monotonic()
    assert program.stop(number) == 0, program.log
    assert time.monotonic() - began < 2 * seconds
    assert "Traceback" not in program.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_signal_ends_the_program_with_close_frames_and_status_0(
    number: signal.Signals, start_program: StartProgram
) -> None:
    """Every viewer gets 1001; a reader of JSON lines gets the end of the body."""
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
        assert next(lines)["type"] == "hello"
        ends_in_time(program, number)
        assert [viewer.read_close_code() for viewer in viewers] == [1001] * 4
        assert {message["type"] for message in lines} <= {"sample"}


def test_stuck_viewer_does_not_delay_the_end(start_program: StartProgram) -> None:
    """The others get their close frame, and the program ends in time."""
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
            program.write_line("flood")
            return [client["waiting_frames"] for client in clients(program.url)].count(16) >= 2

        assert eventually(are_stuck)
        ends_in_time(program, signal.SIGTERM)
        assert reading.result(TIMEOUT_SECONDS) == 1001


def test_second_signal_changes_nothing(start_program: StartProgram) -> None:
    """A user may press Ctrl-C twice."""
    program = start_program(*FAST)
    with bare_socket(program.url, upgrade_request()) as viewer:
        assert viewer.recv(12) == b"HTTP/1.1 101"
        program.process.send_signal(signal.SIGINT)
        ends_in_time(program, signal.SIGINT)


@pytest.mark.parametrize(
    ("thread", "owner", "method"),
    [
        ("ts-collect", "feed.Feed", "publish"),
        ("ts-hub", "hub.Hub", "_fan_out"),
        ("ts-accept", "listener.Refuser", "close_expired"),
    ],
)
def test_crash_of_a_thread_ends_the_program_with_status_1(
    thread: str, owner: str, method: str, start_program: StartProgram
) -> None:
    """The log has the thread and the error, and the viewers get 1001."""
    script = BREAKING.replace("OWNER", owner).replace("METHOD", method)
    program = start_program(*FAST, script=script)
    with websockets_viewer(program.url) as viewer:
        assert viewer.read()["type"] == "hello"
        program.write_line("now")
        if thread == "ts-accept":
            assert eventually(lambda: not accepts(program))
        assert viewer.read_close_code() == 1001
        assert program.status() == 1
    assert f"CRITICAL telemetry_stream.threads: Thread {thread} crashed" in program.log
    assert program.log.splitlines()[-1] == (
        "telemetry-stream: ended by an error: RuntimeError('injected')"
    )


def accepts(program: Program) -> bool:
    """Connect, which also wakes the accept thread; return whether that succeeds."""
    try:
        socket.create_connection(address_of(program.url), 1).close()
    except OSError:
        return False
    return True


def test_invalid_settings_are_one_line_and_status_2(
    tmp_path: Path, start_program: StartProgram
) -> None:
    """A bad value, a missing root, bad TOML: with this status systemd does not try again."""
    broken = tmp_path / "broken.toml"
    broken.write_text("[port\n")
    programs = {
        "interval = 0.0 from --interval": start_program("--interval", "0"),
        "proc_root": start_program("--proc-root", "/dev/null/nonexistent"),
        str(broken): start_program("--config", str(broken)),
        "not a host name": start_program("--host", "a..b", "--no-auth"),
    }
    for named, program in programs.items():
        assert_never_started(program, named, 2)


def test_unavailable_address_is_one_line_and_status_1(start_program: StartProgram) -> None:
    """In use, on no interface, unknown: it may be available later, and systemd tries again."""
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
    """Check that the program has ended with one line that contains ``named``."""
    assert program.status() == status
    assert len(program.log.splitlines()) == 1
    assert named in program.log
    assert program.read_line() == ""


# A client of the given kind, which reads until it is killed.
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
def test_killed_client_is_unregistered(kind: str, start_program: StartProgram) -> None:
    """Its threads and descriptors are released, and its end is counted."""
    program = start_program(*FAST)
    with websockets_viewer(program.url) as staying:
        read_samples(staying, 2)
        assert len(clients(program.url)) == 1
        # Two pumps. Sockets: the viewer's, the listening one, the reserved one, and two to wake the accept thread.
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
