"""The health check of the container, as the Dockerfile starts it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_stream import App, Settings
from tests.net.pairs import CERTIFICATE

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "deploy/healthcheck.py"


def check(port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the Dockerfile with this Python and the script of this checkout."""
    found = re.search(r"^HEALTHCHECK .*CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    python, *options, path = json.loads(found[1])
    assert python == "python"
    assert f"COPY deploy/{SCRIPT.name} {path}" in (ROOT / "Dockerfile").read_text()
    return subprocess.run(
        [sys.executable, *options, SCRIPT],
        env={"TELEMETRY_STREAM_PORT": str(port), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_program_that_works_is_healthy(tls: bool) -> None:
    """The certificate is not verified, because its name is not 127.0.0.1."""
    pem = str(CERTIFICATE) if tls else ""
    with App(Settings(port=0, tls_cert=pem, tls_key=pem)) as app:
        port = int(app.url.rstrip("/").rpartition(":")[2])
        done = check(port, TELEMETRY_STREAM_TLS_CERT=pem)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_program_that_does_not_work_is_unhealthy() -> None:
    """The reason is that of /healthz."""
    with App(Settings(port=0)) as app:
        app.fail(LookupError("on purpose"))
        done = check(int(app.url.rstrip("/").rpartition(":")[2]))
    assert done.returncode == 1
    assert "a thread of the program has crashed" in done.stderr


def test_no_answer_is_unhealthy() -> None:
    """Nobody listens on port 1."""
    done = check(1)
    assert done.returncode == 1
    assert done.stderr == "no answer on port 1: [Errno 111] Connection refused\n"


def test_check_loads_next_to_nothing() -> None:
    """It is executed every 30 s, and must cost less than the program: no socket, ssl or package."""
    code = (
        f"import sys\ntry: exec(open({str(SCRIPT)!r}).read())\nexcept SystemExit: pass\n"
        "print(sorted({'socket', 'ssl', 'urllib', 'enum', 'telemetry_stream'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-IS", "-c", code],
        env={"TELEMETRY_STREAM_PORT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
