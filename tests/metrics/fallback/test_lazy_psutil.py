"""psutil, when it is needed."""

from __future__ import annotations

import subprocess
import sys

import psutil

from telemetry_stream.metrics.fallback.lazy_psutil import load_psutil


def test_it_is_psutil() -> None:
    """The module itself, whoever imported it first."""
    assert load_psutil() is psutil


def test_importing_its_loader_does_not_import_it() -> None:
    """Only the call does: a host that never falls back never pays."""
    program = (
        "import sys; from telemetry_stream.metrics.fallback import lazy_psutil\n"
        "before = 'psutil' in sys.modules; lazy_psutil.load_psutil()\n"
        "sys.exit(before or 'psutil' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
