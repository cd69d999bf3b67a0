"""The series of a sample: every number, with its labels, in base units. (The page: test_page.)"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as plain_text

from telemetry_stream.metrics.definitions import GROUPS, Group
from telemetry_stream.metrics.sample import Sample, SourceState, encode_section
from telemetry_stream.metrics.sources.cpu import Core, Cpu
from telemetry_stream.metrics.sources.cpu_shares import SHARES
from telemetry_stream.metrics.sources.disk import Disk
from telemetry_stream.metrics.sources.filesystem import Filesystem
from telemetry_stream.metrics.sources.network import Interface
from telemetry_stream.metrics.sources.pressure import Pressure, Stalls
from telemetry_stream.metrics.sources.process import Processes, ProcessStates
from telemetry_stream.metrics.sources.raid import Member, RaidArray
from telemetry_stream.metrics.sources.storage import BtrfsDevice, Pool, StorageHealth
from telemetry_stream.metrics.sources.swap import Swap
from telemetry_stream.metrics.sources.temperature import Temperature
from telemetry_stream.prometheus.exposition import PLAIN, Family, render
from telemetry_stream.prometheus.sample import TABLE, families
from tests.metrics.replay import host_names, replay
from tests.server.service import HOST, Service


def page(sample: Sample | None) -> str:
    """Return the text of a scrape."""
    with Service() as service:
        if sample is not None:
            service.feed.publish(sample)
        answer = service.ask("/metrics")
        assert answer.status == 200
        return answer.body.decode()


def series(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Return the labels and values of all series with this name."""
    found = [sample for family in plain_text(text) for sample in family.samples]
    return [(sample.labels, sample.value) for sample in found if sample.name == name]


def made(**sections: Any) -> Sample:
    """Return a sample of these sections."""
    return Sample(HOST.id, 1.5, None, 1.0, sections, {})


def shown(sample: Sample) -> dict[str, Family]:
    """Return the families of a sample by name."""
    found = list(families(sample))
    by_name = {family.name: family for family in found}
    assert len(by_name) == len(found)
    return by_name


def test_every_series_is_a_column() -> None:
    """Each name belongs to one group and has one kind."""
    declared = [field.series for group in GROUPS for field in group.fields if field.series]
    columns = [column for _, _, all_of in TABLE for column in all_of]
    assert [column.series for column in columns] == declared
    kinds = {
        (group.path, column.series.name, column.series.kind)
        for group, _, all_of in TABLE
        for column in all_of
    }
    assert len(kinds) == len({column.series.name for column in columns})


