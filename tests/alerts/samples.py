"""Invented samples, and rules from a text, for the tests of alerts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from telemetry_stream.alerts.engine import Engine
from telemetry_stream.alerts.rule import Rule
from telemetry_stream.alerts.rules import load
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.sources.cpu import Core, Cpu
from telemetry_stream.metrics.sources.filesystem import Filesystem
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.metrics.sources.memory import Memory

Record = TypeVar("Record")

BOOT_UNIX = 1_764_000_000.0


def record(kind: type[Record], **known: Any) -> Record:
    """Return a record of a source in which every other field is unknown."""
    fields: Any = dataclasses.fields(kind)  # type: ignore[arg-type]
    return kind(**{**{field.name: None for field in fields}, **known})


def filesystem(mountpoint: str, used_percent: float | None, **known: Any) -> Filesystem:
    """Return the row of a filesystem that can be written to."""
    fields = {"device": f"/dev{mountpoint}", "fstype": "ext4", "read_only": False, "stale": False}
    return record(
        Filesystem, mountpoint=mountpoint, used_percent=used_percent, **{**fields, **known}
    )


def filesystems(**used_percent: float | None) -> tuple[Filesystem, ...]:
    """Return filesystems by the name of their mountpoint in the root."""
    return tuple(filesystem(f"/{name}", used) for name, used in used_percent.items())


def load_of(avg1: float | None) -> Load:
    """Return the section with this load."""
    return record(Load, avg1=avg1)


def memory(used_percent: float | None = None, **known: Any) -> Memory:
    """Return the section with these fields."""
    return record(Memory, used_percent=used_percent, available_estimated=False, **known)


def cpu(*usage_percent: float | None) -> Cpu:
    """Return the section with a core for each number."""
    cores = tuple(
        record(Core, id=number, usage_percent=usage) for number, usage in enumerate(usage_percent)
    )
    return record(Cpu, online_count=len(cores), cores=cores)


def sample(
    at: float,
    *,
    interval: float | None = 1.0,
    uptime: bool = True,
    absent: Sequence[str] = (),
    **sections: object,
) -> Sample:
    """Return a sample that was taken so many seconds after the boot. A section that is None is missing."""
    sources = {
        name: SourceState("ok" if found else "failed", 0.0) for name, found in sections.items()
    }
    sources |= {name: SourceState("absent", 0.0) for name in absent}
    return Sample(
        host="host-1",
        time_unix=BOOT_UNIX + at,
        uptime_seconds=at if uptime else None,
        interval_seconds=interval,
        sections={name: found for name, found in sections.items() if found is not None},
        sources=sources,
    )


def rules_of(text: str, folder: Path, *, defaults: bool = False) -> tuple[Rule, ...]:
    """Return the rules of a TOML text, by default without the default ones."""
    path = folder / "rules.toml"
    path.write_text(("" if defaults else "defaults = false\n") + text)
    return load(str(path))


def changes(engine: Engine, samples: Iterable[Sample]) -> list[str]:
    """Return what changes: the second after the boot, the new state, the severity, the rule and its text."""
    found = []
    for one in samples:
        found += [
            f"{one.time_unix - BOOT_UNIX:g} {alert.state} {alert.severity} {alert.rule}: {alert.text}"
            for alert in engine.evaluate(one)
        ]
    return found
