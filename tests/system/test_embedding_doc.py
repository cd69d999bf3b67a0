"""Every program of docs/embedding.md is run unchanged."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from tests.conftest import eventually
from tests.system.conftest import StartProgram
from tests.system.program import ROOT
from tests.viewers import (
    TIMEOUT_SECONDS,
    Viewer,
    address_of,
    read_samples,
    websocket_client_viewer,
    websockets_viewer,
)

DOCUMENT = (ROOT / "docs/embedding.md").read_text()
# One per heading, in order; those after WSGI are modules of one web application.
PLAIN, SOURCES, BROADCASTS, CONSUMERS, ORIGINS, WSGI, TELEMETRY, FLASK, FASTAPI, DJANGO = (
    re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_the_plain_program(number: signal.Signals, start_program: StartProgram) -> None:
    """It serves until a signal arrives, then ends with close frames."""
    program = start_program(script=PLAIN)
    with websockets_viewer(program.url) as viewer:
        assert viewer.read()["interval_seconds"] == 0.5
        read_samples(viewer, 2)
        assert program.stop(number) == 0
        assert viewer.read_close_code() == 1001
    assert program.log == ""


def test_the_program_with_a_section_of_its_own(start_program: StartProgram) -> None:
    """Each sample has the section."""
    program = start_program(script=SOURCES)
    with websockets_viewer(program.url, "sections=uploads") as viewer:
        (sample,) = read_samples(viewer, 1)
    assert sample["uploads"].keys() == {"waiting", "free_bytes", "late"}
    assert sample["sources"]["uploads"]["state"] == "ok"
    assert program.stop() == 0


def test_the_program_with_messages_of_its_own(start_program: StartProgram) -> None:
    """A line of input is sent to the viewers, and the end of the input ends the program."""
    program = start_program(script=BROADCASTS)
    with websocket_client_viewer(program.url) as viewer:
        assert viewer.read()["type"] == "hello"
        program.write_line("the backup has begun")
        while (message := viewer.read())["type"] == "sample":
            pass
        assert message == {"type": "note", "text": "the backup has begun"}
        assert program.process.stdin is not None
        program.process.stdin.close()
        assert viewer.read_close_code() == 1001
    assert program.status() == 0


def test_the_program_with_a_consumer(start_program: StartProgram) -> None:
    """It prints a line for each sample, and ends after SIGTERM."""
    program = start_program(script=CONSUMERS)
    assert program.url
    numbers = [int(program.read_line().split()[0]) for _ in range(3)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert program.stop() == 0
    assert program.log == ""


def test_the_program_with_an_origin(start_program: StartProgram) -> None:
    """The origin's interval is announced and used."""
    program = start_program(script=ORIGINS)
    with websockets_viewer(program.url) as viewer:
        assert viewer.read()["interval_seconds"] == 0.5
        read_samples(viewer, 2)
    assert program.stop() == 0
    assert program.log == ""


def test_the_program_with_a_web_application(start_program: StartProgram) -> None:
    """Both answer, the page contains the URL of the stream, and Ctrl-C ends both."""
    program = start_program(script=WSGI)
    stream = program.url
    found = re.fullmatch(r"page at (http://\S+/)", program.read_line())
    assert found
    with urllib.request.urlopen(found[1], timeout=TIMEOUT_SECONDS) as answer:
        assert stream in answer.read().decode()
    with websockets_viewer(stream) as viewer:
        assert viewer.read()["type"] == "hello"
        assert program.stop(signal.SIGINT) == 0
        assert viewer.read_close_code() == 1001
    assert "Traceback" not in program.log


# Web applications: a file telemetry.py, and a file web.py for each framework.

GUNICORN = ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:0"]


