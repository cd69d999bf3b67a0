"""A program for each module to attack, and the look at it after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.attacks.target import Target
from tests.system.program import Program

INTERVAL_SECONDS = 0.1


@pytest.fixture(scope="module")
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """The program and its honest viewer. A module's ``SCRIPT`` is run instead of ``-m telemetry_stream``, with its
    ``ARGUMENTS``. Its ``CROWD`` are connections that have come and gone before. Where it has a ``TOKEN``, whoever asks
    needs one, and the viewer has that.

    The ring is short, so that it is full, and its memory taken, before the first attack.
    """
    script = getattr(request.module, "SCRIPT", None)
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
    program = Program(arguments, script, folder)
    try:
        target = Target(program, INTERVAL_SECONDS, getattr(request.module, "CROWD", 0), token)
        try:
            yield target
        finally:
            target.end()
    finally:
        program.end()


@pytest.fixture
def target(started: Target, record_property: Callable[[str, object], None]) -> Iterator[Target]:
    """What to attack. Afterwards the viewer has missed nothing, and the program holds what it held before."""
    before = started.begin()
    yield started
    report = started.report(before)
    record_property("figures", report.figures())  # for scripts/bench-attacks
    started.assert_unhurt(report)
