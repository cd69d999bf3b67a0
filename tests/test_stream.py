"""The stream with a real hub and viewers in memory, each with its write pump: no socket, no WebSocket."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from types import SimpleNamespace, UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream import encoded as encoded_module
from telemetry_stream import stream as stream_module
from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub, write_pump
from telemetry_stream.metrics.sample import (
    RESERVED,
    Sample,
    SourceState,
    decode_sample,
    encode_section,
)
from telemetry_stream.metrics.sources import RECORDS
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.stream import PIECE_BYTES, Choice, Framing, Resume, Stream
from tests.metrics.trees import Tree
from tests.server.service import HOST, sample

END = b"\n"


def _message(text: bytes) -> bytes:
    return text + END


def _pieces(texts: Iterable[bytes]) -> Iterator[bytes]:
    yield from texts
    yield END


LINES = Framing(_message, _pieces)


class Viewer:
    """Joins the stream, and has a queue that loses nothing. ``frames`` are as they went out."""

    def __init__(
        self,
        stream: Stream,
        resume: Resume | None = None,
        *,
        sections: tuple[str, ...] | None = None,
        every: int = 1,
        user: str | None = None,
    ) -> None:
        self._came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._hub = stream._hub
        self.frames: list[bytes] = []
        self.client = Client(
            self._take, topic=Choice(LINES, sections, every), name="viewer", queue_frames=10_000
        )
        self._pump = threads.start(
            "ts-viewer", write_pump, self.client, lambda data, _: self._take(data)
        )
        self.let_in = stream.join(self.client, resume, user)

    def _take(self, data: bytes) -> int:
        if data:
            self._came.put(data)
        return len(data)

    def message(self) -> dict[str, Any]:
        """The next message, which must come; joined from its pieces."""
        text = b""
        while not text.endswith(END):
            self.frames.append(self._came.get(timeout=10))
            text += self.frames[-1]
        message: dict[str, Any] = json.loads(text)
        return message

    def seqs_to(self, last: int) -> list[int]:
        """The numbers of all samples, history's or live, up to the ``last``."""
        seqs: list[int] = []
        while not seqs or seqs[-1] < last:
            message = self.message()
            if message["type"] == "history":
                seqs += [sample["seq"] for sample in message["samples"]]
            elif message["type"] == "sample":
                seqs.append(message["seq"])
        return seqs

    def is_quiet(self) -> bool:
        """Whether nothing waits to be seen."""
        return self._came.empty()

    def leave(self) -> None:
        self.client.close(End.GONE)
        self._hub.unregister(self.client)
        self._pump.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class DawdlingHub(Hub):
    """Gives every other thread its chance just where numbering, remembering, broadcasting and joining meet."""

    def register(self, client: Client) -> bool:
        _let_others_run()
        let_in = super().register(client)
        _let_others_run()
        return let_in

    def topics(self) -> tuple[Hashable, ...]:
        _let_others_run()
        return super().topics()


def _let_others_run() -> None:
    threading.Event().wait(0.0005)


@contextmanager
def streaming(history_seconds: float = 600.0, *, hub_class: type[Hub] = Hub) -> Iterator[Stream]:
    """A stream of its own hub, which fans out all that waits before it closes."""
    hub = hub_class()
    try:
        yield Stream(
            hub,
            host=HOST,
            version="1.2.3",
            interval_seconds=0.5,
            history_seconds=history_seconds,
        )
    finally:
        hub.close()


def publish(stream: Stream, count: int = 1) -> None:
    """Publish so many samples."""
    for _ in range(count):
        stream.publish(sample(stream.seq + 1))


def remembered(stream: Stream, resume: Resume = Resume()) -> list[int]:  # noqa: B008  # immutable
    """The numbers of the samples that ``history`` tells."""
    message = json.loads(b"".join(stream.history(resume)))
    assert message["type"] == "history"
    return [sample["seq"] for sample in message["samples"]]


# What a viewer is told, in its order.