class WebApplication:
    """A web server that runs the module ``web``. ``end`` must be called."""

    def __init__(self, folder: Path, module: str, server: Sequence[str]) -> None:
        (folder / "telemetry.py").write_text(TELEMETRY)
        (folder / "web.py").write_text(module)
        self.stream = f"http://127.0.0.1:{unused_port()}/"
        self.process = subprocess.Popen(
            [sys.executable, "-m", *server],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "TELEMETRY_PORT": str(address_of(self.stream)[1])},
            text=True,
        )

    def read_address(self) -> str:
        """Return the address of the pages, which the server prints."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found[0]
        raise AssertionError("".join(lines))

    def viewer(self) -> AbstractContextManager[Viewer]:
        """Return a viewer of the stream, as soon as a process of the server serves it."""
        assert eventually(lambda: is_open(address_of(self.stream)), TIMEOUT_SECONDS)
        return websockets_viewer(self.stream)

    def serving_worker(self) -> psutil.Process:
        """Return the process that has the port of the stream."""
        _, port = address_of(self.stream)
        (worker,) = (
            worker
            for worker in psutil.Process(self.process.pid).children()
            if any(
                open_.status == psutil.CONN_LISTEN and open_.laddr.port == port
                for open_ in worker.net_connections("tcp")
            )
        )
        return worker

    def end(self) -> str:
        """Stop the server, and return the rest of what it has printed."""
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=TIMEOUT_SECONDS)
        return rest


def is_open(address: tuple[str, int]) -> bool:
    """Return whether a server accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def unused_port() -> int:
    """Return a port that nobody uses. The kernel gives those below 32768 to nobody who asks for any port."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        if not is_open(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


StartWeb = Callable[[str, Sequence[str]], WebApplication]


@pytest.fixture
def start_web(tmp_path: Path) -> Iterator[StartWeb]:
    """Start a web application of this module with this server. Its processes end after the test."""
    started: list[WebApplication] = []

    def start(module: str, server: Sequence[str]) -> WebApplication:
        started.append(WebApplication(tmp_path, module, server))
        return started[-1]

    yield start
    for application in started:
        if application.process.returncode is None:
            application.end()


@pytest.mark.parametrize(
    ("module", "server"),
    [
        (FLASK, ["flask", "--app", "web", "run", "--port", "0"]),
        (FASTAPI, ["uvicorn", "web:site", "--port", "0"]),
        (DJANGO, [*GUNICORN, "web:application"]),
    ],
    ids=["flask run", "fastapi, uvicorn", "django, gunicorn"],
)
def test_the_web_applications(module: str, server: Sequence[str], start_web: StartWeb) -> None:
    """The page links to the stream, which one process serves. All end without an error."""
    application = start_web(module, server)
    page = application.read_address()
    with application.viewer() as viewer:
        assert viewer.read()["type"] == "hello"
        read_samples(viewer, 1)
        assert_links_to_the_stream(page, application)
        rest = application.end()
        if "flask" not in server:  # which SIGTERM kills
            assert viewer.read_close_code() == 1001
    assert "Traceback" not in rest


def assert_links_to_the_stream(page: str, application: WebApplication) -> None:
    """Check that the page has a link to the stream of its application."""
    with urllib.request.urlopen(page, timeout=TIMEOUT_SECONDS) as answer:
        assert f'href="{application.stream}"' in answer.read().decode()


def test_another_worker_takes_over(start_web: StartWeb) -> None:
    """When the process that serves the stream dies, a viewer can connect again soon. Both end without an error."""
    application = start_web(FLASK, [*GUNICORN, "web:site"])
    page = application.read_address()
    with application.viewer() as viewer:
        first = viewer.read()["stream"]
        read_samples(viewer, 1)
        assert_links_to_the_stream(page, application)
    worker = application.serving_worker()
    worker.kill()
    worker.wait(TIMEOUT_SECONDS)
    with application.viewer() as viewer:
        assert viewer.read()["stream"] != first
        rest = application.end()
        assert viewer.read_close_code() == 1001
    assert "Traceback" not in rest
