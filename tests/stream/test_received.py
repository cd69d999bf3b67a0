"""Samples of another program: cut without a change of their texts, and refused if anything is not as it must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sample import Sample, SourceState, is_source_name
from telemetry_stream.stream import Resume
from telemetry_stream.stream import received as received_module
from telemetry_stream.stream.received import (
    MAX_COST,
    ReceivedError,
    cost,
    cut,
    cut_history,
    decode,
    maybe_number,
)
from tests.stream.streaming import OTHER_HOST, Viewer, add_feed, publish, streaming
from tests.stream.test_encoded import NAMES, VALUES
from tests.stream.test_feed import with_processes

ON_DEMAND = frozenset({"processes"})
PLAIN = (
    '{"type":"sample","stream":"run-1","seq":7,"host":"host-1","time_unix":1764000000.10,'
    '"uptime_seconds":100.0,"interval_seconds":1e0,"cpu":{"usage_percent":1.50},"pad":[ 1 ],'
    '"sources":{"cpu":{"state":"ok","took_seconds":0.1},"pad":{"state":"ok","took_seconds":0}}}'
)


def test_a_message_becomes_the_same_message() -> None:
    """With the numbers as they were written, for every choice of sections, under the id of the feed."""
    with streaming() as (_, stream, _):
        feed = add_feed(stream, OTHER_HOST)
        received, end = cut(PLAIN, ON_DEMAND)
        assert end == len(PLAIN)
        assert (received.stream, received.seq, received.host) == ("run-1", 7, "host-1")
        assert (received.time_unix, received.uptime_seconds) == (1764000000.1, 100.0)
        assert feed.publish_received([(received, 0.0)])
        assert not feed.publish_received([(received, 0.0)])
        own = PLAIN.replace('"host":"host-1"', '"host":"host-2"')
        assert (feed.maybe_latest() or b"").decode() == own
        assert (feed.maybe_latest(("cpu",)) or b"").decode() == own.replace(
            ',"pad":[ 1 ]', ""
        ).replace(',"pad":{"state":"ok","took_seconds":0}', "")
        assert (feed.id, feed.seq, feed.has(("cpu", "pad"))) == ("run-1", 7, True)


def test_white_space_between_values_is_accepted() -> None:
    """JSON permits it, and another encoder may write it."""
    spaced = json.dumps(json.loads(PLAIN), indent=1)
    received, _ = cut(spaced, ON_DEMAND)
    with streaming() as (_, _, feed):
        feed.publish_received([(received, 0.0)])
        assert json.loads(feed.maybe_latest() or b"") == json.loads(PLAIN)


def test_on_demand_sections_of_another_program_are_not_remembered() -> None:
    """They reach the viewers that name them, as those of this host do."""
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        feed.publish(with_processes(1))
        text = (feed.maybe_latest(("cpu", "processes")) or b"").decode()
        with Viewer(other, sections=("cpu", "processes")) as naming, Viewer(other) as plain:
            naming.message()
            plain.message()
            other.publish_received([(cut(text, ON_DEMAND)[0], 0.0)])
            # Both joined before the run was known.
            assert naming.client.end is not None
        with Viewer(other, sections=("cpu", "processes")) as naming, Viewer(other) as plain:
            naming.message()
            assert naming.message()["processes"] == {"total": 1}
            plain.message()
            assert "processes" not in plain.message()
        assert b"processes" not in b"".join(other.history(Resume(), ("processes",)))


@given(
    st.dictionaries(NAMES.filter(is_source_name), VALUES),
    VALUES,
)
def test_every_sample_of_ours_can_be_repeated(sections: dict[str, Any], value: object) -> None:
    """Whatever a program publishes, a front end makes the same message of it."""
    sections = {"own": value, **sections}
    states = dict.fromkeys(sections, SourceState("ok", 0.25, 'a "reason"'))
    with streaming() as (_, stream, feed):
        other = add_feed(stream, OTHER_HOST)
        feed.publish(Sample("host-1", 1.5, None, None, sections, states, ON_DEMAND))
        original = feed.maybe_latest() or b""
        other.publish_received([(cut(original.decode(), ON_DEMAND)[0], 0.0)])
        assert other.maybe_latest() == original.replace(b'"host":"host-1"', b'"host":"host-2"', 1)


def test_a_history_is_cut_into_its_samples() -> None:
    """Each as it is. The age of a sample decides whether a viewer that requests some seconds gets it."""
    with streaming() as (_, stream, feed):
        publish(feed, 4)
        text = b"".join(feed.history(Resume())).decode()
        samples = cut_history(text, ON_DEMAND)
        assert [sample.seq for sample in samples] == [1, 2, 3, 4]
        assert cut_history('{"type":"history","samples":[]}', ON_DEMAND) == []
        other = add_feed(stream, OTHER_HOST)
        for sample, age in zip(samples, (30.0, 20.0, 10.0, 0.0), strict=True):
            other.publish_received([(sample, age)])
        recent = json.loads(b"".join(other.history(Resume(history_seconds=15.0))))
        assert [sample["seq"] for sample in recent["samples"]] == [3, 4]


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "null",
        "[1]",
        '"text"',
        PLAIN[:-1],
        PLAIN[1:],
        PLAIN.replace("sample", "hello", 1),
        PLAIN.replace('"run-1"', "7"),
        PLAIN.replace('"run-1"', '"<b>run</b>"'),
        PLAIN.replace('"run-1"', '""'),
        PLAIN.replace('"run-1"', '"' + "x" * 65 + '"'),
        PLAIN.replace('"host-1"', '"host\\u202e1"'),
        PLAIN.replace('"seq":7', '"seq":0'),
        PLAIN.replace('"seq":7', '"seq":-7'),
        PLAIN.replace('"seq":7', '"seq":7.0'),
        PLAIN.replace('"seq":7', '"seq":true'),
        PLAIN.replace('"seq":7', '"seq":9223372036854775808'),
        PLAIN.replace('"seq":7', '"seq":' + "9" * 5000),
        PLAIN.replace("1.50", "NaN"),
        PLAIN.replace("1.50", "-Infinity"),
        PLAIN.replace("1764000000.10", "null"),
        PLAIN.replace("1764000000.10", "1e999"),
        PLAIN.replace("1764000000.10", '"now"'),
        PLAIN.replace('"pad":[', '"cpu":['),
        PLAIN.replace('"pad":[', '"pad,cpu":['),
        PLAIN.replace('"pad":[', '"\u202epad":['),
        PLAIN.replace('"pad":[', '"":['),
        PLAIN.replace('"pad":[', '"\\ud800":['),
        PLAIN.replace('"pad":[', '"' + "p" * 65 + '":['),
        PLAIN.replace('"sources":{', '"sources":[{').replace("}}}", "}}]}"),
        PLAIN.replace('"pad":{', '"p\\nd":{'),
        PLAIN.replace("[ 1 ]", "[" * 100_000 + "]" * 100_000),
        PLAIN.replace('"pad"', "".join(f'"s{n}":1,' for n in range(200)) + '"pad"'),
    ],
)
def test_anything_else_is_refused(broken: str) -> None:
    """With one kind of error, which contains nothing of what was received."""
    with pytest.raises(ReceivedError) as caught:
        cut(broken, ON_DEMAND)
    assert len(str(caught.value)) < 80


@pytest.mark.parametrize(
    "broken",
    [
        '{"type":"history","samples":[',
        '{"type":"history","samples":[]',
        '{"type":"history","samples":[]}}',
        f'{{"type":"history","samples":[{PLAIN}',
        f'{{"type":"history","samples":[{PLAIN} {PLAIN}]}}',
        '{"type":"sample"}',
    ],
)
def test_a_broken_history_is_refused(broken: str) -> None:
    """As a whole."""
    with pytest.raises(ReceivedError):
        cut_history(broken, ON_DEMAND)


def history(*samples: str) -> str:
    """Return the text of a history."""
    return f'{{"type":"history","samples":[{",".join(samples)}]}}'


EMPTY_LISTS = f"[{'[],' * 100_000}[]]"


@pytest.mark.parametrize(
    "values", [EMPTY_LISTS, EMPTY_LISTS.replace("[]", "{}"), "[0" + ",0" * 200_000 + "]"]
)
def test_a_short_text_with_too_many_values_is_not_parsed(
    values: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stop every other thread: two MiB of empty lists for a second."""
    monkeypatch.setattr(received_module, "_decoder", None)
    sample = PLAIN.replace("[ 1 ]", values)
    for function, text in ((decode, values), (lambda text: cut(text, ON_DEMAND), sample)):
        with pytest.raises(ReceivedError, match="too many values"):
            function(text)
    with pytest.raises(ReceivedError, match="too many values"):
        cut_history(history(sample, PLAIN), ON_DEMAND)


