"""What an agent publishes, and how it answers, with a session in memory. (With a real broker: test_publisher.)"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.mqtt.agent import CONFIRM_SECONDS, Agent, Confirmation
from telemetry_stream.mqtt.fronts import MAX_FRONTS
from telemetry_stream.mqtt.packets import Message
from telemetry_stream.mqtt.topics import Topics
from telemetry_stream.stream import Feed
from tests.fleet.test_alerts import ALERT
from tests.stream.streaming import WAIT_SECONDS, streaming


class FakeSession:
    """Records what is published. ``has_unwritten``: the broker does not read."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.retained: list[tuple[str, bytes]] = []
        self.topics: list[str] = []
        self.has_unwritten = False

    def subscribe(self, topics: list[str]) -> None:
        self.topics += topics

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if self.has_unwritten:
            return False
        (self.retained if retain else self.published).append((topic, payload))
        return True

    def publish_retained(self, topic: str, payload: bytes) -> None:
        self.retained.append((topic, payload))

    def taken(self, name: str) -> list[bytes]:
        """Return and forget what was published on this topic."""
        found = [payload for topic, payload in self.published if topic.endswith(name)]
        self.published = [item for item in self.published if not item[0].endswith(name)]
        return found


class Bench:
    """An agent with its feed; ``sample`` publishes one and lets the agent serve."""

    def __init__(self, agent: Agent, session: FakeSession, feed: Feed, topics: Topics) -> None:
        self.agent, self.session, self.feed, self._topics = agent, session, feed, topics
        self.now = 100.0

    def sample(self, count: int = 1) -> None:
        for _ in range(count):
            self.publish()
            self.serve()

    def publish(self, count: int = 1) -> None:
        for _ in range(count):
            sections: dict[str, Any] = {"cpu": {"usage_percent": 1.0}}
            sections |= {"processes": {"total": 1}, "vitals": {"cpu": 1.0}}
            sources = dict.fromkeys(sections, SourceState("ok", 0.0))
            on_demand = frozenset({"processes", "vitals"})
            self.feed.publish(
                Sample(self.feed.host.id, 1.0, 1.0, 1.0, sections, sources, on_demand)
            )
            assert self.feed._hub.is_responsive(WAIT_SECONDS)

    def serve(self, *received: tuple[str, object]) -> float:
        messages = [
            Message(self._topics.of(name), json.dumps(value).encode(), False)
            for name, value in received
        ]
        return self.agent.serve(messages, self.now)


@contextmanager
def bench(confirmation: Confirmation | None = None) -> Iterator[Bench]:
    """Begin an agent on a stream without a collector."""
    with streaming() as (_, stream, feed):
        session, topics = FakeSession(), Topics("ts", "s", feed.host.id)
        agent = Agent(
            session,  # type: ignore[arg-type]
            stream,
            topics,
            wake=lambda: None,
            confirmation=confirmation or Confirmation(),
        )
        made = Bench(agent, session, feed, topics)
        agent.begin(made.now)
        try:
            yield made
        finally:
            agent.close()


def numbers(payloads: list[bytes]) -> list[int]:
    """Return the numbers of compressed samples."""
    return [json.loads(zlib.decompress(payload))["seq"] for payload in payloads]


def test_a_lease_changes_without_a_gap_or_a_duplicate() -> None:
    """Samples in the queue are published before the consumer is replaced."""
    with bench() as made:
        made.sample()
        assert not made.session.taken("/sample")
        made.serve(("want", {"front": "a", "seconds": 30}))
        assert numbers(made.session.taken("/sample")) == [1]
        made.sample()
        made.publish()  # in the queue while the lease changes
        made.serve(("want", {"front": "a", "sections": ["processes"], "seconds": 30}))
        made.sample(2)
        found = made.session.taken("/sample")
        assert numbers(found) == [2, 3, 4, 5]
        has_processes = ["processes" in json.loads(zlib.decompress(text)) for text in found]
        assert has_processes == [False, False, True, True]
        assert all("vitals" not in json.loads(zlib.decompress(text)) for text in found)
        made.now += 30
        made.sample(2)
        assert not made.session.taken("/sample")
        assert len(made.session.taken("/vitals")) == 7


def test_a_lease_before_the_first_sample_gets_its_sections() -> None:
    """Which ones exist is not known earlier. A section that does not exist is ignored."""
    with bench() as made:
        names = ["processes", "invented"]
        made.serve(("want", {"front": "a", "sections": names, "seconds": 30}))
        made.sample(3)
        found = [json.loads(zlib.decompress(text)) for text in made.session.taken("/sample")]
        assert [sample["seq"] for sample in found] == [1, 2, 3]
        assert ["processes" in sample for sample in found] == [False, True, True]


