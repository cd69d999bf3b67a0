"""The Prometheus page of a sample: all of it, without a fault to Prometheus' linter. (More: test_prometheus_scrape.)"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families as plain_text

from telemetry_stream.metrics.definitions import DEFINITIONS, GROUPS
from telemetry_stream.metrics.sample import Sample, SourceState, sample_of
from telemetry_stream.metrics.sources import RECORDS
from telemetry_stream.server import prometheus
from telemetry_stream.server.prometheus import TABLE, families
from tests.metrics.replay import host_names, replay
from tests.server.service import HOST, Service


def page(sample: Sample | None) -> str:
    """What a scrape gets."""
    with Service() as service:
        if sample is not None:
            service.stream.publish(sample)
        answer = service.ask("/metrics")
        assert answer.status == 200
        return answer.body.decode()


def series(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """The labels and values of all series of this name."""
    found = [sample for family in plain_text(text) for sample in family.samples]
    return [(sample.labels, sample.value) for sample in found if sample.name == name]


def made(**sections: Any) -> Sample:
    """A sample of these sections, from what stands on the wire."""
    about = {"host": HOST.id, "time_unix": 1.5, "uptime_seconds": None, "interval_seconds": 1.0}
    return sample_of({**about, **sections, "sources": {}})


def shown(sample: Sample) -> dict[str, Metric]:
    """The families of a sample by name, each once."""
    found = list(families(sample))
    by_name = {family.name: family for family in found}
    assert len(by_name) == len(found)
    return by_name


# What Prometheus says.


@pytest.fixture(scope="session")
def promtool() -> str:
    """Debian's package prometheus brings it."""
    # scripts/test puts it beside the interpreter of .venv.
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    found = shutil.which("promtool", path=places)
    if found is None:
        pytest.fail(
            "This test needs promtool; scripts/test fetches it (Debian: in the package prometheus)."
        )
    return found