def test_a_history_may_cost_more_than_one_sample() -> None:
    """Only each of its samples is limited, and their number."""
    sample = PLAIN.replace("[ 1 ]", f"[{'[],' * 10_000}[]]")
    assert len(cut_history(history(*[sample] * 10), ON_DEMAND)) == 10
    assert 10 * cost(sample) > MAX_COST
    with pytest.raises(ReceivedError, match="too many samples"):
        cut_history(history(PLAIN, PLAIN, PLAIN), ON_DEMAND, 2)


def test_a_sample_of_a_large_host_is_cheap_enough() -> None:
    """256 cores, 200 disks and 2000 processes."""
    frames = Path(__file__).parent.parent / "fixtures/frames"
    sample = json.loads((frames / "sample.json").read_text())
    processes = json.loads((frames / "sample-processes.json").read_text())["processes"]
    sample["cpu"]["cores"] = (sample["cpu"]["cores"] * 256)[:256]
    sample["disks"] = (sample["disks"] * 200)[:200]
    sample["processes"] = processes | {"top": (processes["top"] * 2000)[:2000]}
    assert cost(json.dumps(sample)) < MAX_COST / 2
    assert cut(json.dumps(sample), ON_DEMAND)[0].seq == sample["seq"]


def test_decoding_refuses_what_json_has_not() -> None:
    """Numbers that are not finite, and depth that would end the thread."""
    assert decode('{"a":[1,null]}') == {"a": [1, None]}
    for broken in ("", "NaN", "[" * 100_000, '{"a":Infinity}', "1 2"):
        with pytest.raises(ReceivedError):
            decode(broken)


@pytest.mark.parametrize("value", [None, "1", True, [], float("inf"), float("nan"), 10**400])
def test_only_a_finite_number_is_a_number(value: object) -> None:
    """Anything else is unknown."""
    assert maybe_number(value) is None
    assert maybe_number(3) == 3.0
