"""Leases, requests and answers of one host, by a clock that the test moves."""

from __future__ import annotations

import itertools
import math

import pytest

from telemetry_stream.fleet.remote import Want
from telemetry_stream.mqtt.lease import ANSWER_SECONDS, ASK_SECONDS, RENEW_SECONDS, Lease
from telemetry_stream.mqtt.topics import Topics
from telemetry_stream.stream import HistoryLimits
from telemetry_stream.stream.received import ReceivedError
from tests.fleet.reports import message, received
from tests.mqtt.fake_broker import FakeBroker
from tests.mqtt.test_incoming import parts
from tests.stream.streaming import Clock

WANT = Want(frozenset(), 0, "run-1")


class Bench:
    """A lease with its clock and its broker. ``answers`` are the numbers of complete answers."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.broker = FakeBroker()
        topics, limits = Topics("ts", "home", "host-1"), HistoryLimits(600.0, 1_000_000)
        self.lease = Lease(topics, "f1", limits, self.clock)
        self.run = "run-1"
        self.answers: list[list[int]] = []
        self.refused = 0

    def serve(self, seconds: float = 0.0) -> float:
        """Move the clock, and serve; return in how many seconds to serve again."""
        self.clock.now += seconds
        return self.lease.serve(self.broker) - self.clock.now

    def part(self, payload: bytes) -> None:
        """Let a part of an answer arrive."""
        try:
            samples = self.lease.maybe_answer(payload, self.run)
        except ReceivedError:
            self.refused += 1
            return
        if samples is not None:
            self.lease.note_received(samples, is_complete=True)
            self.answers.append([sample.seq for sample in samples])

    def answer(self, *seqs: int, stream: str = "run-1") -> None:
        for part in parts([message(seq, stream) for seq in seqs], 1, stream=stream):
            self.part(part)

    def sample(self, seq: int) -> None:
        self.lease.note_received([received(seq)], is_complete=False)

    def asked(self) -> list[int]:
        return [ask["since"] for ask in self.broker.taken("ask")]


def watched() -> Bench:
    """Return a bench whose host is watched and has answered with the samples 1 to 3."""
    here = Bench()
    here.lease.set_want(here.broker, WANT)
    here.serve()
    here.answer(1, 2, 3)
    return here


def test_a_watched_host_has_a_lease_and_a_request() -> None:
    """The lease is renewed until the last viewer has left."""
    here = Bench()
    assert here.serve() == math.inf
    here.lease.set_want(here.broker, WANT)
    here.serve()
    assert here.broker.topics == ["ts/1/home/host-1/sample", "ts/1/home/host-1/to/f1"]
    assert here.broker.taken("want") == [{"front": "f1", "sections": [], "seconds": 30.0}]
    ask = {"front": "f1", "stream": "run-1", "since": 0, "seconds": 600.0}
    assert here.broker.taken("ask") == [ask]
    here.answer(1, 2)
    assert here.answers == [[1, 2]]
    assert here.serve(1.0) == RENEW_SECONDS - 1.0
    here.serve(RENEW_SECONDS - 1.0)
    assert len(here.broker.taken("want")) == 1
    here.lease.set_want(here.broker, None)
    assert here.broker.taken("want") == [{"front": "f1", "sections": [], "seconds": 0}]
    assert not here.broker.topics
    assert here.serve(60.0) == math.inf
    assert not here.lease.is_held


def test_other_sections_are_leased_at_once() -> None:
    """And the next sample has them."""
    here = watched()
    here.broker.published.clear()
    here.lease.set_want(here.broker, WANT._replace(sections=frozenset({"processes"}), since=3))
    here.serve()
    assert here.broker.taken("want")[0]["sections"] == ["processes"]


def test_a_lost_request_is_repeated_later_each_time() -> None:
    """And never more often than agents accept it. Parts show that it was not lost."""
    here = Bench()
    here.lease.set_want(here.broker, WANT)
    times = []
    for _ in range(500):
        here.serve(0.1)
        if here.asked():
            times.append(here.clock.now)
    pauses = [round(b - a) for a, b in itertools.pairwise(times)]
    assert pauses == [2, 4, 8, 16, 16]
    here = Bench()
    here.lease.set_want(here.broker, WANT)
    here.serve()
    for part in parts([message(seq) for seq in range(1, 200)], 10)[:-1]:
        here.part(part)
        here.serve(ANSWER_SECONDS[0] * 0.9)
    assert here.asked() == [0]


def test_an_endless_answer_ends() -> None:
    """The host is asked again after 45 s, although parts arrive."""
    here = Bench()
    here.lease.set_want(here.broker, WANT)
    here.serve()
    here.asked()
    for number in range(60):
        here.part(b'{"stream":"run-1","part":%d,"last":false}\nx' % number)
        here.serve(1.0)
    assert here.asked()


def test_a_gap_is_requested_when_the_agent_accepts_it() -> None:
    """One request per second, by the agent's clock."""
    here = watched()
    assert here.asked() == [0]
    here.lease.set_want(here.broker, WANT._replace(since=5))
    assert here.serve() == pytest.approx(ASK_SECONDS)
    assert here.asked() == []
    here.serve(ASK_SECONDS)
    assert here.asked() == [5]
    here.lease.set_want(here.broker, WANT._replace(since=6))
    here.serve(ASK_SECONDS)
    assert here.asked() == []  # one is on its way, whose answer has all samples


