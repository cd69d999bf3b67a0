"""A sample's text for any choice of sections is what a plain JSON encoder would write."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import RESERVED, Sample, SourceState, encode_section
from telemetry_stream.metrics.sources.cpu import Core
from telemetry_stream.stream.encoded import EncodedSample, encode, to_json
from tests.metrics.trees import Tree

HEAD = b'{"type":"sample","seq":7'
OK = SourceState("ok", 0.25)
ON_DEMAND = frozenset({"processes", "containers"})


def made(sections: dict[str, Any], sources: dict[str, SourceState] | None = None) -> Sample:
    """A sample of these sections. Each has a source, and there may be further sources."""
    states = {**dict.fromkeys(sections, OK), **(sources or {})}
    return Sample("host-1", 1.0, None, None, sections, states, ON_DEMAND)


def whole(encoded: EncodedSample, chosen: tuple[str, ...] | None) -> bytes:
    """Return the message as a whole."""
    return b"".join(encoded.parts(HEAD, chosen))


def naive(sample: Sample, chosen: tuple[str, ...] | None) -> list[tuple[str, Any]]:
    """The message's keys and values in order, as one would assemble them without cleverness."""

    def is_chosen(name: str) -> bool:
        return name in chosen if chosen is not None else name not in ON_DEMAND

    def state(of: SourceState) -> dict[str, Any]:
        always = {"state": of.state, "took_seconds": of.took_seconds}
        optional = {"reason": of.reason, "age_seconds": of.age_seconds}
        return {**always, **{name: value for name, value in optional.items() if value is not None}}

    sections = {name: value for name, value in sample.sections.items() if is_chosen(name)}
    sources = {name: state(of) for name, of in sample.sources.items() if is_chosen(name)}
    fields = {"type": "sample", "seq": 7, **sections, "sources": sources}
    return read(json.dumps(fields).encode())


