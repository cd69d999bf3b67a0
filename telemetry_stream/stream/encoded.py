"""A sample as JSON: each of its sections encoded once, joined to a message for any choice of them.

Strategy. The stream remembers hundreds of these, so each is one run of bytes with the places of its sections beside
it, and not a dictionary of small texts: a sixth less memory for a full ring. What most viewers want, all sections
that come unasked, is that run of bytes as it stands.
"""

from __future__ import annotations

import functools
import itertools
import json
from array import array
from collections.abc import Mapping

from ..metrics.sample import Sample, SourceState, encode_section
from ..metrics.sources import DEAR

SOURCES = b',"sources":{'


class EncodedSample:
    """The texts of one sample. Immutable."""

    __slots__ = ("_cuts", "_sections", "_sources", "_text")

    def __init__(self, sections: Mapping[str, bytes], sources: Mapping[str, bytes]) -> None:
        """Take the texts ``"name":{…}`` of each section and source, by name."""
        parts = [b"," + text for text in sections.values()]
        parts.append(SOURCES)
        parts += [text + b"," for text in sources.values()]
        self._sections = _shared(tuple(sections))
        self._sources = _shared(tuple(sources))
        # Where each part begins and the last one ends; a section begins with its comma, a source ends with one.
        self._cuts = array("I", itertools.accumulate(map(len, parts), initial=0))
        self._text = b"".join(parts).removesuffix(b",") + b"}}"

    def has(self, section: str) -> bool:
        """Whether this section was asked for when the sample was taken."""
        return section in self._sources

    def message(self, head: bytes, chosen: tuple[str, ...] | None) -> bytes:
        """``head`` and then the chosen sections and what became of their sources.

        None is all sections but the dear ones (metrics.sources.DEAR), which only come to whoever names them.
        """
        if chosen is None and DEAR.isdisjoint(self._sources):
            return head + self._text
        sections, sources = self._parts(chosen)
        return b",".join((head, *sections.values())) + SOURCES + b",".join(sources.values()) + b"}}"

    def without_dear(self) -> EncodedSample:
        """The same without the dear sections: what is worth remembering."""
        if DEAR.isdisjoint(self._sources):
            return self
        return EncodedSample(*self._parts(None))

    def _parts(self, chosen: tuple[str, ...] | None) -> tuple[dict[str, bytes], dict[str, bytes]]:
        text, cuts, first = self._text, self._cuts, len(self._sections) + 1
        sections = {
            name: text[cuts[i] + 1 : cuts[i + 1]]
            for i, name in enumerate(self._sections)
            if _is_chosen(name, chosen)
        }
        sources = {
            name: text[cuts[i] : cuts[i + 1] - 1]
            for i, name in enumerate(self._sources, first)
            if _is_chosen(name, chosen)
        }
        return sections, sources


def encode(sample: Sample) -> EncodedSample:
    """Encode ``sample``. A section that is no JSON is left out, and its source said to have failed."""
    sections: dict[str, bytes] = {}
    states: Mapping[str, SourceState] = sample.sources
    for name, section in sample.sections.items():
        try:
            text = encode_section(section)
        except (TypeError, ValueError, RecursionError) as error:  # the last: it holds itself
            took = states[name].took_seconds if name in states else 0.0
            states = {**states, name: SourceState("failed", took, f"no JSON: {error}")}
            continue
        sections[name] = f"{json.dumps(name)}:{text}".encode(errors="replace")
    sources = {name: _encode_state(name, state) for name, state in states.items()}
    return EncodedSample(sections, sources)


def _is_chosen(name: str, chosen: tuple[str, ...] | None) -> bool:
    return name not in DEAR if chosen is None else name in chosen


@functools.lru_cache(maxsize=16)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same tuple for the same names: they seldom change from one sample to the next."""
    return names


def _encode_state(name: str, state: SourceState) -> bytes:
    """What is null is left out: it would be most of the text, in every sample."""
    text = f'{json.dumps(name)}:{{"state":"{state.state}","took_seconds":{state.took_seconds}'
    if state.reason is not None:
        text += f',"reason":{json.dumps(state.reason)}'
    if state.age_seconds is not None:
        text += f',"age_seconds":{state.age_seconds}'
    return f"{text}}}".encode()
