"""Programs under test: started as processes, and always ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.system.program import Program

StartProgram = Callable[..., Program]


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[StartProgram]:
    """Start ``python -m telemetry_stream``, or a ``script``, with these arguments; see Program for the options."""
    with ExitStack() as programs:

        def start(*arguments: str, script: str | None = None, **more: Any) -> Program:
            program = Program(arguments, script, tmp_path, **more)
            programs.callback(program.end)
            return program

        yield start
