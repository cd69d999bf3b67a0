"""How a module of ``sources/`` declares its sections.

Such a module has the record of each of its sections, a tuple ``SECTIONS`` that describes them, and a function
``build(setup)`` that returns their sources. A field is described where the record declares it:

    used_bytes: Annotated[int, "total - available, as free shows it since procps 4.0.1."]
    in_flight: Annotated[int | None, Field("Requests that are under way now.", unit="requests")]

Annotations are kept as text (PEP 563). Only the documentation, the Prometheus page and the generator of the web page's
decoders evaluate them, in definitions.py; the collector does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from .source import is_on_demand

T = TypeVar("T")


@dataclass(slots=True)
class Field:
    """A field of a record that needs more than a description."""

    text: str
    # The unit of a number whose name does not end in it ("_bytes", "_percent", ...).
    unit: str = ""
    # What the web page calls it; by default the field's name without its unit.
    title: str = ""
    # The whole name on the Prometheus page; by default the group's prefix, the field's name and the base unit. Of an
    # identity field: the name of the label.
    prometheus: str = ""
    # A label of its series, and the value: it tells the series apart from others of the same name.
    label: tuple[str, str] | None = None
    # It only rises. (The host's counters are rates in a sample, so they are gauges.)
    is_counter: bool = False
    # It tells the rows of a list apart: a Prometheus label, and required by the web page.
    is_identity: bool = False


@dataclass(slots=True, kw_only=True)
class Part:
    """A record inside a section, or a list of records: the metadata of the field that holds it."""

    text: str
    title: str = ""
    # The kernel's files and interfaces that the values come from; by default those of the section.
    files: str = ""
    # How its names on the Prometheus page begin. Empty: it has no series.
    prometheus: str = ""
    # The Prometheus label whose values are the names of the fields ({state="listen"}), for fields that are all alike.
    label: str = ""
    # The unit of its numbers that declare none.
    unit: str = ""
    # When its fields are null, in addition to the reasons that hold for every field.
    nulls: str = ""


@dataclass(slots=True)
class Section(Part):
    """A section of a sample: its source, and its record or ``tuple[Record, ...]`` for a list."""

    source: Any
    record: Any

    @property
    def name(self) -> str:
        """The name of the section, which is its source's."""
        name: str = self.source.name
        return name

    @property
    def is_on_demand(self) -> bool:
        """Whether the section is collected only while it is wanted."""
        return is_on_demand(self.source)


class _OffPage:
    """The mark of a field that the web page does not decode."""


# The page keeps every decoded number of ten minutes in memory, so it skips the fields that it does not show.
OffPage = Annotated[T, _OffPage]
