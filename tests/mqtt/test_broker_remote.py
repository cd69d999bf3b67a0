"""One host of a broker: leases, requests and answers, by a clock that the test moves. (With a broker: test_watcher.)"""

from __future__ import annotations

import itertools
import json
import math
import zlib
from typing import Any

import pytest

from telemetry_stream.fleet.remote import Want
from telemetry_stream.mqtt import incoming
from telemetry_stream.mqtt.broker_link import BrokerLink
from telemetry_stream.mqtt.broker_remote import (
    ANSWER_SECONDS,
    ASK_SECONDS,
    REFUSED_SECONDS,
    RENEW_SECONDS,
    BrokerRemote,
    Request,
)
from telemetry_stream.mqtt.messages import HostState
from telemetry_stream.mqtt.topics import HostTopic, Topics
from telemetry_stream.stream import HistoryLimits
from tests.fleet.reports import RecordingReport, message
from tests.fleet.test_alerts import ALERT
from tests.mqtt.test_incoming import GARBAGE, flat, hello, parts
from tests.stream.streaming import Clock

TOPICS = Topics("ts", "home", "host-1")
WANT = Want(frozenset(), 0, "run-1")


class FakeBroker:
    """Records what is published and subscribed. ``takes``: whether it reads."""

    def __init__(self) -> None:
        self.takes = True
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.topics: list[str] = []

    def publish(self, topic: str, payload: bytes) -> bool:
        if self.takes:
            self.published.append((topic.rpartition("/")[2], json.loads(payload)))
        return self.takes

    def subscribe(self, topics: list[str]) -> None:
        self.topics += topics

    def unsubscribe(self, topics: list[str]) -> None:
        self.topics = [topic for topic in self.topics if topic not in topics]

    def taken(self, name: str) -> list[dict[str, Any]]:
        """Return and forget what was published on this topic."""
        found = [payload for topic, payload in self.published if topic == name]
        self.published = [one for one in self.published if one[0] != name]
        return found


class Bench:
    """A remote with its report, clock and broker. Our link has worked for 20 s."""

    def __init__(self, *, may_read: bool = True) -> None:
        self.clock = Clock()
        self.report = RecordingReport(may_read=may_read)
        self.broker = FakeBroker()
        self.requests: list[Request] = []
        self.link = BrokerLink(self.clock)
        self.link.note_connected()
        for _ in range(20):
            self.clock.now += 1
            self.link.note_received(self.clock.now)
        self.remote = BrokerRemote(
            TOPICS,
            "f1",
            self.link,
            lambda _, request: self.requests.append(request),
            HistoryLimits(600.0, 1_000_000),
            monotonic=self.clock,
        )
        self.remote.start(self.report)
        self.hello()

    def hello(self, stream: str = "run-1", *, is_retained: bool = False) -> None:
        payload = hello(stream=stream)
        found = incoming.identity(payload, HostTopic("home", "host-1", "hello"))
        self.remote.note_hello(payload, found, is_retained=is_retained)

    def serve(self, seconds: float = 0.0) -> float:
        """Move the clock, and serve; return in how many seconds to serve again."""
        self.clock.now += seconds
        return self.remote.serve(self.broker) - self.clock.now

    def answer(self, *seqs: int, stream: str = "run-1") -> None:
        for part in parts([message(seq, stream) for seq in seqs], 1, stream=stream):
            assert self.remote.note_live("to/f1", part)

    def sample(self, seq: int, stream: str = "run-1", host: str = "host-1") -> bool:
        payload = zlib.compress(message(seq, stream, host).encode(), 1)
        return self.remote.note_live("sample", payload)

    def asked(self) -> list[int]:
        return [ask["since"] for ask in self.broker.taken("ask")]


def watched() -> Bench:
    """Return a bench whose host is watched and has answered with the samples 1 to 3."""
    here = Bench()
    here.remote.set_want(here.broker, WANT)
    here.serve()
    here.answer(1, 2, 3)
    return here


def test_other_threads_only_leave_requests() -> None:
    """Their locks are held meanwhile."""
    here = Bench()
    here.remote.watch(WANT)
    here.remote.unwatch()
    here.remote.close()
    here.remote.join(0.0)
    assert here.requests == [WANT, "unwatch", "close"]
    assert not here.broker.published


