"""The table of meanings, its document and its names for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from telemetry_stream.metrics import definitions
from telemetry_stream.metrics.definitions import (
    DEFINITIONS,
    GROUPS,
    Group,
    _unit,
    definitions_of,
    document,
    record_at,
)
from telemetry_stream.metrics.meanings import MEANINGS
from telemetry_stream.metrics.sources import RECORDS
from telemetry_stream.metrics.sources.cpu import Core, Cpu
from telemetry_stream.metrics.sources.disk import Disk, DiskTotals
from telemetry_stream.metrics.sources.pressure import Stalls
from telemetry_stream.metrics.sources.tcp_states import TcpStates


def test_the_document_is_what_the_table_says() -> None:
    """docs/metrics.md was written by scripts/update-golden after the last change."""
    path = Path(__file__).parent.parent.parent / "docs" / "metrics.md"
    assert path.read_text() == document()


def test_every_section_is_defined() -> None:
    """Each section of a sample is a group, or has its parts as groups."""
    roots = {re.split(r"[.\[]", group.path)[0] for group in GROUPS}
    assert roots == RECORDS.keys()


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("cpu", Cpu),
        ("cpu.cores[]", Core),
        ("pressure.*", Stalls),
        ("disks[]", Disk),
        ("disk", DiskTotals),
        ("tcp.states", TcpStates),
    ],
)
def test_a_path_leads_to_its_record(path: str, record: type) -> None:
    """A section, one of its rows, a part that may be null, and any of several alike."""
    assert record_at(path) is record


@pytest.mark.parametrize("path", ["diks[]", "cpu.core[]", "cpu.usage_percent.x"])
def test_a_path_that_leads_nowhere_is_an_error(path: str) -> None:
    """At import, where GROUPS is worked out."""
    with pytest.raises((KeyError, ValueError)):
        record_at(path)


@pytest.mark.parametrize(("sentences", "odd"), [({}, "used"), ({"used": "", "new": ""}, "new")])
def test_the_table_cannot_drift(
    monkeypatch: pytest.MonkeyPatch, sentences: dict[str, str], odd: str
) -> None:
    """A field without a sentence, or a sentence without a field, is an error at import."""
    monkeypatch.setitem(MEANINGS, "sockets", sentences)
    with pytest.raises(KeyError, match=f"{{'{odd}'}}"):
        definitions_of(Group("sockets", "", ""))


def test_docstrings_hold_the_meanings() -> None:
    """help() of a record says what its fields are."""
    assert "usage_percent: 100 ×" in (Core.__doc__ or "")
    definitions._complete_docstrings()
    assert (Core.__doc__ or "").count("Fields:") == 1


def test_prometheus_names_are_valid_and_in_base_units() -> None:
    """Letters and underscores; no percent, no milliseconds; one name has one meaning."""
    seen: dict[str, str] = {}
    for group in GROUPS:
        for of in DEFINITIONS[group.path]:
            if of.prometheus is None:
                continue
            assert re.fullmatch(r"[a-z][a-z0-9_]*", of.prometheus)
            assert not re.search(r"percent|_ms$|_us$|_mbps$", of.prometheus)
            assert seen.setdefault(of.prometheus, group.path) == group.path
            assert of.factor > 0

            assert of.prometheus.endswith("_total") == (of.kind == "counter")


def test_factors() -> None:
    """50 % is 0.5, 20 ms are 0.02 s, 1 µs is a millionth, 1000 Mbit/s are 125 million bytes a second."""
    by_name = {of.prometheus: of.factor for group in GROUPS for of in DEFINITIONS[group.path]}
    assert by_name["node_cpu_usage_ratio"] == 0.01
    assert by_name["node_disk_read_await_seconds"] == 0.001
    assert by_name["node_pressure_some_seconds_total"] == 1e-6
    assert by_name["node_network_speed_bytes_per_second"] == 125_000
    assert by_name["node_memory_total_bytes"] == 1.0


def test_names_that_prometheus_keeps_are_not_used() -> None:
    """_count is a histogram's; a number of processes is no counter; ours that only rise are."""
    kinds = {of.prometheus: of.kind for group in GROUPS for of in DEFINITIONS[group.path]}
    assert kinds["node_cpu_online_cores"] == kinds["node_processes"] == "gauge"
    counters = {name for name, kind in kinds.items() if kind == "counter"}
    assert counters == {
        "node_pressure_some_seconds_total",
        "node_pressure_full_seconds_total",
        "telemetry_stream_frames_sent_total",
        "telemetry_stream_frames_dropped_total",
        "telemetry_stream_frames_refused_total",
        "telemetry_stream_ticks_missed_total",
    }


def test_labels_are_named_as_elsewhere() -> None:
    """As node_exporter's: whoever joins both needs no relabelling."""
    labels = {group.path: tuple(group.labels) for group in GROUPS if group.labels}
    assert labels["cpu.cores[]"] == ("cpu",)
    assert labels["disks[]"] == ("device",)
    assert labels["interfaces[]"] == ("interface",)
    text = document()
    assert (
        "| `id` | number | the kernel's number; offline cores leave holes | label `cpu` |" in text
    )
    assert "`node_disk_reads_per_second{device}`" in text


def test_every_number_has_a_unit() -> None:
    """In its name or in the column; a novel count without one is an error at import."""
    with pytest.raises(KeyError, match="pages"):
        _unit(Group("disks[]", "", ""), "pages", "int")
    assert _unit(Group("disks[]", "", ""), "total_bytes", "int") == ""
    queue = next(of for of in DEFINITIONS["disks[]"] if of.name == "queue_depth")
    assert queue.unit == "requests"
