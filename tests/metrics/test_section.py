"""The classes of a declaration."""

from __future__ import annotations

from typing import Annotated, get_args, get_type_hints

from telemetry_stream.metrics.section import Field, OffPage, Section
from tests.metrics.extra import ExtraSource, OnDemandSource


class Rare(OnDemandSource):
    name = "rare"


class Record:
    pages: OffPage[Annotated[int | None, Field("Text.", unit="pages")]]


class Usual(ExtraSource):
    name = "usual"


def test_a_section_has_the_name_and_the_demand_of_its_source() -> None:
    """A section takes both from its source."""
    usual, rare = (Section(source, int, text="Text.") for source in (Usual, Rare))
    assert (usual.name, usual.is_on_demand) == ("usual", False)
    assert (rare.name, rare.is_on_demand) == ("rare", True)


def test_off_page_adds_a_mark_to_a_description() -> None:
    """The type and the description stay."""
    hints = get_type_hints(Record, include_extras=True)
    kind, description, _mark = get_args(hints["pages"])
    assert (kind, description) == (int | None, Field("Text.", unit="pages"))
