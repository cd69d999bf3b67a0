"""The declarations of the sources, evaluated. (Files that are generated from them: tests/scripts/test_generated.)"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Annotated

import pytest

from telemetry_stream.metrics.definitions import (
    GROUPS,
    DeclarationError,
    Definition,
    Group,
    Series,
    flattened,
    group_of,
)
from telemetry_stream.metrics.section import Field, OffPage, Part, Section
from telemetry_stream.metrics.setup import SelfStats, Setup
from telemetry_stream.metrics.source import Options
from telemetry_stream.metrics.sources import MODULES
from telemetry_stream.metrics.sources.cpu import Core, Cpu
from telemetry_stream.metrics.sources.disk import Disk
from telemetry_stream.metrics.sources.pressure import Pressure, Stalls
from telemetry_stream.metrics.sources.tcp_states import TcpStates
from tests.metrics.trees import Tree

BY_PATH = {group.path: group for group in GROUPS}
SERIES = {
    field.series.name: field.series for group in GROUPS for field in group.fields if field.series
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_builds_the_sources_that_it_declares(tree: Tree, module: object) -> None:
    """In the same order: the order of the declarations is that of the wire."""
    sources = module.build(Setup(tree.files, Options(), SelfStats()))  # type: ignore[attr-defined]
    declared = [section.source for section in module.SECTIONS]  # type: ignore[attr-defined]
    assert [type(source) for source in sources] == declared


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("cpu", Cpu),
        ("cpu.cores[]", Core),
        ("pressure", Pressure),
        ("pressure.*", Stalls),
        ("disks[]", Disk),
        ("tcp.states", TcpStates),
    ],
)
def test_a_path_names_its_record(path: str, record: type) -> None:
    """A section, a list, a list in a section, a part that may be null, and fields that are all alike."""
    assert BY_PATH[path].record is record


def test_descriptions_fit_into_a_table() -> None:
    """Each is a sentence on one line, without a bar, which would end the cell."""
    for group in GROUPS:
        for text in (group.part.text, *(field.text for field in group.fields)):
            assert text.strip() == text != "", group.path
            assert text.endswith("."), (group.path, text)
            assert not set(text) & set("|\n"), (group.path, text)


class MadeSource:
    name = "made"


def declared(record: type, *, prometheus: str = "node_made") -> Group:
    """Return the group of a section with this record."""
    section = Section(MadeSource, record, text="Text.", files="/proc/made", prometheus=prometheus)
    return group_of(section)


def fields_of(group: Group) -> dict[str, Definition]:
    """Return the fields of a group by name."""
    return {field.name: field for field in group.fields}


@dataclass
class Undescribed:
    size_bytes: int


@dataclass
class WithoutUnit:
    pages: Annotated[int, "Pages."]


@dataclass
class NotARecord:
    pages: Annotated[int, Part(text="Pages.")]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Undescribed, "made.size_bytes has no description"),
        (WithoutUnit, "made.pages has no unit"),
        (NotARecord, "made.pages has no record"),
        (int, "made has no record"),
    ],
)
def test_an_incomplete_declaration_is_an_error(record: type, message: str) -> None:
    """It names the field."""
    with pytest.raises(DeclarationError, match=message):
        declared(record)


@dataclass
class Row:
    name: Annotated[str, Field("Name.", prometheus="device", is_identity=True)]
    port: Annotated[str | None, Field("Port.", is_identity=True)]
    kind: Annotated[str, "Kind."]
    used_percent: Annotated[float | None, "Share."]
    pages: Annotated[int, Field("Pages.", unit="pages", title="sheets")]
    sent: Annotated[int, Field("Frames.", unit="frames", is_counter=True)]
    lost: Annotated[
        int,
        Field(
            "Lost.", unit="frames", prometheus="x_total", label=("state", "lost"), is_counter=True
        ),
    ]
    total_us: OffPage[Annotated[int | None, "Time."]] = None


@dataclass
class Counts:
    open: Annotated[int, "Open."]


@dataclass
class Whole:
    rows: Annotated[tuple[Row, ...], Part(text="Rows.", files="/sys/rows", prometheus="node_row")]
    by_state: Annotated[
        Counts | None, Part(text="Counts.", prometheus="node_state", label="state", unit="files")
    ]


def test_a_field_has_what_its_annotation_declares() -> None:
    """Type, unit, null, identity, title, and whether the web page decodes it."""
    group = declared(tuple[Row, ...])
    fields = fields_of(group)
    assert group.path == "made[]"
    assert group.is_list
    assert group.labels == {"device": "name", "port": "port"}
    assert {name: field.type for name, field in fields.items()} == {
        "name": "text",
        "port": "text",
        "kind": "text",
        "used_percent": "number",
        "pages": "number",
        "sent": "number",
        "lost": "number",
        "total_us": "number",
    }
    assert [name for name, field in fields.items() if field.is_nullable] == [
        "port",
        "used_percent",
        "total_us",
    ]
    assert [name for name, field in fields.items() if field.is_identity] == ["name", "port"]
    assert [name for name, field in fields.items() if not field.is_on_page] == ["total_us"]
    assert (fields["used_percent"].unit, fields["pages"].unit) == ("", "pages")
    assert (fields["used_percent"].title, fields["pages"].title) == ("used", "sheets")


def test_a_series_has_a_base_unit() -> None:
    """Text and identities have no series. A counter ends in _total."""
    series = {name: field.series for name, field in fields_of(declared(Row)).items()}
    assert [name for name, of in series.items() if of is None] == ["name", "port", "kind"]
    names = {name: (of.name, of.kind, of.factor) for name, of in series.items() if of}
    assert series["lost"] == Series("x_total", "counter", label=("state", "lost"))
    assert names == {
        "used_percent": ("node_made_used_ratio", "gauge", 0.01),
        "pages": ("node_made_pages", "gauge", 1.0),
        "sent": ("node_made_sent_total", "counter", 1.0),
        "lost": ("x_total", "counter", 1.0),
        "total_us": ("node_made_seconds_total", "counter", 1e-6),
    }


def test_a_group_without_a_prefix_has_no_series() -> None:
    """And no labels: with pids as labels, the number of series would grow without end."""
    group = declared(Row, prometheus="")
    assert group.labels == {}
    assert not any(field.series for field in group.fields)


def test_parts_become_groups() -> None:
    """Each has its own prefix, and the files of the section unless it declares others."""
    whole, rows, counts = flattened(declared(Whole))
    assert [group.path for group in (whole, rows, counts)] == [
        "made",
        "made.rows[]",
        "made.by_state",
    ]
    assert (rows.files, counts.files) == ("/sys/rows", "/proc/made")
    assert [field.type for field in whole.fields] == ["list", "object"]
    assert rows.labels == {"device": "name", "port": "port"}
    assert fields_of(rows)["pages"].series == Series("node_row_pages")


def test_fields_that_are_values_of_a_label_have_one_series() -> None:
    """Prometheus calls tcp.states.listen telemetry_stream_tcp_states{state="listen"}."""
    counts = BY_PATH["tcp.states"]
    assert counts.enumerates == "state"
    assert {field.series.name for field in counts.fields if field.series} == {
        "telemetry_stream_tcp_states"
    }
    assert {field.unit for field in counts.fields} == {"sockets"}


def test_records_that_are_values_of_a_label_share_a_group() -> None:
    """pressure.io.some_percent is telemetry_stream_pressure_some_ratio{resource="io"}."""
    pressure, stalls = BY_PATH["pressure"], BY_PATH["pressure.*"]
    assert (pressure.enumerates, pressure.name_label) == ("", "")
    assert (stalls.enumerates, stalls.name_label) == ("", "resource")
    assert [field.group for field in pressure.fields] == [stalls] * 4
    assert [group.path for group in flattened(pressure)] == ["pressure", "pressure.*"]


def test_prometheus_names_are_valid_and_in_base_units() -> None:
    """Letters and underscores; no percent, no milliseconds; each name belongs to one group."""
    groups: dict[str, str] = {}
    for group in GROUPS:
        for name in (field.series.name for field in group.fields if field.series):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
            assert not re.search(r"percent|_ms$|_us$|_mbps$", name)
            assert groups.setdefault(name, group.path) == group.path
            # node_ is for what node_exporter serves, which prometheus/kernel/ reads.
            assert group.part.prometheus.startswith("telemetry_stream")
            assert name.endswith("_total") == (SERIES[name].kind == "counter")


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("telemetry_stream_cpu_usage_ratio", 0.01),
        ("telemetry_stream_disk_read_await_seconds", 0.001),
        ("telemetry_stream_pressure_some_seconds_total", 1e-6),
        ("telemetry_stream_network_speed_bytes_per_second", 125_000),
        ("telemetry_stream_cpu_scaling_frequency_hertz", 1e6),
        ("telemetry_stream_memory_total_bytes", 1.0),
    ],
)
def test_factors(name: str, factor: float) -> None:
    """50 % is 0.5, 20 ms are 0.02 s, 1 µs is a millionth, 1000 Mbit/s are 125 million bytes per second,
    and a MHz is a million Hz.
    """
    assert SERIES[name].factor == factor


def test_names_do_not_end_as_those_of_another_kind() -> None:
    """_count belongs to a histogram, and _total to a counter: the host's counters are rates here."""
    assert (
        SERIES["telemetry_stream_cpu_online_cores"].kind
        == SERIES["telemetry_stream_processes"].kind
        == "gauge"
    )
    assert {name for name, series in SERIES.items() if series.kind == "counter"} == {
        "telemetry_stream_cpu_scaling_throttles_total",
        "telemetry_stream_cpu_package_throttles_total",
        "telemetry_stream_pressure_some_seconds_total",
        "telemetry_stream_pressure_full_seconds_total",
        "node_btrfs_device_errors_total",
        "node_systemd_service_restart_total",
        "telemetry_stream_container_restarts_total",
        "telemetry_stream_self_frames_sent_total",
        "telemetry_stream_self_frames_dropped_total",
        "telemetry_stream_self_frames_refused_total",
        "telemetry_stream_self_ticks_missed_total",
    }


def test_labels_are_those_of_node_exporter() -> None:
    """Queries that join both need no relabelling."""
    labels = {group.path: tuple(group.labels) for group in GROUPS if group.labels}
    assert labels["cpu.cores[]"] == ("cpu",)
    assert labels["disks[]"] == ("device",)
    assert labels["interfaces[]"] == ("device",)


def test_every_field_of_a_record_is_defined_once() -> None:
    """In the order of the record, which is that of the wire."""
    for group in GROUPS:
        names = [field.name for field in dataclasses.fields(group.record)]
        assert [field.name for field in group.fields] == names
