"""Every program of docs/embedding.md is run unchanged; the one that needs Flask is only compiled."""

from __future__ import annotations

import re
import signal
import urllib.request

import pytest

from tests.system.conftest import StartProgram
from tests.system.program import ROOT
from tests.viewers import TIMEOUT_SECONDS, read_samples, websocket_client_viewer, websockets_viewer

DOCUMENT = (ROOT / "docs/embedding.md").read_text()
COMPILED_ONLY = "<!-- compiled, not run"

# One per heading, in order.
PLAIN, SOURCES, BROADCASTS, CONSUMERS, ORIGINS, WSGI, FLASK = re.findall(
    r"```python\n(.*?)```", DOCUMENT, re.DOTALL
)


def test_only_the_last_program_is_not_run() -> None:
    """It is marked, and it compiles."""
    before_flask, _, _ = DOCUMENT.partition(FLASK)
    assert DOCUMENT.count(COMPILED_ONLY) == 1
    assert COMPILED_ONLY in before_flask.splitlines()[-2]
    compile(FLASK, "docs/embedding.md", "exec")


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