@pytest.mark.parametrize("name", host_names())
def test_promtool_finds_no_fault(name: str, promtool: str, tmp_path: Path) -> None:
    """The page of each captured host: names, units, types and help are as Prometheus wants them."""
    for sample in replay(name, tmp_path):
        done = subprocess.run(
            [promtool, "check", "metrics"],
            input=page(sample),
            text=True,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_would_find_a_fault(promtool: str) -> None:
    """A gauge by the name of a counter, an ending of histograms, a unit that is not base: what the table avoids."""
    for name in ("node_processes_total", "node_cpu_online_count", "node_disk_read_await_ms"):
        text = f"# HELP {name} x\n# TYPE {name} gauge\n{name} 1\n"
        done = subprocess.run([promtool, "check", "metrics"], input=text.encode(), check=False)
        assert done.returncode == 3


# What is shown.


def fields_of(record: Any, path: str) -> Iterator[str]:
    """Every field of a record and of the records in it that has a value of its own, by its place on the wire."""
    if typing.get_origin(record) is tuple:
        record, path = typing.get_args(record)[0], f"{path}[]"
    hints = typing.get_type_hints(record)
    for field in dataclasses.fields(record):
        hint = hints[field.name]
        arms = [arm for arm in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(arm)]
        if not arms:
            yield f"{path}.{field.name}"
        elif typing.get_origin(hint) is tuple:
            yield from fields_of(hint, f"{path}.{field.name}")
        else:
            yield from fields_of(arms[0], f"{path}.{field.name}")


def test_every_field_is_in_a_row_of_the_table() -> None:
    """No section of a sample has a field that the table, and so docs/metrics.md, does not tell of."""
    rows = {f"{group.path}.{of.name}" for group in GROUPS for of in DEFINITIONS[group.path]}
    wire = {path for name, record in RECORDS.items() for path in fields_of(record, name)}
    assert {re.sub(r"^pressure\.\w+", "pressure.*", path) for path in wire} == rows


def test_every_row_with_a_name_is_a_column() -> None:
    """And each name belongs to one group, with one kind."""
    rows = [of for group in GROUPS for of in DEFINITIONS[group.path] if of.prometheus]
    columns = [column for _, all_of in TABLE for column in all_of]
    assert [(of.prometheus, of.kind) for of in rows] == [(of.name, of.kind) for of in columns]
    kinds = {(group.path, column.name, column.kind) for group, all_of in TABLE for column in all_of}
    assert len(kinds) == len({column.name for column in columns})


@pytest.mark.parametrize("name", host_names())
def test_a_captured_host_is_shown_whole(name: str, tmp_path: Path) -> None:
    """Every number of the sample that has a name, and no more; no series twice, no pid."""
    sample = replay(name, tmp_path)[1]
    by_name = shown(sample)
    expected = set()
    for group, columns in TABLE:
        for labels, record in prometheus._rows(group, sample.sections):
            expected |= {
                (column.family().name, *sorted({**labels, **column.labels}.items()))
                for column in columns
                if getattr(record, column.field) is not None
            }
    keys = [
        (family.name, *sorted(one.labels.items()))
        for family in by_name.values()
        for one in family.samples
    ]
    assert len(keys) == len(set(keys))
    assert set(keys) == expected
    assert len(keys) > 100
    used = {label for family in by_name.values() for one in family.samples for label in one.labels}
    assert used <= {"state", *(label for group in GROUPS for label in group.labels)}
    assert "pid" not in used


def test_units_become_base_units() -> None:
    """Percent are ratios, milliseconds and microseconds seconds, megabits bytes; 0 is shown, null is not."""
    disk = {"name": "sda", "kind": "disk", "counted": True, "read_await_ms": 12.5, "in_flight": 0}
    null = dict.fromkeys(
        ("read_bytes_per_second", "write_bytes_per_second", "reads_per_second", "util_percent")
    )
    null |= dict.fromkeys(("writes_per_second", "write_await_ms", "queue_depth"))
    eth = {
        field.name: None for field in dataclasses.fields(typing.get_args(RECORDS["interfaces"])[0])
    }
    text = page(
        made(
            disks=[{**disk, **null}],
            interfaces=[{**eth, "name": "eth0", "counted": False, "speed_mbps": 1000}],
            swap={
                "total_bytes": 4096,
                "free_bytes": 0,
                "used_bytes": 4096,
                "used_percent": 29.4,
                "in_bytes_per_second": None,
                "out_bytes_per_second": None,
            },
        )
    )
    sda, eth0 = {"device": "sda"}, {"interface": "eth0"}
    assert series(text, "node_disk_read_await_seconds") == [(sda, 0.0125)]
    assert series(text, "node_disk_in_flight") == [(sda, 0.0)]
    assert series(text, "node_disk_counted") == [(sda, 1.0)]
    assert series(text, "node_network_counted") == [(eth0, 0.0)]
    assert series(text, "node_network_speed_bytes_per_second") == [(eth0, 125e6)]
    assert series(text, "node_swap_used_ratio") == [({}, 0.294)]
    assert series(text, "node_swap_total_bytes") == [({}, 4096.0)]
    for absent in ("node_disk_util_ratio", "node_swap_in_bytes_per_second", "node_memory"):
        assert absent not in text


def test_parts_of_a_section_have_labels() -> None:
    """Cores by number, pressure by resource, states as values of one family; 0 is a label like any other."""
    stall = {"some_avg10_percent": 2.5, "some_total_us": 1_500_000}
    stalls = {
        f"{kind}_{name}": None
        for kind in ("some", "full")
        for name in ("avg10_percent", "avg60_percent", "avg300_percent", "total_us", "percent")
    }
    states = dict.fromkeys(("sleeping", "disk_sleep", "stopped", "zombie", "idle", "other"), 0)
    cpu: dict[str, Any] = {field.name: None for field in dataclasses.fields(RECORDS["cpu"])}
    text = page(
        made(
            cpu={**cpu, "online_count": 1, "cores": [{"id": 0, "usage_percent": 50}]},
            pressure={"cpu": None, "memory": None, "irq": None, "io": {**stalls, **stall}},
            processes={
                "total": 3,
                "by_state": {"running": 3, **states},
                "visibility": "full",
                "top": [],
            },
        )
    )
    assert series(text, "node_cpu_core_usage_ratio") == [({"cpu": "0"}, 0.5)]
    assert series(text, "node_cpu_online_cores") == [({}, 1.0)]
    assert series(text, "node_pressure_some_avg10_ratio") == [({"resource": "io"}, 0.025)]
    assert series(text, "node_pressure_some_seconds_total") == [({"resource": "io"}, 1.5)]
    assert series(text, "node_processes") == [({}, 3.0)]
    by_state = series(text, "node_processes_by_state")
    assert by_state == [({"state": "running"}, 3.0), *(({"state": name}, 0.0) for name in states)]


def test_of_two_rows_with_the_same_labels_one_is_shown() -> None:
    """Two chips without a device, of one name: Prometheus would refuse the second. Null is an empty label."""
    chip = {"chip": "acpitz", "device": None, "sensor": "temp1", "label": None}
    limits = {"high_celsius": None, "critical_celsius": None, "age_seconds": 1.0}
    rows = [{**chip, **limits, "celsius": celsius} for celsius in (40.5, 41.5)]
    labels = {"chip": "acpitz", "device": "", "sensor": "temp1", "label": ""}
    assert series(page(made(temperatures=rows)), "node_temperature_celsius") == [(labels, 40.5)]


def test_label_values_are_escaped() -> None:
    """A mountpoint may hold what the format itself uses."""
    sizes = dict.fromkeys(
        ("used_bytes", "available_bytes", "used_percent", "inodes_used_percent", "age_seconds")
    )
    odd = '/mnt/"a" \\ b\nc'
    row = {"mountpoint": odd, "device": "/dev/sda1", "fstype": "ext4", "size_bytes": 5, **sizes}
    text = page(made(filesystems=[{**row, "read_only": False, "stale": False}]))
    ((labels, value),) = series(text, "node_filesystem_size_bytes")
    assert (labels["mountpoint"], value) == (odd, 5.0)


def test_sections_of_an_embedding_program_are_not_shown() -> None:
    """They have no names in the table; that one failed is told."""
    sample = dataclasses.replace(
        made(orders={"open": 12}),
        sources={
            "orders": SourceState("failed", 0.0, "no such table"),
            "cpu": SourceState("ok", 0.0),
        },
    )
    text = page(sample)
    assert "open" not in text
    assert series(text, "telemetry_stream_source_failed") == [
        ({"source": "orders"}, 1.0),
        ({"source": "cpu"}, 0.0),
    ]
    assert series(text, "telemetry_stream_sample_timestamp_seconds") == [({}, 1.5)]
