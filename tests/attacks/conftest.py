"""A program for each module to attack, and the check of it after each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.attacks.target import Target
from tests.system.program import Program

INTERVAL_SECONDS = 0.1

# Both ways in which the hub sends a frame, however many viewers there are.
FAN_OUT = {
    "together": "from telemetry_stream.hub import hub; hub.BATCH_CLIENTS = 1",
    "one by one": "from telemetry_stream.hub import hub; hub.BATCH_CLIENTS = 10**9",
}
PROGRAM = "import telemetry_stream.__main__"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with ``BOTH_FAN_OUTS`` in both ways."""
    if "started" in metafunc.fixturenames and hasattr(metafunc.module, "BOTH_FAN_OUTS"):
        metafunc.parametrize("started", FAN_OUT, indirect=True, scope="module")


@contextmanager
def _preferred() -> Iterator[None]:
    """Give processes that are started meanwhile more CPU time than other tests have, if this user may.

    The limits are for what an attacker does to the program and its viewer, not for what other tests do.
    """
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, usual - 10)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, usual)


@pytest.fixture(scope="module")
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The program and its honest viewer, which are configured by constants of the test module, all optional.

    ``SCRIPT`` is run instead of ``PROGRAM``; ``ARGUMENTS`` are further arguments. ``CROWD`` is a number of
    connections that are opened and closed before the first test. With a ``TOKEN``, every client needs a token, and the
    honest viewer has this one.

    The ring is short, so that it is full, and its memory in use, before the first attack.
    """
    way = FAN_OUT[getattr(request, "param", "together")]
    script = f"{way}\n{getattr(request.module, 'SCRIPT', PROGRAM)}"
    token = getattr(request.module, "TOKEN", None)
    folder = tmp_path_factory.mktemp("attacks")
    arguments = [
        *("--port", "0", "--interval", str(INTERVAL_SECONDS), "--history", "1"),
        *getattr(request.module, "ARGUMENTS", ()),
    ]
    if token is not None:
        file = folder / "tokens"
        file.touch(0o600)
        file.write_text(f"honest {token}\n")
        arguments += ["--token-file", str(file)]
    with _preferred():
        program = Program(arguments, script, folder)
    try:
        with _preferred():
            target = Target(program, INTERVAL_SECONDS, getattr(request.module, "CROWD", 0), token)
        try:
            yield target
        finally:
            target.end()
    finally:
        program.end()


@pytest.fixture
def target(started: Target, record_property: Callable[[str, object], None]) -> Iterator[Target]:
    """The program to attack. After the test, the viewer must have missed nothing and nothing may be left."""
    before = started.begin()
    yield started
    report = started.report(before)
    record_property("figures", report.figures())  # for scripts/bench-attacks
    started.assert_unharmed(report)


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Callable[[float], None]:
    """Record how many requests were answered per second."""

    def record(answers_per_second: float) -> None:
        record_property("answers_per_second", answers_per_second)

    return record
