"""A sample as JSON: each of its sections encoded once, and joined to a message for any choice of sections.

Strategy. A feed remembers hundreds of samples. Each is one run of bytes with the positions of its sections, not a
dictionary of small texts: this saves a sixth of the memory of a full ring. Most viewers want all sections except the
on-demand ones, and for them that run of bytes is used as it is.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from array import array
from collections.abc import Mapping

from ..metrics.plain import plain
from ..metrics.sample import Sample, SourceState, encode_section

SOURCES = b',"sources":{'
# json.dumps would make one for each call.
_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False)

# The shares at the end of a core. It does not match in a text, whose quotes are escaped, nor across one. An
# attempt ends where the next one would begin: else a section of another program that repeats this name would take
# minutes, in which no other thread runs.
CORE_SHARES = re.compile(rb',"user_percent":[^"{}]+(?:"(?!user_percent")\w+":[^"{}]+)*\}')


class EncodedSample:
    """The JSON texts of one sample. Immutable."""

    __slots__ = ("_cuts", "_on_demand", "_sections", "_sources", "_text")

    def __init__(
        self,
        sections: Mapping[str, bytes],
        sources: Mapping[str, bytes],
        on_demand: frozenset[str] = frozenset(),
    ) -> None:
        """Take the texts ``"name":{…}`` of each section and source by name, and the names of on-demand sections."""
        parts = [b"," + text for text in sections.values()]
        parts.append(SOURCES)
        parts += [text + b"," for text in sources.values()]
        self._sections = _shared(tuple(sections))
        self._sources = _shared(tuple(sources))
        self._on_demand = on_demand
        self._join(parts)

    def _join(self, parts: list[bytes]) -> None:
        # Where each part begins and the last one ends. A section begins with its comma, a source ends with one.
        self._cuts = array("I", itertools.accumulate(map(len, parts), initial=0))
        self._text = b"".join(parts).removesuffix(b",") + b"}}"

    def has(self, section: str) -> bool:
        """Whether the source of this section was called for this sample."""
        return section in self._sources

    @property
    def source_names(self) -> tuple[str, ...]:
        """The names of the sources that were called for this sample. Equal names are usually one object."""
        return self._sources

    def __len__(self) -> int:
        """The size in bytes."""
        return len(self._text)

    def parts(self, head: bytes, chosen: tuple[str, ...] | None) -> list[bytes]:
        """Return the parts of the message: ``head``, the chosen sections, and the states of their sources.

        None chooses all sections except the on-demand ones.
        """
        if chosen is None and self._on_demand.isdisjoint(self._sources):
            return [head, self._text]
        text, cuts, first_source = self._text, self._cuts, len(self._sections) + 1
        found = [head]
        for begin, end in _runs(self._sections, self._on_demand, chosen):
            found.append(text[cuts[begin] : cuts[end]])
        found.append(SOURCES)
        sources = _runs(self._sources, self._on_demand, chosen)
        for begin, end in sources:
            found.append(text[cuts[first_source + begin] : cuts[first_source + end]])
        if sources:
            found[-1] = found[-1][:-1]  # the comma
        found.append(b"}}")
        return found

    def brief_parts(self, head: bytes, chosen: tuple[str, ...] | None) -> list[bytes]:
        """Return the parts of the message without ``sources``, and of each core only its id and its use.

        Of a sample of 256 cores, the other shares of each core are four fifths.
        """
        text, cuts = self._text, self._cuts
        found = [head]
        for name, begin, end in zip(self._sections, cuts, cuts[1:], strict=False):
            if name not in self._on_demand if chosen is None else name in chosen:
                section = text[begin:end]
                found.append(CORE_SHARES.sub(b"}", section) if name == "cpu" else section)
        found.append(b"}")
        return found

    def without_on_demand(self) -> EncodedSample:
        """Return the part that the ring remembers: everything except the on-demand sections."""
        if self._on_demand.isdisjoint(self._sources):
            return self
        text, cuts = self._text[:-2] + b",", self._cuts  # the last source ends with its comma again
        remembered = EncodedSample.__new__(EncodedSample)
        remembered._on_demand = self._on_demand
        remembered._sections, remembered._sources, kept = _remembered(
            self._sections, self._sources, self._on_demand
        )
        remembered._join([text[cuts[i] : cuts[i + 1]] for i in kept])
        return remembered


def encode(sample: Sample) -> EncodedSample:
    """Encode ``sample``. A section that has no JSON form is left out, and its source gets the state ``failed``."""
    sections: dict[str, bytes] = {}
    states: Mapping[str, SourceState] = sample.sources
    for name, section in sample.sections.items():
        try:
            text = encode_section(section)
        except Exception:  # noqa: BLE001 (a section of an embedding program's origin may raise anything)
            try:
                text = encode_section(plain(section, name))
            except Exception as error:  # noqa: BLE001
                took = states[name].took_seconds if name in states else 0.0
                states = {**states, name: SourceState("failed", took, f"no JSON: {error}")}
                continue
        sections[name] = f"{_quoted(name)}:{text}".encode(errors="replace")
    sources = {name: _encode_state(name, state) for name, state in states.items()}
    return EncodedSample(sections, sources, sample.on_demand)


@functools.lru_cache(maxsize=256)
def _quoted(name: str) -> str:
    """Return a name as JSON. Each sample has the same forty."""
    return json.dumps(name)


@functools.lru_cache(maxsize=16)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return one tuple for equal names, which rarely change from one sample to the next."""
    return names


@functools.lru_cache(maxsize=64)
def _remembered(
    sections: tuple[str, ...], sources: tuple[str, ...], on_demand: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Return the sections and sources that are not on demand, and the indexes of their parts and of SOURCES."""
    names = (*sections, "", *sources)
    return (
        _shared(tuple(name for name in sections if name not in on_demand)),
        _shared(tuple(name for name in sources if name not in on_demand)),
        tuple(i for i, name in enumerate(names) if name not in on_demand),
    )


@functools.lru_cache(maxsize=1024)
def _runs(
    names: tuple[str, ...], on_demand: frozenset[str], chosen: tuple[str, ...] | None
) -> tuple[tuple[int, int], ...]:
    """Return where the chosen names are: for each run of neighbours, the first index and the one after the last.

    Remembered, because a history needs this for hundreds of samples with the same names.
    """
    indexes = [
        i
        for i, name in enumerate(names)
        if (name not in on_demand if chosen is None else name in chosen)
    ]
    begins = [i for i in indexes if i - 1 not in indexes]
    ends = [i + 1 for i in indexes if i + 1 not in indexes]
    return tuple(zip(begins, ends, strict=True))


def _encode_state(name: str, state: SourceState) -> bytes:
    """Leave out what is null: with all sections it would be 580 bytes of every sample."""
    text = f'{_quoted(name)}:{{"state":"{state.state}","took_seconds":{state.took_seconds}'
    if state.reason is not None:
        text += f',"reason":{json.dumps(state.reason)}'
    if state.age_seconds is not None:
        text += f',"age_seconds":{state.age_seconds}'
    return f"{text}}}".encode()


def to_json(value: object) -> bytes:
    """Return compact JSON. Raises ValueError for NaN, infinities and objects without a JSON form."""
    try:
        text = _encoder.encode(value)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return text.encode(errors="replace")