def test_hello_comes_first() -> None:
    """Before the first sample its seq is 0; it holds who serves, and what was chosen."""
    with streaming() as stream, Viewer(stream, sections=("cpu",), every=3) as viewer:
        assert viewer.message() == {
            "type": "hello",
            "protocol": 1,
            "version": "1.2.3",
            "host": {
                "id": "host-1",
                "name": "box",
                "kernel": "Linux 6.1.0",
                "cpu_model": None,
                "cores": 2,
                "os": None,
            },
            "stream": stream.id,
            "interval_seconds": 0.5,
            "seq": 0,
            "every": 3,
            "sections": ["cpu"],
            "user": None,
        }


def test_hello_names_who_was_let_in() -> None:
    """Each viewer its own user, of the same choice too."""
    with (
        streaming() as stream,
        Viewer(stream, user="kitchen") as kitchen,
        Viewer(stream, user="office") as office,
    ):
        assert [viewer.message()["user"] for viewer in (kitchen, office)] == ["kitchen", "office"]


def test_samples_count_from_one_without_holes() -> None:
    """In the order of publishing."""
    with streaming() as stream, Viewer(stream) as viewer:
        assert [stream.publish(sample(n)) for n in range(1, 6)] == [1, 2, 3, 4, 5]
        assert viewer.message()["type"] == "hello"
        messages = [viewer.message() for _ in range(5)]
        assert [m["seq"] for m in messages] == [1, 2, 3, 4, 5]
        assert {(m["type"], m["stream"], m["host"]) for m in messages} == {
            ("sample", stream.id, "host-1")
        }


def test_newest_sample_comes_at_once() -> None:
    """A viewer that asks for no history need not wait for the next tick."""
    with streaming() as stream:
        publish(stream, 3)
        with Viewer(stream) as viewer:
            assert viewer.message()["seq"] == 3
            assert (newest := viewer.message())["type"] == "sample"
            assert newest["seq"] == 3
            assert newest["cpu"] == {"usage_percent": 3.0}
            publish(stream)
            assert viewer.message()["seq"] == 4


def test_history_comes_before_live() -> None:
    """Once, as the second message."""
    with streaming() as stream:
        publish(stream, 3)
        with Viewer(stream, Resume()) as viewer:
            assert viewer.message()["seq"] == 3
            history = viewer.message()
            assert [s["seq"] for s in history["samples"]] == [1, 2, 3]
            assert {s["type"] for s in history["samples"]} == {"sample"}
            publish(stream)
            assert viewer.message()["seq"] == 4


def test_history_may_be_empty() -> None:
    """It comes nevertheless: the viewer need not guess."""
    with streaming() as stream, Viewer(stream, Resume()) as viewer:
        assert viewer.message()["type"] == "hello"
        assert viewer.message() == {"type": "history", "samples": []}


def test_every_and_sections() -> None:
    """Each third sample, with the one section and its source; its history too."""
    with streaming() as stream:
        publish(stream, 7)
        with Viewer(stream, Resume(), sections=("pad",), every=3) as viewer:
            publish(stream, 3)
            assert viewer.seqs_to(9) == [3, 6, 9]
        with Viewer(stream, sections=("cpu", "nothing")) as viewer:
            assert viewer.message()["sections"] == ["cpu", "nothing"]
            newest = viewer.message()
            assert newest["cpu"] == {"usage_percent": 10.0}
            assert newest["sources"] == {"cpu": {"state": "ok", "took_seconds": 1e-05}}
            assert "pad" not in newest


def test_no_section_at_all() -> None:
    """Still a sample: it tells that the host lives."""
    with streaming() as stream:
        publish(stream)
        assert json.loads(stream.maybe_latest(("nothing",)) or b"")["sources"] == {}


# What is remembered.