def test_after_a_break_only_what_is_missing_is_requested() -> None:
    """Samples that follow each other count; after a gap, the last one before it."""
    here = watched()
    here.sample(4)
    here.sample(5)
    here.sample(8)
    here.broker = FakeBroker()
    here.lease.begin(here.broker)
    here.serve(ASK_SECONDS)
    assert len(here.broker.topics) == 2
    assert len(here.broker.taken("want")) == 1
    assert here.asked() == [5]


def test_the_answer_of_a_run_that_has_ended_is_no_answer() -> None:
    """It may arrive after the hello of the next run. The request to that one stays due."""
    here = watched()
    here.lease.set_want(here.broker, WANT._replace(since=3))
    here.serve(2.0)
    here.run = "run-2"
    here.lease.renew()
    here.answer(4, 5, stream="run-1")
    assert here.answers == [[1, 2, 3]]
    here.broker.published.clear()
    here.serve(2.0)
    assert here.asked() == [3]
    here.answer(1, 2, stream="run-2")
    assert here.answers[1:] == [[1, 2]]
    assert here.refused == 0


def test_who_wants_more_than_was_asked_is_not_answered_by_that_request() -> None:
    """A mirror that begins again wants everything, and the answer to its predecessor may be on its way."""
    here = watched()
    here.lease.set_want(here.broker, WANT._replace(since=3))
    here.serve(2.0)
    assert here.asked() == [0, 3]
    here.lease.set_want(here.broker, WANT)
    here.serve(ASK_SECONDS)
    assert here.asked() == [0]


def hostile_answer() -> bytes:
    """Return an answer in one part that takes long to parse, and is refused in the end."""
    samples = [message(seq, pad=[[]] * 10_000) for seq in range(1, 25)]
    (part,) = parts([*samples, '{"type":"sample","stream":X}'], 1)
    return part


def test_a_refused_answer_is_the_last_until_the_next_request() -> None:
    """So an answer costs nothing that nobody has requested. And the request waits until its cost is paid."""
    here = watched()
    here.serve(60.0)
    here.lease.set_want(here.broker, WANT._replace(since=3))
    here.serve()
    here.asked()
    for _ in range(20):
        here.part(hostile_answer())
    assert here.refused == 1
    here.serve(ANSWER_SECONDS[0])
    assert here.asked() == []
    here.serve(60.0)
    assert here.asked() == [3]


def test_a_history_that_is_too_long_is_requested_in_half() -> None:
    """Until it fits: a host may remember more than we do. The next viewer requests it as a whole again."""
    here = Bench()
    here.lease.set_want(here.broker, WANT)
    asked = []
    for size in (800_000, 600_000, 200_000):
        here.serve(60.0)
        asked += here.broker.taken("ask")
        for part in parts([message(seq, pad="x" * size) for seq in (1, 2)], 1):
            here.part(part)
    assert [ask["seconds"] for ask in asked] == [600.0, 300.0, 150.0]
    assert (here.refused, here.answers) == (2, [[1, 2]])
    here.serve(60.0)
    assert here.asked() == []
    here.lease.set_want(here.broker, None)
    here.lease.set_want(here.broker, WANT)
    here.serve(60.0)
    assert here.broker.taken("ask")[0]["seconds"] == 600.0


def test_parts_without_end_are_refused() -> None:
    """Also if each begins the answer anew."""
    here = Bench()
    here.lease.set_want(here.broker, WANT)
    here.serve()
    for _ in range(30):
        here.part(b'{"stream":"run-1","part":0,"last":false}\n' + bytes(100_000))
    assert here.refused == 1


def test_a_broker_that_does_not_read_gets_everything_later() -> None:
    """Nothing is noted as sent."""
    here = Bench()
    here.broker.takes = False
    here.lease.set_want(here.broker, WANT)
    here.serve()
    here.broker.takes = True
    here.serve()
    assert len(here.broker.taken("want")) == 1
    assert here.asked() == [0]
