"""Programs under test: started as processes, and ended whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.program import Program

StartProgram = Callable[..., Program]


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[StartProgram]:
    """Start ``python -m telemetry_stream`` with these arguments, or a ``script`` of its own."""
    with ExitStack() as programs:

        def start(*arguments: str, script: str | None = None) -> Program:
            program = Program(arguments, script, tmp_path)
            programs.callback(program.end)
            return program

        yield start