def test_since_resumes_after_a_break() -> None:
    """All after that sample, of this run; all there is, of another."""
    with streaming() as stream:
        publish(stream, 5)
        assert remembered(stream, Resume(since=3, stream=stream.id)) == [4, 5]
        assert remembered(stream, Resume(since=3)) == [4, 5]
        assert remembered(stream, Resume(since=5, stream=stream.id)) == []
        assert remembered(stream, Resume(since=99, stream=stream.id)) == []
        assert remembered(stream, Resume(since=3, stream="of another run")) == [1, 2, 3, 4, 5]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that the stream reads, for the age of samples."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(stream_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_ring_is_trimmed_by_time(clock: SimpleNamespace) -> None:
    """However many samples that is."""
    with streaming(history_seconds=10) as stream:
        for _ in range(30):
            publish(stream)
            clock.now += 1
        assert remembered(stream) == list(range(20, 31))
        clock.now += 1000
        publish(stream)
        assert remembered(stream) == [31]
        assert stream.seq == 31


def test_history_of_the_last_seconds(clock: SimpleNamespace) -> None:
    """Counted from the newest sample."""
    with streaming() as stream:
        for _ in range(10):
            publish(stream)
            clock.now += 1
        assert remembered(stream, Resume(3.0)) == [8, 9, 10]
        assert remembered(stream, Resume(3.0, since=9)) == [10]
        assert remembered(stream, Resume(3.0, since=2)) == [8, 9, 10]
        assert remembered(stream, Resume(0.0)) == []
        assert remembered(stream, Resume(1e9)) == list(range(1, 11))


def test_long_history_comes_in_pieces() -> None:
    """None much longer than a piece, and together they are the message."""
    with streaming() as stream:
        for n in range(1, 101):
            stream.publish(sample(n, pad=10_000))
        with Viewer(stream, Resume()) as viewer:
            assert viewer.seqs_to(100) == list(range(1, 101))
            pieces = viewer.frames[1:-1]
            assert len(pieces) > 10
            assert all(len(piece) >= PIECE_BYTES for piece in pieces[:-1])
            assert max(map(len, pieces)) < PIECE_BYTES + 11_000


def test_history_is_made_as_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer that takes one piece has cost one piece."""
    with streaming() as stream:
        for n in range(1, 101):
            stream.publish(sample(n, pad=10_000))
        calls = count_calls(monkeypatch)
        next(stream.history(Resume()))
        assert calls["text"] == 7


# Joining in the middle of it.


@pytest.mark.parametrize(
    "resume",
    [
        pytest.param(lambda stream: Resume(), id="history"),
        pytest.param(lambda stream: None, id="newest"),
        pytest.param(lambda stream: Resume(since=stream.seq // 2, stream=stream.id), id="since"),
    ],
)
@pytest.mark.parametrize(("hub_class", "rounds"), [(Hub, 20), (DawdlingHub, 1)])
def test_history_and_live_meet(
    hub_class: type[Hub], rounds: int, resume: Callable[[Stream], Resume | None]
) -> None:
    """Five viewers at a time join again and again while 200 samples are published at full speed: no hole, no double."""
    last = 200
    errors: list[BaseException] = []
    begins: list[int] = []
    together = threading.Barrier(6, timeout=10)

    def join_again_and_again() -> None:
        together.wait()
        while stream.seq < last:
            wanted = resume(stream)
            with Viewer(stream, wanted) as viewer:
                newest = viewer.message()["seq"]
                until = min(newest + 10, last)
                first = max(newest, 1) if wanted is None else wanted.since + 1
                assert viewer.seqs_to(until) == list(range(first, until + 1))
                begins.append(newest)

    for _ in range(rounds):
        with streaming(hub_class=hub_class) as stream:
            joiners = [
                threads.start("ts-joiner", join_again_and_again, on_crash=errors.append)
                for _ in range(5)
            ]
            together.wait()
            publish(stream, last)
            for joiner in joiners:
                joiner.join(30)
            assert stream._hub.stats().clients == 0
    assert not errors
    assert len(begins) >= 20


def test_hello_is_owed_before_the_hub_knows_the_client() -> None:
    """So that even a frame that is offered at once comes after it."""

    class EagerHub(Hub):
        def register(self, client: Client) -> bool:
            let_in = super().register(client)
            assert client.offer(b'{"type":"eager"}\n')
            return let_in

    with streaming(hub_class=EagerHub) as stream, Viewer(stream, Resume()) as viewer:
        assert [viewer.message()["type"] for _ in range(3)] == ["hello", "history", "eager"]


def test_join_of_a_closed_hub() -> None:
    """Is refused, with the client ended."""
    with streaming() as stream:
        stream._hub.close()
        with Viewer(stream) as viewer:
            assert not viewer.let_in
            assert viewer.client.end is End.GOING_AWAY


def test_join_needs_a_choice() -> None:
    """A client of another topic would get nothing, and never know."""
    with streaming() as stream, pytest.raises(TypeError, match="not a Choice"):
        stream.join(Client(len, topic="all"), None)


# Encoded once.


def count_calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often a section is encoded, and a message joined from sections."""
    calls = {"section": 0, "text": 0}
    text = stream_module._Entry.text

    def counted_section(record: object) -> str:
        calls["section"] += 1
        return encode_section(record)

    def counted_text(entry: Any, chosen: tuple[str, ...] | None) -> bytes:
        calls["text"] += 1
        return text(entry, chosen)

    monkeypatch.setattr(encoded_module, "encode_section", counted_section)
    monkeypatch.setattr(stream_module._Entry, "text", counted_text)
    return calls


