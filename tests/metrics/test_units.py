"""The units of the machine."""

from __future__ import annotations

import os

from telemetry_stream.metrics import units


def test_units_are_those_of_the_system() -> None:
    """Machines with pages of 64 KiB and with other clock ticks exist."""
    assert os.sysconf("SC_CLK_TCK") == units.CLK_TCK
    assert os.sysconf("SC_PAGESIZE") == units.PAGE_BYTES
    assert units.KIB == 1024
