"""The machine's own units."""

from __future__ import annotations

import os

from telemetry_stream.metrics import units


def test_they_are_asked_of_the_system() -> None:
    """Never by heart: pages of 64 KiB and other clock ticks exist."""
    assert os.sysconf("SC_CLK_TCK") == units.CLK_TCK
    assert os.sysconf("SC_PAGESIZE") == units.PAGE_BYTES
    assert units.KIB == 1024