def test_each_choice_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many viewers made it, and whatever their ``every``; sections once for all."""
    with streaming() as stream:
        viewers = [Viewer(stream) for _ in range(5)]
        viewers += [Viewer(stream, sections=("cpu",)) for _ in range(5)]
        viewers += [Viewer(stream, every=2), Viewer(stream, sections=("cpu",), every=5)]
        calls = count_calls(monkeypatch)
        publish(stream, 10)
        assert calls == {"section": 20, "text": 20}
        for viewer in viewers[:10]:
            assert viewer.seqs_to(10) == list(range(1, 11))
        first, second = viewers[:2]
        assert all(a is b for a, b in zip(first.frames[1:], second.frames[1:], strict=True))
        for viewer in viewers:
            viewer.leave()


def test_newest_is_the_sample_that_was_published() -> None:
    """The very object, for those who need no text; None before the first."""
    with streaming() as stream:
        assert stream.maybe_newest() is None
        for number in (1, 2):
            published = sample(number)
            stream.publish(published)
            assert stream.maybe_newest() is published


def test_waiting_for_a_newer_sample_with_all_sections() -> None:
    """One that was taken without them does not do, nor does one that is there already."""
    with streaming() as stream:
        publish(stream, 2)
        assert not stream.wait_newer(2, (), 0.0)
        assert not stream.wait_newer(0, ("processes",), 0.0)
        assert stream.wait_newer(1, ("cpu", "pad"), 0.0)
        waiter = threading.Thread(target=stream.wait_newer, args=(2, ("cpu",), 10))
        waiter.start()
        publish(stream)
        waiter.join(10)
        assert not waiter.is_alive()


def test_nobody_watching_joins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring fills with sections; a message is not made for nobody."""
    with streaming() as stream:
        calls = count_calls(monkeypatch)
        publish(stream, 10)
        assert calls == {"section": 20, "text": 0}


# An embedding program's own.


def test_own_broadcast_reaches_everybody() -> None:
    """Whatever they chose; it has no number and is not remembered."""
    with (
        streaming() as stream,
        Viewer(stream) as one,
        Viewer(stream, sections=("cpu",), every=7) as other,
    ):
        stream.broadcast("deploy", what="1.2 → 1.3", at={"t": [1, None]})
        for viewer in (one, other):
            assert viewer.message()["type"] == "hello"
            assert viewer.message() == {
                "type": "deploy",
                "what": "1.2 → 1.3",
                "at": {"t": [1, None]},
            }
        assert stream.seq == 0
        assert remembered(stream) == []


