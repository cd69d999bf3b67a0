"""Sampling of a captured host as if it were running: its files at t0 and then at t1, its clocks, its filesystems."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample, encode_section
from telemetry_stream.metrics.setup import SelfStats
from telemetry_stream.metrics.source import Clock, Options

HOSTS = Path(__file__).parent.parent / "fixtures" / "hosts"
TIMES = ("t0", "t1")


def host_names() -> list[str]:
    """Return the names of all captured hosts."""
    return sorted(path.name for path in HOSTS.iterdir() if path.is_dir())


def leaves(root: Path) -> set[Path]:
    """Return every file and link below ``root``."""
    found = set()
    for directory, directories, files in os.walk(root):
        links = [name for name in directories if Path(directory, name).is_symlink()]
        found |= {Path(directory, name).relative_to(root) for name in files + links}
    return found


def lay(source: Path, target: Path) -> None:
    """Make ``target`` a copy of ``source``, in place, so that open descriptors read the new content."""
    wanted, present = leaves(source), leaves(target)
    for gone in present - wanted:
        (target / gone).unlink()
    for directory, _, _ in os.walk(target, topdown=False):
        if not os.listdir(directory):
            os.rmdir(directory)
    for path in wanted:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        if (source / path).is_symlink():
            if not (target / path).is_symlink():
                (target / path).symlink_to(os.readlink(source / path))
        else:
            (target / path).write_bytes((source / path).read_bytes())


def replay(name: str, workspace: Path) -> list[Sample]:
    """Return the samples of t0 and t1, with all sections."""
    tree = workspace / name
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    clocks: dict[str, float] = {}
    sizes: dict[str, Any] = {}

    def statvfs(path: str) -> Any:
        return SimpleNamespace(**sizes[path.removeprefix(str(tree / "proc/1/root"))])

    clock = Clock(
        *(lambda name=name: clocks[name] for name in ("monotonic", "boottime", "realtime"))
    )
    samples = []
    collector = None
    for time in TIMES:
        lay(HOSTS / name / time, tree)
        clocks.update(json.loads((HOSTS / name / time / "clock.json").read_text()))
        sizes.update(json.loads((HOSTS / name / time / "statvfs.json").read_text()))
        if collector is None:
            collector = Collector(
                proc_root=str(tree / "proc"),
                sys_root=str(tree / "sys"),
                clock=clock,
                self_stats=SelfStats(cpu_seconds=lambda: 0.0),
                options=Options(
                    process_rows=None,
                    process_arguments="full",
                    timeout_seconds=30.0,
                    statvfs=statvfs,
                ),
            )
        samples.append(collector.collect(collector.section_names))
    assert collector is not None
    collector.close()
    return samples


def golden_path(name: str) -> Path:
    """Return the path of a host's expected samples."""
    return HOSTS / name / "golden.json"


def golden_text(samples: list[Sample], tree: Path) -> str:
    """Return the samples as JSON with a line per value, without the path of the tree."""
    plain: dict[str, dict[str, Any]] = {
        time: {
            "host": sample.host,
            "time_unix": sample.time_unix,
            "uptime_seconds": sample.uptime_seconds,
            "interval_seconds": sample.interval_seconds,
            **{
                name: json.loads(encode_section(section))
                for name, section in sample.sections.items()
            },
            "sources": json.loads(encode_section(sample.sources)),
        }
        for time, sample in zip(TIMES, samples, strict=True)
    }
    for sample in plain.values():
        for row in sample.get("processes", {}).get("top", ()):
            row["user"] = None  # the owner of the fixtures on this machine
    return json.dumps(plain, indent=1, ensure_ascii=False).replace(str(tree), "") + "\n"
