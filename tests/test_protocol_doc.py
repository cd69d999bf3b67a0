"""docs/protocol.md is true: everything that it names exists.

The fields of the sections are in docs/metrics.md, which tests/scripts/test_generated.py checks.
"""

from __future__ import annotations

import json
import re
import typing
from pathlib import Path

from telemetry_stream import App, Settings
from telemetry_stream.fleet.fleet import DROPPED, STATES, FleetStats
from telemetry_stream.hub import End
from telemetry_stream.metrics.sample import RESERVED, State
from telemetry_stream.metrics.sources import SECTIONS
from telemetry_stream.prometheus.own import alert_families, fleet_families, notify_families
from telemetry_stream.server.fleet import OVERVIEW_PARAMETERS
from telemetry_stream.server.routes import STREAM_PARAMETERS
from tests.alerts import golden as alerts
from tests.conftest import eventually
from tests.fleet.golden import messages
from tests.viewers import get, websockets_viewer

DOCUMENT = (Path(__file__).parent.parent / "docs/protocol.md").read_text()


def chapter(heading: str) -> str:
    """Return the text below a heading, up to the next heading."""
    found = re.search(
        rf"^#+ (?:\d+\. )?{heading}\n(.*?)(?=^#+ |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL
    )
    assert found, heading
    return found[1]


def first_column(text: str) -> list[str]:
    """Return every name in the first column of the tables in ``text``."""
    cells = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_table_of_sections_has_each_section_once_in_order() -> None:
    """With its form: a list or an object."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", chapter("Sections"), re.MULTILINE)
    assert [(name, form) for name, form, _ in rows] == [
        (section.name, "list" if typing.get_origin(section.record) is tuple else "object")
        for section in SECTIONS
    ]
    on_demand = {name for name, _, content in rows if content.endswith("; on demand")}
    assert on_demand == {section.name for section in SECTIONS if section.is_on_demand}


def test_messages_have_the_documented_fields() -> None:
    """Compared with those of a running program."""
    with App(Settings(port=0, interval=0.1)) as app, websockets_viewer(app.url) as viewer:
        hello, sample = viewer.read(), viewer.read()
    host = {f"host.{name}" for name in hello.pop("host")}
    assert {*hello, *host} == {"type", *first_column(chapter("hello"))}
    assert {"type", *first_column(chapter("sample"))} == RESERVED
    names = {section.name for section in SECTIONS}
    assert set(sample) - RESERVED <= set(sample["sources"]) <= names


def test_parameters_states_codes_and_paths_are_those_of_the_program() -> None:
    """Each table is compared with the table in the code."""
    assert first_column(chapter("Opening a stream")) == list(STREAM_PARAMETERS)
    assert set(first_column(chapter("Sources"))) == set(typing.get_args(State))
    ends = chapter("How a connection ends")
    codes = {int(code) for code in re.findall(r"^\| (\d+)[ ,]", ends, re.MULTILINE)}
    assert codes - {1002} == {end.code for end in End if end.code is not None}
    assert all(f"`{end.reason}`" in ends for end in End)
    app = App(Settings(port=0))
    paths = {*app._routes._table, "/"}
    app.close()
    assert set(first_column(chapter("HTTP"))) == paths


def test_examples_are_json_with_the_fields_of_the_program() -> None:
    """The blocks that are marked as JSON, and the longest example of an answer."""
    blocks = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    types = [json.loads(block)["type"] for block in blocks]
    assert types == ["hello", "sample", "history", "alerts", "hosts", "overview"]
    found = re.search(r'^ +(\{"clients".*?)\n\n', DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found
    example = json.loads(found[1])
    with App(Settings(port=0)) as app, websockets_viewer(app.url):
        assert eventually(lambda: get(app.url, "/api/v1/clients")[1]["clients"])
        _, report = get(app.url, "/api/v1/clients")
    assert list(example) == list(report)
    assert list(example["clients"][0]) == list(report["clients"][0])


def test_alerts_are_as_documented() -> None:
    """The example has the fields of the golden message, and the table those of an alert."""
    blocks = re.findall(r"```json\n(.*?)```", chapter("alerts"), re.DOTALL)
    example, golden = json.loads(blocks[0]), json.loads(alerts.FRAME.read_text())
    assert list(example) == list(golden)
    assert list(example["alerts"][0]) == list(golden["alerts"][0])
    assert first_column(chapter("alerts")) == list(golden["alerts"][0])
    series = {family.name for family in (*alert_families([], 0), *notify_families([]))}
    assert series <= {name.partition("{")[0] for name in first_column(chapter("Prometheus"))}


def test_the_overview_is_as_documented() -> None:
    """Its parameters, states, paths, examples and series are those of the program."""
    names = first_column(chapter("Other hosts"))
    assert names[: len(OVERVIEW_PARAMETERS)] == list(OVERVIEW_PARAMETERS)
    states = names[len(OVERVIEW_PARAMETERS) :][: len(STATES)]
    assert states == list(STATES)
    app, single = App(Settings(port=0, watch="https://web1")), App(Settings(port=0))
    paths = set(app._routes._table) - set(single._routes._table)
    assert paths == {name for name in names if name.startswith("/")}
    for one in (app, single):
        one.close()
    stats = FleetStats(dict.fromkeys(STATES, 0), 0, 0, 0, dict.fromkeys(DROPPED, 0))
    series = {family.name for family in fleet_families(stats)}
    assert series == {name.partition("{")[0] for name in names if name.startswith("telemetry_")}
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]
    golden = {path.name: json.loads(text) for path, text in messages().items()}
    for block, name in zip(blocks[4:], ("hosts.json", "overview.json"), strict=True):
        assert list(block) == list(golden[name])
    assert blocks[4]["hosts"][0].keys() == golden["hosts.json"]["hosts"][0].keys()
    assert blocks[5]["columns"] == golden["overview.json"]["columns"]
    example = re.search(r'^ +(\{"revision".*?)\n\n', DOCUMENT, re.MULTILINE | re.DOTALL)
    assert example
    report, documented = golden["api-hosts.json"], json.loads(example[1])
    assert list(documented) == list(report)
    assert list(documented["hosts"][0]) == list(report["hosts"][0])
    assert list(documented["hosts"][0]["vitals"]) == list(report["hosts"][0]["vitals"])


def test_links_within_the_page_have_a_target() -> None:
    """The anchor of a heading is its text in lower case, without punctuation, with hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", DOCUMENT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\(#([^)]+)\)", DOCUMENT)) <= anchors