def rows(group: Group, sections: dict[str, Any]) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Yield the records of a group in a decoded sample, with their labels."""
    section, *parts = group.path.replace("[]", "").split(".")
    found = sections.get(section)
    if parts == ["*"]:
        for name, record in (found or {}).items():
            yield {group.name_label: name}, record or {}
        return
    for part in parts:
        if isinstance(found, list):  # No list in a list has series.
            return
        found = (found or {}).get(part)
    for record in found if isinstance(found, list) else [found or {}]:
        labels = {label: record.get(name) for label, name in group.labels.items()}
        yield (
            {label: "" if value is None else str(value) for label, value in labels.items()},
            record,
        )


@pytest.mark.parametrize("name", host_names())
def test_every_number_of_a_captured_host_has_a_series(name: str, tmp_path: Path) -> None:
    """Null has none. No series is there twice, and no label is a pid."""
    sample = replay(name, tmp_path)[1]
    sections = {
        name: json.loads(encode_section(section)) for name, section in sample.sections.items()
    }
    expected = set()
    for group in GROUPS:
        for labels, record in rows(group, sections):
            for field in group.fields:
                if field.series and record.get(field.name) is not None:
                    enumerated = {group.enumerates: field.name} if group.enumerates else {}
                    enumerated |= dict([field.series.label] if field.series.label else ())
                    key = sorted({**labels, **enumerated}.items())
                    expected.add((field.series.name, *key))
    text = render(shown(sample).values(), PLAIN).decode()
    keys = [
        (one.name, *sorted(one.labels.items()))
        for family in plain_text(text)
        for one in family.samples
    ]
    assert len(keys) == len(set(keys))
    assert set(keys) == expected
    assert len(keys) > 100
    assert "pid" not in {label for _, *pairs in keys for label, _ in pairs}


def test_units_become_base_units() -> None:
    """Percent are ratios, milliseconds and microseconds seconds, megabits bytes. 0 has a series, null has none."""
    text = page(
        made(
            disks=(Disk("sda", "disk", True, read_await_ms=12.5, in_flight=0),),
            interfaces=(Interface("eth0", None, 1000, False),),
            swap=Swap(4096, 0, 4096, 29.4, None, None),
        )
    )
    sda, eth0 = {"device": "sda"}, {"device": "eth0"}
    assert series(text, "telemetry_stream_disk_read_await_seconds") == [(sda, 0.0125)]
    assert series(text, "telemetry_stream_disk_in_flight") == [(sda, 0.0)]
    assert series(text, "telemetry_stream_disk_counted") == [(sda, 1.0)]
    assert series(text, "telemetry_stream_network_counted") == [(eth0, 0.0)]
    assert series(text, "telemetry_stream_network_speed_bytes_per_second") == [(eth0, 125e6)]
    assert series(text, "telemetry_stream_swap_used_ratio") == [({}, 0.294)]
    assert series(text, "telemetry_stream_swap_total_bytes") == [({}, 4096.0)]
    for absent in ("disk_util_ratio", "swap_in_bytes_per_second", "memory"):
        assert absent not in text


def test_help_names_the_field_and_its_factor() -> None:
    """Behind the description."""
    text = page(made(swap=Swap(4096, 0, 4096, 29.4, None, None)))
    assert "# HELP telemetry_stream_swap_total_bytes Swap space (swap.total_bytes)\n" in text
    assert (
        "# HELP telemetry_stream_swap_used_ratio 100 × used / total. Null without swap space "
        "(swap.used_percent × 0.01)\n" in text
    )


def test_parts_of_a_section_have_labels() -> None:
    """Cores have their number, pressure its resource, and states are values of one family."""
    cpu = Cpu(
        **dict.fromkeys(SHARES),
        online_count=1,
        context_switches_per_second=None,
        interrupts_per_second=None,
        forks_per_second=None,
        cores=(Core(0, usage_percent=50.0),),
    )
    io = Stalls(some_avg10_percent=2.5, some_total_us=1_500_000)
    text = page(
        made(
            cpu=cpu,
            pressure=Pressure(None, None, io, None),
            processes=Processes(3, ProcessStates(running=3), "full", ()),
        )
    )
    assert series(text, "telemetry_stream_cpu_core_usage_ratio") == [({"cpu": "0"}, 0.5)]
    assert series(text, "telemetry_stream_cpu_online_cores") == [({}, 1.0)]
    assert series(text, "telemetry_stream_pressure_some_avg10_ratio") == [
        ({"resource": "io"}, 0.025)
    ]
    assert series(text, "telemetry_stream_pressure_some_seconds_total") == [
        ({"resource": "io"}, 1.5)
    ]
    assert series(text, "telemetry_stream_processes") == [({}, 3.0)]
    states = ("sleeping", "disk_sleep", "stopped", "zombie", "idle", "other")
    by_state = series(text, "telemetry_stream_processes_by_state")
    assert by_state == [({"state": "running"}, 3.0), *(({"state": name}, 0.0) for name in states)]


def test_storage_has_the_names_of_node_exporter() -> None:
    """So the usual alerts work: devices by state, the state of a pool, and errors by type."""
    array = RaidArray(
        "md0", "raid1", "clean", 2, 1, 1, 0, 1, "idle", None, None, None, (Member("sda", "active"),)
    )
    device = BtrfsDevice("u-1", "1", "data", False, 0, 3, 0, 0, None)
    text = page(
        made(storage=StorageHealth((array,), (Pool("tank", "DEGRADED", False),), (device,)))
    )
    md0 = {"device": "md0"}
    assert series(text, "node_md_disks") == [
        ({**md0, "state": "active"}, 1.0),
        ({**md0, "state": "failed"}, 1.0),
        ({**md0, "state": "spare"}, 0.0),
    ]
    assert series(text, "node_md_disks_required") == [(md0, 2.0)]
    assert series(text, "node_md_degraded") == [(md0, 1.0)]
    assert series(text, "node_zfs_zpool_state") == [({"zpool": "tank", "state": "online"}, 0.0)]
    errors = series(text, "node_btrfs_device_errors_total")
    assert [(labels["type"], value) for labels, value in errors] == [
        ("write", 0.0),
        ("read", 3.0),
        ("flush", 0.0),
        ("corruption", 0.0),
    ]


def test_of_two_rows_with_the_same_labels_the_first_is_shown() -> None:
    """Two chips of the same name without a device. Prometheus would refuse the second. Null is an empty label."""
    chips = tuple(
        Temperature("acpitz", None, "temp1", None, celsius, None, None, 1.0)
        for celsius in (40.5, 41.5)
    )
    labels = {"chip": "acpitz", "device": "", "sensor": "temp1", "label": ""}
    assert series(page(made(temperatures=chips)), "telemetry_stream_temperature_celsius") == [
        (labels, 40.5)
    ]


def test_label_values_are_escaped() -> None:
    """A mountpoint may contain characters that the format uses itself."""
    odd = '/mnt/"a" \\ b\nc'
    row = Filesystem(odd, "/dev/sda1", "ext4", 5, None, None, None, None, False, False, None)
    ((labels, value),) = series(
        page(made(filesystems=(row,))), "telemetry_stream_filesystem_size_bytes"
    )
    assert (labels["mountpoint"], value) == (odd, 5.0)


def test_sections_of_an_embedding_program_have_no_series() -> None:
    """They are not declared. The state of their sources is shown."""
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


def test_names_that_are_not_utf_8_have_a_series() -> None:
    """A name may have any bytes. Names that are equal after the replacement are one series, as Prometheus demands."""
    names = ("good", "bad\udcff", "bad\udcfe", "größe", 'a"b\\c\nd')
    disks = tuple(Disk(name, "disk", True, read_bytes_per_second=1.0) for name in names)
    sample = dataclasses.replace(
        made(disks=disks), sources={"own\udcff": SourceState("failed", 0.0, "bad\udcff")}
    )
    text = page(sample)
    found = [
        labels["device"]
        for labels, _ in series(text, "telemetry_stream_disk_read_bytes_per_second")
    ]
    assert found == ["good", "bad?", "größe", 'a"b\\c\nd']
    assert series(text, "telemetry_stream_source_failed") == [({"source": "own?"}, 1.0)]


@pytest.mark.parametrize("number", [10**400, -(10**400), 1.5e308, float("inf"), float("nan")])
def test_numbers_that_no_float_can_hold_have_no_series(number: float) -> None:
    """Such a number must not take the whole page away."""
    disk = Disk("a", "disk", True, read_bytes_per_second=number, util_percent=number, in_flight=1)
    text = page(made(disks=(disk,)))
    found = series(text, "telemetry_stream_disk_read_bytes_per_second")
    assert found == ([({"device": "a"}, number)] if number == 1.5e308 else [])
    assert series(text, "telemetry_stream_disk_in_flight") == [({"device": "a"}, 1.0)]


def test_firing_alerts_have_series() -> None:
    """With their labels, and none while nothing is known of them."""
    alert = {
        "rule": "filesystem_full",
        "severity": "warning",
        "labels": {"mountpoint": '/a"b', "team": "x"},
        "since_unix": 1.5,
    }
    with Service() as service:
        assert "telemetry_stream_alert" not in service.ask("/metrics").body.decode()
        service.feed.publish(made())
        service.feed.publish_alerts(1.5, [alert], omitted=2)
        text = service.ask("/metrics").body.decode()
    labels = {
        "alertname": "filesystem_full",
        "severity": "warning",
        "mountpoint": '/a"b',
        "team": "x",
    }
    assert series(text, "telemetry_stream_alert") == [({**labels, "alertstate": "firing"}, 1.0)]
    assert series(text, "telemetry_stream_alert_since_timestamp_seconds") == [(labels, 1.5)]
    assert series(text, "telemetry_stream_alerts_omitted") == [({}, 2.0)]