def test_a_watched_host_has_a_lease_and_a_request() -> None:
    """The lease is renewed until the last viewer has left."""
    here = Bench()
    assert here.serve() == math.inf
    here.remote.set_want(here.broker, WANT)
    here.serve()
    assert here.broker.topics == ["ts/1/home/host-1/sample", "ts/1/home/host-1/to/f1"]
    assert here.broker.taken("want") == [{"front": "f1", "sections": [], "seconds": 30.0}]
    ask = {"front": "f1", "stream": "run-1", "since": 0, "seconds": 600.0}
    assert here.broker.taken("ask") == [ask]
    here.answer(1, 2)
    assert here.report.answers == [([1, 2], True)]
    assert here.serve(1.0) == RENEW_SECONDS - 1.0
    here.serve(RENEW_SECONDS - 1.0)
    assert len(here.broker.taken("want")) == 1
    here.remote.set_want(here.broker, None)
    assert here.broker.taken("want") == [{"front": "f1", "sections": [], "seconds": 0}]
    assert not here.broker.topics
    assert here.serve(60.0) == math.inf
    assert here.sample(3)
    assert here.report.seqs == [1, 2]


def test_other_sections_are_leased_at_once() -> None:
    """And the next sample has them."""
    here = watched()
    here.broker.published.clear()
    here.remote.set_want(here.broker, WANT._replace(sections=frozenset({"processes"}), since=3))
    here.serve()
    assert here.broker.taken("want")[0]["sections"] == ["processes"]


def test_a_lost_request_is_repeated_later_each_time() -> None:
    """And never more often than agents accept it. Parts show that it was not lost."""
    here = Bench()
    here.remote.set_want(here.broker, WANT)
    times = []
    for _ in range(500):
        here.serve(0.1)
        if here.asked():
            times.append(here.clock.now)
    pauses = [round(b - a) for a, b in itertools.pairwise(times)]
    assert pauses == [2, 4, 8, 16, 16]
    here = Bench()
    here.remote.set_want(here.broker, WANT)
    here.serve()
    for part in parts([message(seq) for seq in range(1, 200)], 10)[:-1]:
        here.remote.note_live("to/f1", part)
        here.serve(ANSWER_SECONDS[0] * 0.9)
    assert here.asked() == [0]


def test_an_endless_answer_ends() -> None:
    """The host is asked again after 45 s, although parts arrive."""
    here = Bench()
    here.remote.set_want(here.broker, WANT)
    here.serve()
    here.asked()
    for number in range(60):
        here.remote.note_live("to/f1", b'{"stream":"run-1","part":%d,"last":false}\nx' % number)
        here.serve(1.0)
    assert here.asked()


def test_a_gap_is_requested_when_the_agent_accepts_it() -> None:
    """One request per second, by the agent's clock."""
    here = watched()
    assert here.asked() == [0]
    here.remote.set_want(here.broker, WANT._replace(since=5))
    assert here.serve() == pytest.approx(ASK_SECONDS)
    assert here.asked() == []
    here.serve(ASK_SECONDS)
    assert here.asked() == [5]
    here.remote.set_want(here.broker, WANT._replace(since=6))
    here.serve(ASK_SECONDS)
    assert here.asked() == []  # one is on its way, whose answer has all samples


def test_after_a_break_only_what_is_missing_is_requested() -> None:
    """Samples that follow each other count; after a gap, the last one before it."""
    here = watched()
    here.sample(4)
    here.sample(5)
    here.sample(8)
    here.broker = FakeBroker()
    here.remote.begin(here.broker)
    here.serve(ASK_SECONDS)
    assert len(here.broker.topics) == 2
    assert len(here.broker.taken("want")) == 1
    assert here.asked() == [5]


@pytest.mark.parametrize("stream", ["run-1", "run-2"])
def test_a_host_that_connects_again_gets_its_lease_again(stream: str) -> None:
    """Its agent has forgotten it. The samples of another run count only after its hello."""
    here = watched()
    here.serve(2.0)
    here.broker.published.clear()
    assert here.sample(1, "run-2") is False
    here.hello(stream)
    here.serve()
    assert len(here.broker.taken("want")) == 1
    assert here.asked() == [3]
    assert here.sample(1, "run-2") is (stream == "run-2")