def read(message: bytes) -> list[tuple[str, Any]]:
    """All keys with their values, in order, at every depth, so that duplicates are visible."""
    pairs: list[tuple[str, Any]] = json.loads(message, object_pairs_hook=list)
    return pairs


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.sampled_from(["cpu", "tcp", *sorted(ON_DEMAND)]) | st.text().filter(
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
    """For any sample and choice: all, none, some, and unknown names. The ring has all but the on-demand sections."""
    sections = data.draw(st.dictionaries(NAMES, VALUES, max_size=5), "sections")
    states = {name: data.draw(STATES, "state") for name in sections}
    sample = made(sections, {**states, **data.draw(st.dictionaries(NAMES, STATES, max_size=3))})
    encoded = encode(sample)
    pool = [*sample.sources, "missing"]
    chosen = data.draw(st.none() | st.lists(st.sampled_from(pool), unique=True).map(tuple))
    assert read(whole(encoded, chosen)) == naive(sample, chosen)
    remembered = encoded.without_on_demand()
    assert read(whole(remembered, None)) == naive(sample, None)
    if chosen is not None:
        kept = tuple(name for name in chosen if name not in ON_DEMAND)
        assert read(whole(remembered, chosen)) == naive(sample, kept)
    assert all(encoded.has(name) for name in sample.sources)
    assert not encoded.has("missing") or "missing" in sample.sources
    assert not any(remembered.has(name) for name in ON_DEMAND)


def test_a_collected_sample_is_the_naive_json(tmp_path: Path) -> None:
    """The same for records of the real collector."""
    tree = Tree(tmp_path)
    tree.put("proc/loadavg", "0.50 1.25 2.00 3/400 1234\n")
    tree.put("proc/uptime", "9512.31 18820.30\n")
    collected = tree.collector().collect()
    tree.close()
    message = json.loads(whole(encode(collected), None))
    assert message["load"]["avg5"] == 1.25
    for name, section in collected.sections.items():
        assert message[name] == json.loads(encode_section(section))
    assert message["sources"].keys() == collected.sources.keys()


def test_the_text_is_compact() -> None:
    """No byte more than necessary, and UTF-8 where JSON allows it."""
    sample = made({"note": {"text": "größe", "of": [1, 2.5, None]}})
    assert whole(encode(sample), None) == (
        HEAD
        + ',"note":{"text":"größe","of":[1,2.5,null]}'
        ',"sources":{"note":{"state":"ok","took_seconds":0.25}}}'.encode()
    )


def test_a_sample_without_sections_and_sources() -> None:
    """It is still a message, for every choice."""
    for encoded in (encode(made({})), EncodedSample({}, {})):
        for chosen in (None, (), ("cpu",)):
            assert whole(encoded, chosen) == HEAD + b',"sources":{}}'
        assert encoded.without_on_demand() is encoded


def test_sources_without_sections() -> None:
    """An absent section has a source, and the text has no comma too many."""
    encoded = encode(made({}, {"cpu": SourceState("absent", 0.5, "no such file")}))
    text = b'{"cpu":{"state":"absent","took_seconds":0.5,"reason":"no such file"}}}'
    assert whole(encoded, None) == HEAD + b',"sources":' + text
    assert whole(encoded, ()) == HEAD + b',"sources":{}}'


def test_a_sample_of_on_demand_sections_only() -> None:
    """A viewer that names no sections gets none of it, and it is not remembered."""
    encoded = encode(made({"processes": {"total": 3}}))
    assert whole(encoded, None) == HEAD + b',"sources":{}}'
    assert read(whole(encoded, ("processes",)))[2][0] == "processes"
    remembered = encoded.without_on_demand()
    assert whole(remembered, ("processes",)) == HEAD + b',"sources":{}}'


def test_a_sample_without_on_demand_sections_is_not_copied() -> None:
    """The usual case costs no memory for a second text."""
    encoded = encode(made({"cpu": {"usage_percent": 1}}))
    assert encoded.without_on_demand() is encoded


@pytest.mark.parametrize("name", ['"', "\\", 'a":{},"b', "\n", "é", "\ud800", ""])
def test_any_name_of_a_section_is_possible(name: str) -> None:
    """An embedding program chooses it, and it breaks no frame."""
    encoded = encode(made({name: {"n": 1}, "cpu": {"n": 2}}))
    for chosen in (None, (name,), ("cpu", name)):
        message = json.loads(whole(encoded, chosen))
        assert message[name] == {"n": 1}
        assert name in message["sources"]
    assert name not in json.loads(whole(encoded, ("cpu",)))


class Failing(dict[str, int]):
    """A mapping that is read from something that fails."""

    def items(self) -> NoReturn:
        """Fail."""
        raise LookupError


SELF_CONTAINING: list[object] = []
SELF_CONTAINING.append(SELF_CONTAINING)


@pytest.mark.parametrize(
    "section",
    [{"n": float("nan")}, {"n": object()}, {("a", "b"): 1}, SELF_CONTAINING, Failing(n=1)],
    ids=["nan", "object", "key", "contains itself", "raises"],
)
@pytest.mark.parametrize("name", ["mine", "processes"])
def test_a_section_without_json_form_is_left_out(name: str, section: object) -> None:
    """Its source has failed, with its duration and the reason; everything else is complete."""
    sample = made({"cpu": {"n": 1}, name: section, "load": {"n": 2}})
    encoded = encode(sample)
    message = json.loads(whole(encoded, ("cpu", "load", name)))
    assert (message["cpu"], message["load"]) == ({"n": 1}, {"n": 2})
    assert name not in message
    assert message["sources"][name]["state"] == "failed"
    assert message["sources"][name]["took_seconds"] == 0.25
    assert message["sources"][name]["reason"].startswith("no JSON: ")
    assert sample.sources[name] is OK, "the sample itself is not changed"


def test_the_reason_names_the_key() -> None:
    """As it does for a source of an embedding program."""
    message = json.loads(whole(encode(made({"mine": {"a": [1, float("nan")]}})), None))
    assert message["sources"]["mine"]["reason"].startswith("no JSON: mine.a[1] is nan")


def test_numbers_of_other_packages_are_encoded() -> None:
    """An origin of an embedding program may use them."""
    message = json.loads(whole(encode(made({"mine": {"a": np.float32(0.5)}})), None))
    assert message["mine"] == {"a": 0.5}
    assert message["sources"]["mine"]["state"] == "ok"


def test_a_section_without_json_form_and_without_source() -> None:
    """A publisher may give no state for it: the failure is reported anyway."""
    sample = Sample("host-1", 1.0, None, None, {"mine": object()}, {})
    message = json.loads(whole(encode(sample), None))
    assert message["sources"]["mine"]["state"] == "failed"
    assert message["sources"]["mine"]["took_seconds"] == 0.0


def brief(cpu: bytes) -> bytes:
    """Return a brief message of a section ``cpu`` with this text."""
    return b"".join(EncodedSample({"cpu": b'"cpu":' + cpu}, {}).brief_parts(b"{", None))


def test_a_brief_core_has_its_id_and_its_use() -> None:
    """Of as many cores as a large host has. The shares of all cores together are kept."""
    shares = {field.name: 0.5 for field in dataclasses.fields(Core)}
    cores = [{**shares, "id": number, "steal_percent": None} for number in range(256)]
    text = to_json({**shares, "cores": cores})
    assert json.loads(brief(text).replace(b"{,", b"{"))["cpu"] == {
        **shares,
        "cores": [{"id": number, "usage_percent": 0.5} for number in range(256)],
    }


def test_each_share_of_a_brief_core_is_read_once() -> None:
    """An attempt ends where the next one begins, however often another program repeats a share."""
    share = b',"user_percent":1'
    repeated = b'{"id":0' + share * 100_000
    assert brief(repeated + b"}") == b'{,"cpu":' + repeated.removesuffix(share) + b"}}"
    assert brief(repeated + b',"x":{}}') == b'{,"cpu":' + repeated + b',"x":{}}}'


def test_to_json_is_compact_utf_8() -> None:
    """A lone surrogate, which has no UTF-8 form, becomes a question mark."""
    assert to_json({"größe": [1, None], "x": "\ud800"}) == '{"größe":[1,null],"x":"?"}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes", {(1,): 2}])
def test_to_json_refuses_what_has_no_json_form(value: object) -> None:
    """With one kind of error."""
    with pytest.raises(ValueError):  # noqa: PT011  # the text is the json module's
        to_json({"value": value})
