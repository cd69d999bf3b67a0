"""The real node_exporter on the same host: our page has its series, with the same types, labels and values."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families as plain_text

from telemetry_stream import App
from telemetry_stream.prometheus.exposition import PLAIN, render
from telemetry_stream.prometheus.sample import families
from tests.apps import FAST
from tests.conftest import eventually
from tests.metrics.replay import host_names, replay
from tests.prometheus.programs import get, program, serving
from tests.viewers import address_of

# The names in each query of the dashboard "Node Exporter Full" (grafana.com, 1860), a line for each query.
QUERIES = Path(__file__).with_name("node_exporter_full.txt")
# Of node_exporter itself, and of directories that are only for it.
ITS_OWN = re.compile(
    r"node_(scrape_collector_|exporter_build_info|textfile_)|(go|process|promhttp)_"
)
# Gauges that change within milliseconds, or whose newest values are those of a sample.
LIVELY = re.compile(
    r"node_(memory|load|procs|sockstat|time_seconds|timex|filefd|filesystem_.*(bytes|free)|entropy|disk_io_now|"
    r"udp_queues|arp|softnet_backlog|nf_conntrack|network_carrier|netstat_Tcp_CurrEstab|cpu_scaling|hwmon|thermal|cooling)"
)
LISTENING = re.compile(rb'msg="Listening on" address=([\d.]+):(\d+)')
# node_exporter rounds to float; times are in ticks of 10 ms, and a core's idle time may fall by a few of them.
TOLERANCE = 0.1


class Page(NamedTuple):
    """A page: the type of each family, and the values by name and labels. A label without a value is no label."""

    types: dict[str, str]
    values: dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Page:
    """Return a page by series."""
    types: dict[str, str] = {}
    values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in plain_text(text):
        for one in family.samples:
            types[one.name] = family.type
            key = one.name, frozenset((k, v) for k, v in one.labels.items() if v)
            values[key] = one.value
    return Page(types, values)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """The page of node_exporter, then ours, then that of node_exporter again."""
    command = [
        program("prometheus-node-exporter", "prometheus-node-exporter"),
        "--web.listen-address=127.0.0.1:0",
    ]
    log = tmp_path_factory.mktemp("node_exporter") / "log"
    with App(FAST) as app, serving(command, LISTENING, log) as exporter:
        own = address_of(app.url)
        assert eventually(lambda: "node_filesystem_size_bytes" in get(own, "/metrics"))
        before = get(exporter, "/metrics")
        seq = app.stream.feed().seq
        assert eventually(lambda: app.stream.feed().seq > seq + 1)  # the page is made anew
        return before, get(own, "/metrics"), get(exporter, "/metrics")


@pytest.fixture(scope="module")
def pages(texts: tuple[str, str, str]) -> tuple[Page, Page, Page]:
    """The same pages by series."""
    before, ours, after = map(parsed, texts)
    return before, ours, after


def test_all_its_series_are_ours(pages: tuple[Page, Page, Page]) -> None:
    """With the same types, and at least the same labels. An unknown speed of a link has no series here."""
    before, ours, _ = pages
    found: dict[str, list[frozenset[tuple[str, str]]]] = {}
    for name, labels in ours.values:
        found.setdefault(name, []).append(labels)
    missing: list[tuple[str, object]] = []
    for (name, labels), value in before.values.items():
        if ITS_OWN.match(name) or (name == "node_network_speed_bytes" and value < 0):
            continue
        if not any(labels <= other for other in found.get(name, ())):
            missing.append((name, sorted(labels)))
        elif ours.types[name] != before.types[name]:
            missing.append((name, [ours.types[name], before.types[name]]))
    assert not missing
    assert len(before.values) > 300


def test_most_queries_of_its_dashboard_are_answered(pages: tuple[Page, Page, Page]) -> None:
    """Of those of "Node Exporter Full" that node_exporter answers on this host, at least 75 %.

    A query is answered if each of its names has a series here, with at least the same names of labels.
    """
    queries = [line.split() for line in QUERIES.read_text().splitlines()]
    exporter, ours = map(labels_by_name, pages[:2])
    asked = [names for names in queries if all(name in exporter for name in names)]
    answered = [
        names
        for names in asked
        if all(name in ours and exporter[name] <= ours[name] for name in names)
    ]
    assert len(asked) > 100
    assert len(answered) / len(asked) >= 0.75, [names for names in asked if names not in answered]


def labels_by_name(page: Page) -> dict[str, set[str]]:
    """Return the names of the labels of each name."""
    found: dict[str, set[str]] = {}
    for name, labels in page.values:
        found.setdefault(name, set()).update(label for label, _ in labels)
    return found


def test_values_are_between_those_of_its_two_scrapes(pages: tuple[Page, Page, Page]) -> None:
    """Counters and untyped numbers lie between them, and what does not change is equal."""
    before, ours, after = pages
    values = dict(ours.values)
    wrong, compared = [], 0
    for key, first in before.values.items():
        name, labels = key
        last = after.values.get(key)
        matching = (
            [key]
            if key in values
            else [other for other in values if other[0] == name and labels <= other[1]]
        )
        if ITS_OWN.match(name) or last is None or len(matching) != 1:
            continue
        value = values[matching[0]]
        if before.types[name] != "counter" and LIVELY.match(name):  # some gauges have no type
            is_right = True
        elif before.types[name] == "gauge":
            is_right = first != last or value == first
        else:
            low, high = min(first, last), max(first, last)
            is_right = low - TOLERANCE <= value <= high + TOLERANCE
        compared += 1
        if not is_right:
            wrong.append((name, sorted(labels), first, value, last))
    assert not wrong
    assert compared > 250


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("node_memory_MemTotal_bytes", 0),
        ("node_filesystem_size_bytes", 0),
        ("node_memory_MemAvailable_bytes", 0.2),
        ("node_filesystem_avail_bytes", 0.2),
        ("node_time_seconds", 1e-6),
        ("node_boot_time_seconds", 1e-8),
    ],
)
def test_levels_are_close(pages: tuple[Page, Page, Page], name: str, share: float) -> None:
    """In the same unit: a factor of 1024 would be noticed."""
    before, ours, _ = pages
    theirs = {labels: value for (of, labels), value in before.values.items() if of == name}
    own = {labels: value for (of, labels), value in ours.values.items() if of == name}
    assert theirs
    for labels, value in theirs.items():
        assert own[labels] == pytest.approx(value, rel=share or 1e-12)


# What promtool reports about names that node_exporter has, too.
ITS_FAULTS = re.compile(
    r"node_\w+ (metric names should be written in 'snake_case' not 'camelCase'|"
    r'use base unit "bytes" instead of "bits"|metric names should not contain abbreviated units)$'
)


def lint(text: str) -> list[str]:
    """Return the faults that promtool finds. It fails for a page that Prometheus cannot read."""
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"],
        input=text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr
    return (done.stdout + done.stderr).splitlines()


def test_promtool_finds_no_fault_of_our_own(texts: tuple[str, str, str]) -> None:
    """In names, units, types and help texts, except in names that are node_exporter's."""
    assert [fault for fault in lint(texts[1]) if not ITS_FAULTS.match(fault)] == []


@pytest.mark.parametrize("name", host_names())
def test_promtool_finds_no_fault_in_a_sample(name: str, tmp_path: Path) -> None:
    """Of any captured host: it has sections that this host does not have."""
    sample = replay(name, tmp_path)[1]
    assert lint(render(families(sample), PLAIN).decode()) == []


def test_promtool_finds_names_of_the_wrong_kind() -> None:
    """A gauge with the name of a counter, an ending of histograms, and a unit that is not a base unit."""
    names = (
        "telemetry_stream_x_total",
        "telemetry_stream_x_count",
        "telemetry_stream_read_await_ms",
    )
    faults = lint("".join(f"# HELP {name} x\n# TYPE {name} gauge\n{name} 1\n" for name in names))
    assert {fault.split()[0] for fault in faults} == set(names)
