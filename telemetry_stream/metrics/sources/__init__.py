"""The sections of a sample: one tuple of modules, in the order of the wire.

A module of this tuple has a tuple ``SECTIONS`` that describes its sections, and a function ``build(setup)`` that
returns their sources in the same order. The other modules here are parsers that several sections share.
"""

from __future__ import annotations

from ..section import Section
from ..setup import Setup
from ..source import Source
from . import (
    cgroup,
    containers,
    cpu,
    disk,
    filesystem,
    gpu,
    load,
    memory,
    network,
    own,
    power,
    pressure,
    process,
    storage,
    swap,
    system,
    systemd_units,
    tcp,
    temperature,
    vitals,
)

MODULES = (
    cpu,
    load,
    memory,
    swap,
    pressure,
    disk,
    filesystem,
    storage,
    network,
    tcp,
    process,
    temperature,
    power,
    gpu,
    system,
    cgroup,
    containers,
    systemd_units,
    own,
    vitals,  # last: it is derived from the sections before it
)

SECTIONS: tuple[Section, ...] = tuple(section for module in MODULES for section in module.SECTIONS)


def build_sources(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of all sections, in the order of the wire."""
    return tuple(source for module in MODULES for source in module.build(setup))