def test_the_answer_of_a_run_that_has_ended_is_no_answer() -> None:
    """It may arrive after the hello of the next run. The request to that one stays due."""
    here = watched()
    here.remote.set_want(here.broker, WANT._replace(since=3))
    here.serve(2.0)
    here.hello("run-2")
    here.answer(4, 5, stream="run-1")
    assert here.report.answers == [([1, 2, 3], True)]
    here.broker.published.clear()
    here.serve(2.0)
    assert here.asked() == [3]
    here.answer(1, 2, stream="run-2")
    assert here.report.answers[1:] == [([1, 2], True)]
    assert here.report.drops == []


def test_who_wants_more_than_was_asked_is_not_answered_by_that_request() -> None:
    """A mirror that begins again wants everything, and the answer to its predecessor may be on its way."""
    here = watched()
    here.remote.set_want(here.broker, WANT._replace(since=3))
    here.serve(2.0)
    assert here.asked() == [0, 3]
    here.remote.set_want(here.broker, WANT)
    here.serve(ASK_SECONDS)
    assert here.asked() == [0]


def test_a_known_retained_hello_is_nothing_new() -> None:
    """It comes with each subscription."""
    here = watched()
    here.hello(is_retained=True)
    assert len(here.report.identities) == 1
    here.hello()
    assert len(here.report.identities) == 2


def test_a_will_counts_only_while_our_link_is_trusted() -> None:
    """The word of the agent counts always. Another run is not meant."""
    here = Bench()
    here.remote.note_state(HostState("lost", "run-0"))
    here.remote.note_state(HostState("live", "run-1"))
    assert here.report.ends == []
    here.remote.note_state(HostState("lost", "run-1"))
    assert here.report.ends == [("lost", "run-1")]
    here.link.note_connected()
    here.remote.note_state(HostState("lost", "run-1"))
    assert len(here.report.ends) == 1
    here.remote.note_state(HostState("gone", "run-1"))
    assert here.report.ends[1:] == [("gone", "run-1")]


def test_a_state_that_comes_before_its_hello() -> None:
    """Retained messages have no order."""
    here = Bench()
    here.remote.note_state(HostState("gone", "run-2"))
    assert here.report.ends == []
    here.hello("run-2", is_retained=True)
    assert here.report.ends == [("gone", "run-2")]
    here.hello("run-2")  # here it is
    assert len(here.report.ends) == 1


def test_vitals_are_passed_on_and_parsed_later() -> None:
    """What is too long is not kept."""
    here = Bench()
    here.remote.note_vitals(flat().encode())
    here.remote.note_vitals(b"\xff" + flat().encode())
    here.remote.note_vitals(flat(pad="x" * 5000).encode())
    assert [found.seq for found in here.report.all_vitals] == [7]
    assert here.report.drops == ["invalid", "invalid"]


def test_alerts_belong_to_a_run() -> None:
    """Those that come before the hello of their run are kept until then; those of a former run are ignored."""
    here = Bench()

    def note(stream: str, text: str) -> None:
        state = {"stream": stream, "time_unix": 7, "alerts": [{**ALERT, "text": text}]}
        here.remote.note_alerts(json.dumps(state).encode())

    def known() -> list[str]:
        return [
            alert["text"] for one in here.report.all_alerts for alert in one.firing_alerts or ()
        ]

    note("run-0", "former")
    note("run-1", "first")
    note("run-2", "second")
    assert known() == ["first"]
    here.hello("run-2")
    assert known() == ["first", "second"]
    here.hello("run-2")
    assert known() == ["first", "second", "second"]  # with each hello, because it has none
    assert here.report.drops == []


@pytest.mark.parametrize(
    "payload",
    [*GARBAGE, b'{"stream":"run-1","alerts":[3]}', b" " * (incoming.MAX_ALERTS_BYTES + 1)],
)
def test_hostile_alerts_are_dropped(payload: bytes) -> None:
    """They are too long or have a wrong form. Nothing else happens."""
    here = Bench()
    here.remote.note_alerts(payload)
    assert here.report.drops == (["invalid"] if payload else [])
    assert here.report.all_alerts == []


def test_a_host_that_must_not_be_read_is_tried_again_later() -> None:
    """It is watched directly, too. That may end."""
    here = Bench(may_read=False)
    here.remote.note_vitals(flat().encode())
    assert not here.report.all_vitals
    here.report.may_read = True
    here.remote.note_vitals(flat().encode())
    assert not here.report.all_vitals
    here.clock.now += REFUSED_SECONDS
    here.remote.note_vitals(flat().encode())
    assert len(here.report.all_vitals) == 1