def test_nothing_is_published_while_the_broker_does_not_read() -> None:
    """What is missed is in the ring; the newest sample follows when the broker reads again."""
    with bench() as made:
        made.serve(("want", {"front": "a", "seconds": 30}))
        made.sample()
        made.session.has_unwritten = True
        made.sample(40)
        made.session.has_unwritten = False
        made.sample()
        assert numbers(made.session.taken("/sample")) == [1, 42]
        assert [json.loads(text)["seq"] for text in made.session.taken("/vitals")] == [1, 42]


def test_a_missing_own_message_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Over all connections, until one comes back."""
    confirmation = Confirmation()
    for _ in range(2):
        with bench(confirmation) as made:
            made.serve(("state", {"state": "live", "stream": "another"}))
            made.now += CONFIRM_SECONDS
            made.serve()
            made.serve()
    assert caplog.text.count("check its ACL") == 1
    with bench(confirmation) as made:
        made.serve(("state", {"state": "live", "stream": made.feed.id}))
        made.now += CONFIRM_SECONDS
        made.serve()
    assert caplog.text.count("check its ACL") == 1


def test_a_retained_state_is_no_confirmation_and_is_not_answered() -> None:
    """It is older than the one that was just published."""
    with bench() as made:
        state = json.dumps({"state": "lost", "stream": "x"}).encode()
        topic = f"ts/1/s/{made.feed.host.id}/state"
        count = len(made.session.retained)
        made.agent.serve([Message(topic, state, True)], made.now)
        assert len(made.session.retained) == count


def test_answers_to_wrong_states_are_limited() -> None:
    """One per second, but the last wrong state is always answered."""
    with bench() as made:
        before = len(made.session.retained)
        lost = ("state", {"state": "lost", "stream": "x"})
        made.serve(lost, lost)
        made.serve(lost)
        assert len(made.session.retained) == before + 1
        made.now += 1
        made.serve()
        assert len(made.session.retained) == before + 2
        made.now += 1
        made.serve()
        assert len(made.session.retained) == before + 2
        assert json.loads(made.session.retained[-1][1]) == {"state": "live", "stream": made.feed.id}


def test_another_run_with_the_same_id_is_answered_with_hello() -> None:
    """Its own ``hello`` has replaced ours: front ends get both. No state is published, so the two do not alternate."""
    with bench() as made:
        hello = made.session.retained[0]
        assert hello[0].endswith("/hello")
        before = len(made.session.retained)
        made.serve(("state", {"state": "live", "stream": "another"}))
        assert made.session.retained[before:] == [hello]
        made.serve(("state", {"state": "live", "stream": made.feed.id}))
        made.now += 1
        made.serve()
        assert len(made.session.retained) == before + 1


def test_retained_requests_and_a_seventeenth_front_end_are_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the log has the reason, without what was sent."""
    caplog.set_level(logging.WARNING)
    with bench() as made:
        made.sample()
        topic = f"ts/1/s/{made.feed.host.id}/want"
        made.agent.serve([Message(topic, b'{"front":"a","seconds":9}', True)], made.now)
        assert not made.session.taken("/sample")
        for number in range(MAX_FRONTS + 1):
            made.serve(("ask", {"front": f"f{number}"}))
        answered = {topic for topic, _ in made.session.published if "/to/" in topic}
        while len(answered) < MAX_FRONTS:
            made.now += 0.5
            made.serve()
            answered = {topic for topic, _ in made.session.published if "/to/" in topic}
        made.now += 0.5
        made.serve()
        assert not any(topic.endswith(f"/f{MAX_FRONTS}") for topic, _ in made.session.published)
    assert "was dropped: it is retained" in caplog.text


def test_the_end_of_the_stream_is_noticed() -> None:
    """Another run of a feed ends its consumers."""
    with bench() as made:
        assert not made.agent.has_ended
        made.feed._hub.close()
        assert made.agent.has_ended


def test_alerts_are_published_when_they_are_known() -> None:
    """Retained: first that none fires, then each change, at most once per second, and each repetition."""
    with bench() as made:

        def published() -> list[dict[str, Any]]:
            found = [
                json.loads(text)
                for topic, text in made.session.retained
                if topic.endswith("/alerts")
            ]
            made.session.retained.clear()
            return found

        made.sample()
        assert published() == []
        made.feed.publish_alerts(5.0, [])
        made.serve()
        none = {"stream": made.feed.id, "time_unix": 5.0, "alerts": [], "omitted_alerts": 0}
        assert published() == [none]
        for second in range(6, 12):
            made.feed.publish_alerts(second, [ALERT], omitted=second)
            made.serve()
        assert published() == []
        made.now += 1
        made.serve()
        made.serve()
        assert published() == [none | {"time_unix": 11, "alerts": [ALERT], "omitted_alerts": 11}]
        made.now += 60
        made.feed.publish_alerts(71.0, [ALERT])
        made.session.has_unwritten = True
        made.serve()
        made.session.has_unwritten = False
        made.serve()
        assert len(published()) == 1
