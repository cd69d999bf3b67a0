"""One host of a broker: what is reported of what arrives. (With a broker: test_watcher.)"""

from __future__ import annotations

import json
import math
import zlib

import pytest

from telemetry_stream.fleet.remote import Want
from telemetry_stream.mqtt import incoming
from telemetry_stream.mqtt.broker_link import BrokerLink
from telemetry_stream.mqtt.broker_remote import REFUSED_SECONDS, BrokerRemote, Request
from telemetry_stream.mqtt.lease import ANSWER_SECONDS, ASK_SECONDS
from telemetry_stream.mqtt.messages import HostState
from telemetry_stream.mqtt.topics import HostTopic, Topics
from telemetry_stream.stream import HistoryLimits
from tests.fleet.reports import RecordingReport, message
from tests.fleet.test_alerts import ALERT
from tests.mqtt.fake_broker import FakeBroker
from tests.mqtt.test_incoming import GARBAGE, flat, hello, parts
from tests.stream.streaming import Clock

TOPICS = Topics("ts", "home", "host-1")
WANT = Want(frozenset(), 0, "run-1")


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
        return self.remote.lease.serve(self.broker) - self.clock.now

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
    here.remote.lease.set_want(here.broker, WANT)
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


def test_samples_are_reported_while_the_host_is_watched() -> None:
    """Those of an answer, and each new one."""
    here = watched()
    assert here.sample(4)
    assert here.report.answers == [([1, 2, 3], True), ([4], False)]
    here.remote.lease.set_want(here.broker, None)
    assert here.sample(5)
    here.answer(6)
    assert here.report.seqs == [1, 2, 3, 4]


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
    """If that is requested: its direct connection does not answer any more. Its alerts are reported, too."""
    here = Bench(may_read=False)
    here.remote.note_alerts(json.dumps({"stream": "run-1", "alerts": [ALERT]}).encode())
    here.report.may_read = True
    here.remote.identify_again()
    identities = len(here.report.identities)
    for _ in range(2):
        here.remote.note_vitals(flat().encode())
    assert len(here.report.all_vitals) == 2
    assert len(here.report.identities) == identities + 1
    assert [len(found.firing_alerts or ()) for found in here.report.all_alerts] == [1]


def test_samples_of_another_host_are_dropped() -> None:
    """Also within a history."""
    here = watched()
    here.sample(4, host="host-2")
    assert here.report.drops == ["foreign host"]
    here.remote.lease.set_want(here.broker, WANT._replace(since=3))
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
    here.remote.lease.set_want(here.broker, WANT._replace(since=3))
    here.serve(ASK_SECONDS)
    here.asked()
    here.remote.note_live("to/f1", b"garbage")
    assert here.report.drops == ["invalid"]
    here.serve(ANSWER_SECONDS[0])
    assert here.asked() == [3]


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
