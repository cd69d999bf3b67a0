"""docs/protocol.md is true: every name in it exists on the wire, and every name on the wire is in it."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App, Settings
from telemetry_stream.hub import End
from telemetry_stream.metrics.sample import RESERVED, State
from telemetry_stream.metrics.sources import RECORDS
from telemetry_stream.server.routes import STREAM_PARAMETERS
from tests.conftest import eventually
from tests.viewers import get, websockets_viewer

DOCUMENT = (Path(__file__).parent.parent / "docs/protocol.md").read_text()


def chapter(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(
        rf"^#+ (?:\d+\. )?{heading}\n(.*?)(?=^#+ |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL
    )
    assert found, heading
    return found[1]


def first_column(text: str) -> list[str]:
    """Every name in the first column of the tables in ``text``."""
    cells = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


PARAGRAPHS: dict[str, str] = dict(
    re.findall(r"^\*\*`([\w.]+)`\*\*(.*?)(?=\n\n)", chapter("Sections"), re.MULTILINE | re.DOTALL)
)


def described(record: Any, where: str) -> Iterator[tuple[str, str, bool]]:
    """Each field of a record and of the records in it: its paragraph, its name, and whether it may be null."""
    if typing.get_origin(record) is tuple:
        record = typing.get_args(record)[0]
    hints = typing.get_type_hints(record)
    for field in fields(record):
        arms = typing.get_args(hints[field.name])
        yield where, field.name, type(None) in arms
        below = f"{where}.{field.name}"
        for arm in (hints[field.name], *arms):
            if is_dataclass(arm):
                yield from described(arm, below if below in PARAGRAPHS else where)


WIRE = [row for name, record in RECORDS.items() for row in described(record, name)]
# Values of a field that stand in its description.
VALUES = {"disk", "dm", "md", "drbd", "zd", "full", "partial", "host", "container", "lxcfs"}


def test_every_section_has_its_paragraph() -> None:
    """In the order of the wire, and no other has."""
    assert [name for name in PARAGRAPHS if "." not in name] == list(RECORDS)


@pytest.mark.parametrize("paragraph", PARAGRAPHS)
def test_every_field_of_a_section_is_described(paragraph: str) -> None:
    """No more and no fewer; the mark says which are never null."""
    named = re.findall(r"`(\w+)`(°?)", PARAGRAPHS[paragraph])
    marks = {name: bool(mark) for name, mark in named if name not in VALUES}
    # The core's percentages are the section's, so the first of a name stands for all.
    wire = {name: not null for where, name, null in reversed(WIRE) if where == paragraph}
    assert marks == wire


def test_messages_have_the_fields_that_are_described() -> None:
    """Taken from a running program."""
    with App(Settings(port=0, interval=0.1)) as app, websockets_viewer(app.url) as viewer:
        hello, sample = viewer.read(), viewer.read()
    host = {f"host.{name}" for name in hello.pop("host")}
    assert {*hello, *host} == {"type", *first_column(chapter("hello"))}
    assert {"type", *first_column(chapter("sample"))} == RESERVED
    assert set(sample) - RESERVED <= set(sample["sources"]) <= set(RECORDS)


def test_parameters_states_codes_and_paths_are_those_of_the_program() -> None:
    """Each table against the table in the code."""
    parameters = first_column(chapter("Opening a stream"))
    assert parameters == list(STREAM_PARAMETERS)
    assert set(first_column(chapter("Sources"))) == set(typing.get_args(State))
    ends = chapter("How a connection ends")
    told = {
        code for code in map(int, re.findall(r"^\| (\d+)[ ,]", ends, re.MULTILINE)) if code != 1002
    }
    assert told == {end.code for end in End if end.code is not None}
    assert all(f"`{end.words}`" in ends for end in End)
    app = App(Settings(port=0))
    paths = {*app._routes._table, "/"}
    app.close()
    assert set(first_column(chapter("HTTP"))) == paths


def test_examples_are_json_with_the_program_s_fields() -> None:
    """The marked blocks, and the longest of the answers."""
    blocks = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert [json.loads(block)["type"] for block in blocks] == ["hello", "sample", "history"]
    found = re.search(r'^ +(\{"clients".*?)\n\n', DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found
    example = json.loads(found[1])
    with App(Settings(port=0)) as app, websockets_viewer(app.url):
        assert eventually(lambda: get(app.url, "/api/v1/clients")[1]["clients"])
        _, report = get(app.url, "/api/v1/clients")
    assert list(example) == list(report)
    assert list(example["clients"][0]) == list(report["clients"][0])


def test_links_within_lead_somewhere() -> None:
    """A heading's anchor is its text in lower case, without punctuation, with hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", DOCUMENT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\(#([^)]+)\)", DOCUMENT)) <= anchors