def test_a_host_that_was_not_read_is_identified_with_the_next_vitals() -> None:
    """If that is requested: its direct connection does not answer any more."""
    here = Bench(may_read=False)
    here.report.may_read = True
    here.remote.identify_again()
    identities = len(here.report.identities)
    for _ in range(2):
        here.remote.note_vitals(flat().encode())
    assert len(here.report.all_vitals) == 2
    assert len(here.report.identities) == identities + 1


def test_samples_of_another_host_are_dropped() -> None:
    """Also within a history."""
    here = watched()
    here.sample(4, host="host-2")
    assert here.report.drops == ["foreign host"]
    here.remote.set_want(here.broker, WANT._replace(since=3))
    here.serve(ASK_SECONDS)
    for part in parts([message(4), message(5, host="host-2")], 1):
        here.remote.note_live("to/f1", part)
    assert here.report.drops == ["foreign host"] * 2
    assert here.report.answers[-1] == ([4], True)


def test_a_broken_answer_is_dropped_and_requested_again() -> None:
    """Parts that nobody has requested are ignored."""
    here = watched()
    here.remote.note_live("to/f1", b"garbage")
    assert here.report.drops == []
    here.remote.set_want(here.broker, WANT._replace(since=3))
    here.serve(ASK_SECONDS)
    here.asked()
    here.remote.note_live("to/f1", b"garbage")
    assert here.report.drops == ["invalid"]
    here.serve(ANSWER_SECONDS[0])
    assert here.asked() == [3]


def hostile_answer() -> bytes:
    """Return an answer in one part that takes long to parse, and is refused in the end."""
    samples = [message(seq, pad=[[]] * 10_000) for seq in range(1, 25)]
    (part,) = parts([*samples, '{"type":"sample","stream":X}'], 1)
    return part


def test_a_refused_answer_is_the_last_until_the_next_request() -> None:
    """So an answer costs nothing that nobody has requested. And the request waits until its cost is paid."""
    here = watched()
    here.serve(60.0)
    here.remote.set_want(here.broker, WANT._replace(since=3))
    here.serve()
    here.asked()
    for _ in range(20):
        here.remote.note_live("to/f1", hostile_answer())
    assert here.report.drops == ["invalid"]
    here.serve(ANSWER_SECONDS[0])
    assert here.asked() == []
    here.serve(60.0)
    assert here.asked() == [3]


def test_parts_without_end_are_refused() -> None:
    """Also if each begins the answer anew."""
    here = Bench()
    here.remote.set_want(here.broker, WANT)
    here.serve()
    for _ in range(30):
        here.remote.note_live(
            "to/f1", b'{"stream":"run-1","part":0,"last":false}\n' + bytes(100_000)
        )
    assert here.report.drops == ["invalid"]


def test_a_broker_that_does_not_read_gets_everything_later() -> None:
    """Nothing is noted as sent."""
    here = Bench()
    here.broker.takes = False
    here.remote.set_want(here.broker, WANT)
    here.serve()
    here.broker.takes = True
    here.serve()
    assert len(here.broker.taken("want")) == 1
    assert here.asked() == [0]


@pytest.mark.parametrize(("values", "size"), [([[]] * 30_000, 4), (["x" * 900_000], 5)])
def test_samples_that_cost_too_much_are_dropped_for_a_second(values: object, size: int) -> None:
    """By their values or their bytes. One host cannot use up the time of all others."""
    here = watched()
    here.clock.now = math.ceil(here.clock.now)
    payload = zlib.compress(message(4, pad=values).encode(), 1)
    for _ in range(20):
        here.remote.note_live("sample", payload)
    assert here.report.drops == ["invalid"] * (20 - size)
    here.clock.now += 1
    here.remote.note_live("sample", payload)
    assert len(here.report.drops) == 20 - size


def test_samples_that_are_refused_cost_as_much_as_the_largest() -> None:
    """How long they take is not known."""
    here = watched()
    for _ in range(3):
        here.remote.note_live("sample", b"garbage")
    here.sample(4)
    assert here.report.drops == ["invalid"] * 4
    here.clock.now += 1
    here.sample(4)
    assert here.report.answers[-1] == ([4], False)
