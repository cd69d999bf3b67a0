"""A sample's text for any choice of sections is what a plain JSON encoder would write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import RESERVED, Sample, SourceState
from telemetry_stream.metrics.sources import DEAR
from telemetry_stream.stream.encoded import EncodedSample, encode

HEAD = b'{"type":"sample","seq":7'
OK = SourceState("ok", 0.25)


def made(sections: dict[str, Any], sources: dict[str, SourceState] | None = None) -> Sample:
    """A sample of these sections; each has a source, and others may have one, too."""
    states = {**dict.fromkeys(sections, OK), **(sources or {})}
    return Sample("host-1", 1.0, None, None, sections, states)


def naive(sample: Sample, chosen: tuple[str, ...] | None) -> list[tuple[str, Any]]:
    """The message's keys and values in their order, as one would put them together."""

    def is_chosen(name: str) -> bool:
        return name in chosen if chosen is not None else name not in DEAR

    def state(of: SourceState) -> dict[str, Any]:
        told = {"state": of.state, "took_seconds": of.took_seconds}
        rest = {"reason": of.reason, "age_seconds": of.age_seconds}
        return {**told, **{name: value for name, value in rest.items() if value is not None}}

    sections = {name: value for name, value in sample.sections.items() if is_chosen(name)}
    sources = {name: state(of) for name, of in sample.sources.items() if is_chosen(name)}
    whole = {"type": "sample", "seq": 7, **sections, "sources": sources}
    return read(json.dumps(whole).encode())


def read(message: bytes) -> list[tuple[str, Any]]:
    """All keys with their values, in their order, at every depth: doubles show."""
    pairs: list[tuple[str, Any]] = json.loads(message, object_pairs_hook=list)
    return pairs


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.sampled_from(["cpu", "tcp", *sorted(DEAR)]) | st.text().filter(
    lambda name: name not in RESERVED
)
STATES = st.builds(
    SourceState,
    st.sampled_from(["ok", "absent", "failed", "stale", "psutil"]),
    st.floats(0, 100),
    st.none() | st.text(),
    st.none() | st.floats(0, 100),
)


@given(st.data())
def test_every_choice_is_the_naive_json(data: st.DataObject) -> None:
    """Of any sample: all, none, some, and names that it does not have; what is remembered has all but the dear."""
    sections = data.draw(st.dictionaries(NAMES, VALUES, max_size=5), "sections")
    states = {name: data.draw(STATES, "state") for name in sections}
    sample = made(sections, {**states, **data.draw(st.dictionaries(NAMES, STATES, max_size=3))})
    encoded = encode(sample)
    pool = [*sample.sources, "missing"]
    chosen = data.draw(st.none() | st.lists(st.sampled_from(pool), unique=True).map(tuple))
    assert read(encoded.message(HEAD, chosen)) == naive(sample, chosen)
    remembered = encoded.without_dear()
    assert read(remembered.message(HEAD, None)) == naive(sample, None)
    if chosen is not None:
        kept = tuple(name for name in chosen if name not in DEAR)
        assert read(remembered.message(HEAD, chosen)) == naive(sample, kept)
    assert all(encoded.has(name) for name in sample.sources)
    assert not encoded.has("missing") or "missing" in sample.sources
    assert not any(remembered.has(name) for name in DEAR)


def test_the_text_is_compact() -> None:
    """Not a byte more than there must be, and UTF-8 where JSON lets it be."""
    sample = made({"note": {"text": "größe", "of": [1, 2.5, None]}})
    assert encode(sample).message(HEAD, None) == (
        HEAD
        + ',"note":{"text":"größe","of":[1,2.5,null]}'
        ',"sources":{"note":{"state":"ok","took_seconds":0.25}}}'.encode()
    )


def test_nothing_at_all() -> None:
    """Neither sections nor sources: still a message, for every choice."""
    for encoded in (encode(made({})), EncodedSample({}, {})):
        for chosen in (None, (), ("cpu",)):
            assert encoded.message(HEAD, chosen) == HEAD + b',"sources":{}}'
        assert encoded.without_dear() is encoded


def test_sources_without_sections() -> None:
    """What is absent has a source, and no comma too many."""
    encoded = encode(made({}, {"cpu": SourceState("absent", 0.5, "no such file")}))
    text = b'{"cpu":{"state":"absent","took_seconds":0.5,"reason":"no such file"}}}'
    assert encoded.message(HEAD, None) == HEAD + b',"sources":' + text
    assert encoded.message(HEAD, ()) == HEAD + b',"sources":{}}'


def test_a_sample_of_dear_sections_only() -> None:
    """Nothing of it comes unasked or is remembered."""
    encoded = encode(made({"processes": {"total": 3}}))
    assert encoded.message(HEAD, None) == HEAD + b',"sources":{}}'
    assert read(encoded.message(HEAD, ("processes",)))[2][0] == "processes"
    remembered = encoded.without_dear()
    assert remembered.message(HEAD, ("processes",)) == HEAD + b',"sources":{}}'


def test_nothing_dear_is_nothing_to_leave_out() -> None:
    """The usual case costs no copy."""
    encoded = encode(made({"cpu": {"usage_percent": 1}}))
    assert encoded.without_dear() is encoded


@pytest.mark.parametrize("name", ['"', "\\", 'a":{},"b', "\n", "é", "\ud800", ""])
def test_names_need_not_be_words(name: str) -> None:
    """An embedding program's section may be called as it likes: it breaks no frame."""
    encoded = encode(made({name: {"n": 1}, "cpu": {"n": 2}}))
    for chosen in (None, (name,), ("cpu", name)):
        message = json.loads(encoded.message(HEAD, chosen))
        assert message[name] == {"n": 1}
        assert name in message["sources"]
    assert name not in json.loads(encoded.message(HEAD, ("cpu",)))


@pytest.mark.parametrize("section", [{"n": float("nan")}, {"n": object()}, {("a", "b"): 1}])
@pytest.mark.parametrize("name", ["mine", "processes"])
def test_a_section_that_is_no_json_is_left_out(name: str, section: object) -> None:
    """Its source says that it failed, how long it took and why; all else is whole."""
    sample = made({"cpu": {"n": 1}, name: section, "load": {"n": 2}})
    encoded = encode(sample)
    message = json.loads(encoded.message(HEAD, ("cpu", "load", name)))
    assert (message["cpu"], message["load"]) == ({"n": 1}, {"n": 2})
    assert name not in message
    assert message["sources"][name]["state"] == "failed"
    assert message["sources"][name]["took_seconds"] == 0.25
    assert message["sources"][name]["reason"].startswith("no JSON: ")
    assert sample.sources[name] is OK, "the sample itself is not changed"


def test_a_section_that_is_no_json_and_has_no_source() -> None:
    """Whoever publishes may say nothing of how it came about: the failure is told all the same."""
    sample = Sample("host-1", 1.0, None, None, {"mine": object()}, {})
    message = json.loads(encode(sample).message(HEAD, None))
    assert message["sources"]["mine"]["state"] == "failed"
    assert message["sources"]["mine"]["took_seconds"] == 0.0