@pytest.mark.parametrize(
    ("type_", "own_fields"),
    [
        ("hello", {}),
        ("history", {}),
        ("sample", {}),
        ("deploy", {"type": "hello"}),
        ("deploy", {"value": float("nan")}),
        ("deploy", {"value": object()}),
        ("deploy", {"value": b"bytes"}),
    ],
)
def test_own_broadcast_that_is_refused(type_: str, own_fields: dict[str, Any]) -> None:
    """The stream's own types, and what is no JSON: the caller's error, and nobody hears of it."""
    with streaming() as stream, Viewer(stream) as viewer:
        with pytest.raises((ValueError, TypeError)):
            stream.broadcast(type_, **own_fields)
        stream.broadcast("after")
        assert viewer.message()["type"] == "hello"
        assert viewer.message() == {"type": "after"}


def _endless() -> dict[str, object]:
    own: dict[str, object] = {}
    own["self"] = own
    return own


@pytest.mark.parametrize(
    "section",
    [
        pytest.param({"value": float("nan")}, id="nan"),
        pytest.param(Load(float("inf"), 1.0, 1.0, 0.5, 1, 2, 3, 4), id="infinite record"),
        pytest.param({"value": b"bytes"}, id="bytes"),
        pytest.param({(1, 2): 3}, id="key"),
        pytest.param(object(), id="object"),
        pytest.param(_endless(), id="holds itself"),
    ],
)
def test_section_that_is_no_json_costs_only_itself(section: object) -> None:
    """It is left out, and its source has failed; the others and the stream go on."""
    good = sample(1)
    bad = Sample(
        good.host,
        good.time_unix,
        good.uptime_seconds,
        good.interval_seconds,
        {"own": section, **good.sections},
        {"own": SourceState("ok", 0.25), **good.sources},
    )
    with streaming() as stream:
        stream.publish(bad)
        publish(stream)
        latest = json.loads(b"".join(stream.history(Resume())))["samples"][0]
        assert "own" not in latest
        assert latest["cpu"] == {"usage_percent": 1.0}
        own = latest["sources"].pop("own")
        assert (own["state"], own["took_seconds"]) == ("failed", 0.25)
        assert own["reason"].startswith("no JSON: ")
        assert set(latest["sources"]) == {"cpu", "pad"}
        assert stream.seq == 2


# There and back.

numbers = st.floats(allow_nan=False, allow_infinity=False)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a record's annotation."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(
            kind, **{field.name: of(hints[field.name]) for field in fields(kind) if field.init}
        )
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*map(of, arguments))
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    if kind is float:
        return numbers
    return plain_json if kind is object else st.from_type(kind)


states = st.builds(
    SourceState,
    state=st.sampled_from(["ok", "absent", "failed", "stale", "psutil"]),
    took_seconds=st.floats(0, 100),
    reason=st.none() | st.text(),
    age_seconds=st.none() | st.floats(0, 1e6),
)
custom_names = st.text().filter(lambda name: name not in RESERVED and name not in RECORDS)
samples = st.builds(
    Sample,
    host=st.text(),
    time_unix=numbers,
    uptime_seconds=st.none() | numbers,
    interval_seconds=st.none() | numbers,
    sections=st.builds(
        lambda known, custom: {**known, **custom},
        st.fixed_dictionaries({}, optional={name: of(kind) for name, kind in RECORDS.items()}),
        st.dictionaries(
            custom_names, st.dictionaries(st.text(), plain_json, max_size=3), max_size=2
        ),
    ),
    sources=st.dictionaries(st.text(), states, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(made=samples)
def test_round_trip_is_exact(made: Sample) -> None:
    """What the wire says is the sample, to the last bit and any name."""
    with streaming() as stream:
        stream.publish(made)
        text = stream.maybe_latest()
        assert text is not None
        assert decode_sample(text) == made
        assert b"\n" not in text


def test_round_trip_of_a_collected_sample(tmp_path: Any) -> None:
    """The real collector's, of a small host."""
    tree = Tree(tmp_path)
    tree.put("proc/loadavg", "0.50 1.25 2.00 3/400 1234\n")
    tree.put("proc/uptime", "9512.31 18820.30\n")
    collected = tree.collector().collect()
    tree.close()
    with streaming() as stream:
        stream.publish(collected)
        assert "load" in collected.sections
        assert decode_sample(stream.maybe_latest() or b"") == collected
