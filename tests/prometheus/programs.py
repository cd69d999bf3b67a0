"""Programs of the Prometheus project, which scripts/test puts beside the interpreter of .venv."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import eventually

TIMEOUT_SECONDS = 30.0


def program(name: str, package: str) -> str:
    """Return the path of a program. Fails the test if it is missing."""
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    found = shutil.which(name, path=places)
    if found is None:
        pytest.fail(
            f"This test needs {name}; scripts/test installs it (Debian: package {package})."
        )
    return found


@contextmanager
def serving(command: list[str], address: re.Pattern[bytes], log: Path) -> Iterator[tuple[str, int]]:
    """Run a server while the block runs. Yields its host and port, which ``address`` finds in its log."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stderr=output, stdout=output) as process,
    ):
        try:
            eventually(
                lambda: address.search(log.read_bytes()) or process.poll() is not None,
                TIMEOUT_SECONDS,
            )
            match = address.search(log.read_bytes())
            if match is None:
                pytest.fail(f"{command[0]} does not start: {log.read_text()}")
            yield match[1].decode(), int(match[2])
        finally:
            process.terminate()


def get(address: tuple[str, int], path: str) -> str:
    """Return the body of a response that must be 200."""
    connection = HTTPConnection(*address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        assert response.status == 200, body
        return body
    finally:
        connection.close()
