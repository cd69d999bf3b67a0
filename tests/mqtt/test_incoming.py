"""Payloads that a front end receives: what is not of this protocol is refused, and nothing grows without a limit."""

from __future__ import annotations

import functools
import json
import tracemalloc
import zlib
from typing import Any

import pytest

from telemetry_stream.fleet.remote import ForeignHostError, IncompatibleError
from telemetry_stream.mqtt import incoming
from telemetry_stream.mqtt.topics import HostTopic
from telemetry_stream.stream.received import ReceivedError
from tests.fleet.reports import message

TOPIC = HostTopic("home", "host-1", "hello")
GARBAGE = [b"", b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 5000, b'{"a":1e999}', b"x" * 20_000]


@functools.cache
def bomb() -> bytes:
    """Return 200 MB of zeros, compressed. That takes a second, so it is not done when this module is imported."""
    return zlib.compress(bytes(200_000_000), 9)


def hello(**changes: Any) -> bytes:
    """Return the payload of a hello."""
    fields = {
        "type": "hello",
        "protocol": 1,
        "host": {"id": "host-1", "name": "web1"},
        "stream": "run-1",
        "interval_seconds": 1.0,
        "site": "elsewhere",
    }
    return json.dumps(fields | changes).encode()


def flat(**changes: Any) -> str:
    """Return the payload of vitals."""
    return json.dumps(
        {"stream": "run-1", "seq": 7, "time_unix": 5.0, "cpu": 1.5, "rx": None} | changes
    )


def parts(samples: list[str], count: int, **changes: Any) -> list[bytes]:
    """Return an answer in so many parts."""
    text = zlib.compress(f'{{"type":"history","samples":[{",".join(samples)}]}}'.encode(), 1)
    size = -(-len(text) // count)
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    heads = [
        {"stream": "run-1", "part": number, "last": number == len(pieces) - 1} | changes
        for number in range(len(pieces))
    ]
    return [
        json.dumps(head).encode() + b"\n" + piece for head, piece in zip(heads, pieces, strict=True)
    ]


def test_a_hello_has_the_site_of_its_topic() -> None:
    """The broker checks who writes there. Names with markup are only text."""
    found = incoming.identity(hello(host={"id": "host-1", "name": "<b>\n"}), TOPIC)
    assert (found.host.id, found.site, found.stream) == ("host-1", "home", "run-1")
    assert "\n" not in found.host.name
    assert incoming.identity(hello(), TOPIC._replace(site="default")).site == ""


def test_a_hello_of_another_host_or_protocol() -> None:
    """A host cannot appear as another one."""
    with pytest.raises(ForeignHostError):
        incoming.identity(hello(host={"id": "host-2"}), TOPIC)
    with pytest.raises(IncompatibleError):
        incoming.identity(hello(protocol=2), TOPIC)


def test_vitals_are_flat() -> None:
    """What is not a number is unknown."""
    found = incoming.vitals(flat(memory="much", load=True), "host-1")
    assert (found.stream, found.seq, found.time_unix) == ("run-1", 7, 5.0)
    assert found.numbers[:4] == (1.5, None, None, None)


@pytest.mark.parametrize(
    "change", [{"seq": 0}, {"seq": 1.5}, {"stream": "a b"}, {"time_unix": None}, {"stream": None}]
)
def test_wrong_vitals(change: dict[str, Any]) -> None:
    """Without a number, a run or a time."""
    with pytest.raises(ReceivedError):
        incoming.vitals(flat(**change), "host-1")


def test_vitals_of_another_host() -> None:
    """They usually name none."""
    assert incoming.vitals(flat(host="host-1"), "host-1").seq == 7
    with pytest.raises(ForeignHostError):
        incoming.vitals(flat(host="host-2"), "host-1")


def test_a_sample() -> None:
    """Its texts stay as they are."""
    text = incoming.sample_text(zlib.compress(message(3).encode(), 1))
    assert incoming.sample(text, "host-1").seq == 3
    with pytest.raises(ForeignHostError):
        incoming.sample(message(3, host="host-2"), "host-1")


def test_an_answer_in_parts() -> None:
    """Any number of them, and again from the first one."""
    samples = [message(seq) for seq in range(1, 40)]
    answer = incoming.Answer(1_000_000)
    for part in parts(samples, 7)[:4]:
        assert answer.add(part, "run-1") is None
    for count in (1, 5):
        found = None
        for part in parts(samples, count):
            assert found is None
            found = answer.add(part, "run-1")
        assert found is not None
        assert [sample.seq for sample in found] == list(range(1, 40))
        assert len(answer) == 0


def test_a_missing_part() -> None:
    """The answer cannot be used."""
    answer = incoming.Answer(1_000_000)
    first, _, third, *_ = parts([message(1), message(2)], 4)
    answer.add(first, "run-1")
    with pytest.raises(ReceivedError, match="follow"):
        answer.add(third, "run-1")


@pytest.mark.parametrize("change", [{"part": -1}, {"part": True}, {"part": "0"}, {"last": 1}])
def test_a_wrong_head(change: dict[str, Any]) -> None:
    """Of a wrong type, or none."""
    with pytest.raises(ReceivedError):
        incoming.Answer(1000).add(parts([message(1)], 1, **change)[0], "run-1")


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage(garbage: bytes) -> None:
    """Compressed or not."""
    with pytest.raises((ReceivedError, IncompatibleError)):
        incoming.identity(garbage, TOPIC)
    with pytest.raises(ReceivedError):
        incoming.vitals(garbage.decode(errors="replace"), "host-1")
    for payload in (garbage, zlib.compress(garbage), zlib.compress(garbage)[:-1]):
        with pytest.raises(ReceivedError):
            incoming.sample(incoming.sample_text(payload), "host-1")
        with pytest.raises(ReceivedError):
            incoming.Answer(10_000).add(payload, "run-1")
        with pytest.raises(ReceivedError):
            incoming.Answer(10_000).add(
                b'{"stream":"run-1","part":0,"last":true}\n' + payload, "run-1"
            )


def test_a_bomb_is_not_inflated() -> None:
    """Neither as a sample nor as an answer; 200 MB would fit into one part."""
    payload = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(ReceivedError, match="too long"):
            incoming.sample_text(payload)
        with pytest.raises(ReceivedError, match="too long"):
            incoming.Answer(1_000_000).add(
                b'{"stream":"run-1","part":0,"last":true}\n' + payload, "run-1"
            )
        assert tracemalloc.get_traced_memory()[1] < 3 * incoming.MAX_SAMPLE_BYTES
    finally:
        tracemalloc.stop()


def test_an_answer_without_an_end_is_limited() -> None:
    """Its parts are kept until the last one."""
    answer = incoming.Answer(100_000)
    for number in range(10):
        answer.add(b'{"stream":"run-1","part":%d,"last":false}\n' % number + bytes(10_000), "run-1")
    with pytest.raises(ReceivedError, match="too long"):
        answer.add(b'{"stream":"run-1","part":10,"last":false}\n' + bytes(10_000), "run-1")
