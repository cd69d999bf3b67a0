"""Programs under test: started as processes, and ended whatever happens."""

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
    """Start ``python -m telemetry_stream`` with these arguments, or a ``script`` of its own, and what Program takes."""
    with ExitStack() as programs:

        def start(*arguments: str, script: str | None = None, **more: Any) -> Program:
            program = Program(arguments, script, tmp_path, **more)
            programs.callback(program.end)
            return program

        yield start
