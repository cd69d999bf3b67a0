"""The generated files are those that the declarations of the sources give."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from generated import FILES, decoders, document, explanations

from telemetry_stream.metrics.sources import SECTIONS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_generated_file_is_current(path: Path) -> None:
    """scripts/update-golden was run after the last change of a declaration."""
    content: Callable[[], str] = FILES[path]
    assert path.read_text() == content()


def test_the_document_marks_what_is_never_null() -> None:
    """With a °, as docs/protocol.md does."""
    text = document()
    assert (
        "| `online_count`° | cores | Cores that are online. | `telemetry_stream_cpu_online_cores` |\n"
        in text
    )
    assert re.search(r"^\| `free_bytes` \|  \| ", text, re.MULTILINE)


def test_the_document_has_the_names_of_the_prometheus_page() -> None:
    """With their labels, and the label of an identity."""
    text = document()
    assert "| label `cpu` |\n" in text
    assert "`telemetry_stream_disk_reads_per_second{device}`" in text
    assert '`telemetry_stream_tcp_states{state="listen"}`' in text
    assert "`telemetry_stream_pressure_some_ratio{resource}`" in text
    assert "label `pid`" not in text


def test_the_document_names_the_on_demand_sections() -> None:
    """After the files that they come from."""
    chapters = document().split("\n## ")
    on_demand = [
        chapter.split("\n")[0].removesuffix("[]")
        for chapter in chapters
        if " On demand." in chapter
    ]
    assert on_demand == [section.name for section in SECTIONS if section.is_on_demand]


def test_an_identity_is_required_by_the_decoders() -> None:
    """Other fields may be missing, since an older server does not send them."""
    text = decoders()
    assert "const diskRecord = record({\n  name: text,\n  kind: maybe(text),\n" in text
    assert "  label: maybe(text),\n" in text  # an identity that may be null
    assert "  pid: number,\n" in text


def test_fields_that_are_off_the_page_are_not_decoded() -> None:
    """The page keeps every decoded number in memory."""
    assert (
        "const coreRecord = record({\n  id: number,\n  usage_percent: maybeNumber,\n});\n"
        in decoders()
    )
    assert "_total_us" not in decoders() + explanations()


def test_the_decoders_have_all_sections_in_the_order_of_the_wire() -> None:
    """A list is a list of records, and counts by name are a dict."""
    exported = decoders().partition("export const SECTIONS = {\n")[2].partition("};")[0]
    names = re.findall(r"^  (\w+): ", exported, re.MULTILINE)
    assert names == [section.name for section in SECTIONS]
    assert "  disks: list(diskRecord),\n" in exported
    assert "  by_state: maybe(dict(maybeNumber)),\n" in decoders()


def test_sections_and_fields_are_explained_by_their_paths() -> None:
    """With a name for people, the description, and the kernel's files."""
    text = explanations()
    assert '\n  tcp: {\n    name: "TCP",\n' in text
    assert (
        '  "disks[].util_percent": {\n    name: "busy",\n    text: "Share of the time in which'
        in text
    )
    assert re.search(r'"tcp.states.listen": \{\n.*\n.*\n    from: "sock_diag\(7\)', text)
