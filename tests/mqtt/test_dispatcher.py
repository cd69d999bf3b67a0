"""Which remote a message reaches, and what is requested for it, without a broker. (With one: test_watcher.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry_stream.fleet.fleet import Fleet
from telemetry_stream.hub import Hub
from telemetry_stream.mqtt.broker_link import BrokerLink
from telemetry_stream.mqtt.broker_remote import BrokerRemote
from telemetry_stream.mqtt.dispatcher import (
    LEAST_COST,
    MAX_PACKET_BYTES,
    MOST_HELLO_COST,
    Dispatcher,
)
from telemetry_stream.mqtt.packets import Message
from telemetry_stream.mqtt.remotes import MAX_SITES, Remotes
from telemetry_stream.mqtt.topics import Topics
from telemetry_stream.stream import HistoryLimits
from tests.fleet.reports import vitals
from tests.mqtt.fake_broker import FakeBroker
from tests.mqtt.test_incoming import flat, hello


class Subscribing(FakeBroker):
    """Records each topic that was subscribed and unsubscribed again."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: list[str] = []

    def unsubscribe(self, topics: list[str]) -> None:
        assert topics == self.topics
        super().unsubscribe(topics)
        self.requested += topics


class Bench:
    """A dispatcher with an empty table of hosts; the own host of the front end is s/own."""

    def __init__(self) -> None:
        self.fleet = Fleet(
            Hub(), [], own_labels=None, max_hosts=2, max_watched=1, forget_seconds=1000.0
        )
        self.remotes = Remotes(self.fleet, "ts", self._make)
        self.remotes.own_key = "s/own"
        self.hellos = 0
        self.dispatcher = Dispatcher(self.fleet, self.remotes, "ts", self._count)
        self.dispatcher.own_run = lambda: "run-own"
        self.broker = Subscribing()

    def _make(self, topics: Topics) -> BrokerRemote:
        return BrokerRemote(topics, "f1", BrokerLink(), lambda *_: None, HistoryLimits(600.0))

    def _count(self) -> None:
        self.hellos += 1

    def get(self, topic: str, payload: bytes = b"", **kind: bool) -> None:
        """Let a message of the site s arrive."""
        message = Message(f"ts/1/s/{topic}", payload, kind.pop("is_retained", False), **kind)
        self.dispatcher.dispatch(self.broker, message)

    def get_of(self, site: str, topic: str, payload: bytes) -> None:
        """Let a message of another site arrive."""
        self.dispatcher.dispatch(self.broker, Message(f"ts/1/{site}/{topic}", payload, False))

    def hello(self, host: str, stream: str = "run-1", **kind: bool) -> None:
        self.get(f"{host}/hello", hello(host={"id": host, "name": host}, stream=stream), **kind)

    def dropped(self) -> dict[str, int]:
        return {why: count for why, count in self.fleet.stats().dropped.items() if count}


@pytest.fixture
def here() -> Iterator[Bench]:
    """Return a bench."""
    bench = Bench()
    yield bench
    bench.fleet.close()


def state(name: str, stream: str = "run-1") -> bytes:
    """Return the payload of a state."""
    return json.dumps({"state": name, "stream": stream}).encode()


def test_a_host_is_discovered_by_its_hello(here: Bench) -> None:
    """And something may be due for it then."""
    here.hello("host-1")
    assert list(here.remotes.by_key) == ["s/host-1"]
    assert here.hellos == 1
    assert here.dropped() == {}


@pytest.mark.parametrize("name", ["vitals", "sample", "to/f1"])
def test_the_hello_of_a_host_that_sends_is_requested_once(here: Bench, name: str) -> None:
    """Again on the next connection, and not if there was no room for the host."""
    for _ in range(3):
        here.get(f"host-1/{name}", flat().encode())
    assert here.broker.requested == ["ts/1/s/host-1/hello"]
    here.dispatcher.begin()
    here.get(f"host-1/{name}", flat().encode())
    assert here.broker.requested == ["ts/1/s/host-1/hello"] * 2
    for number in range(2, 5):
        here.hello(f"host-{number}")
    here.get(f"host-4/{name}", flat().encode())
    assert len(here.broker.requested) == 2
    assert here.dropped() == {"too many": 1}


def test_a_state_that_came_before_the_hello_counts(here: Bench) -> None:
    """Unless it was deleted."""
    for host in ("host-1", "host-2"):
        here.get(f"{host}/state", state("gone"), is_retained=True)
    here.get("host-2/state")
    for host in ("host-1", "host-2"):
        here.hello(host, is_retained=True)
    here.fleet._tick()
    states = {row["id"]: row["state"] for row in here.fleet.report()["hosts"]}
    assert states["host-1"] == "gone"
    assert states["host-2"] != "gone"


def test_alerts_that_came_before_the_hello_are_requested(here: Bench) -> None:
    """Once."""
    here.get("host-1/alerts", b"{}", is_retained=True)
    assert here.broker.requested == []
    here.hello("host-1")
    here.hello("host-1")
    assert here.broker.requested == ["ts/1/s/host-1/alerts"]


def test_what_came_before_hellos_is_limited_for_each_id(here: Bench) -> None:
    """One id with ever new sites takes the room of no other host. A new connection brings everything again."""
    for number in range(100):
        here.get_of(f"s{number}", "host-1/state", state("gone"))
        here.get_of(f"s{number}", "host-1/alerts", b"{}")
    assert len(here.dispatcher._early["host-1"]) == MAX_SITES
    here.get("host-2/state", state("gone"))
    here.get("host-2/alerts", b"{}")
    here.get("host-3/state", state("gone"))
    assert list(here.dispatcher._early) == ["host-1", "host-2"]
    here.dispatcher.begin()
    here.get("host-3/alerts", b"{}")
    here.hello("host-3", is_retained=True)
    assert here.broker.requested == ["ts/1/s/host-3/alerts"]
    assert here.dispatcher._early == {}


def test_a_host_whose_hello_is_deleted_is_removed(here: Bench) -> None:
    """One that is not known stays unknown."""
    here.hello("host-1")
    here.get("host-1/hello")
    here.get("host-2/hello")
    assert here.fleet.report()["hosts"] == []
    assert here.dropped() == {}


def test_messages_of_this_program_are_ignored(here: Bench) -> None:
    """Of its former run, too, if they are retained. A clone has the same id and another run."""
    here.hello("own", "run-own")
    here.get("own/vitals", flat(stream="run-own").encode())
    here.hello("own", "run-before", is_retained=True)
    assert not list(here.remotes)
    assert here.broker.requested == []
    here.get("own/vitals", flat(stream="run-clone").encode())
    assert here.broker.requested == ["ts/1/s/own/hello"]
    here.hello("own", "run-clone", is_retained=True)
    assert list(here.remotes.by_key) == ["s/own"]


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("host-1/vitals", {"is_retained": True}),
        ("host-1/hello", {"is_too_large": True}),
        ("host-1/hello", {}),
        ("host-1/state", {}),
        (" /vitals", {}),
    ],
)
def test_what_is_not_valid_is_dropped_and_logged(
    here: Bench, topic: str, kind: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """With its topic, if it has the form of one."""
    here.get(topic, b"x", **kind)
    assert here.dropped() == {"invalid": 1}
    assert (f"A message on ts/1/s/{topic} was dropped: it " in caplog.text) == ("host" in topic)
    assert (f"{MAX_PACKET_BYTES} bytes" in caplog.text) == ("is_too_large" in kind)


def test_texts_that_cost_too_much_are_refused(here: Bench) -> None:
    """A host that floods with them delays no other."""
    for _ in range(400):
        here.get("host-1/hello", b"[" * 10_000)
    assert here.dispatcher._budgets["host-1"].owed > 0
    here.hello("host-1")
    assert here.dropped() == {"invalid": 401}
    here.hello("host-2")
    assert list(here.remotes.by_key) == ["s/host-2"]


def test_one_id_with_ever_new_sites_causes_few_requests(here: Bench) -> None:
    """Each is a subscription, which takes the time of all hosts. Another host still gets its own."""
    for number in range(3000):
        here.get_of(f"s{number}", "host-1/vitals", flat().encode())
    most = MOST_HELLO_COST // LEAST_COST
    assert most <= len(here.broker.requested) < 2 * most
    here.get("host-2/vitals", flat().encode())
    assert here.broker.requested[-1] == "ts/1/s/host-2/hello"


def test_empty_texts_cost_something(here: Bench) -> None:
    """For each, the front end checks whether the host sends."""
    here.hello("host-1")
    here.fleet._table.hosts()[0].vitals("", lambda _: vitals(1))
    for _ in range(3000):
        here.get("host-1/hello")
    assert here.dropped()["invalid"] > 2000
    assert list(here.remotes.by_key) == ["s/host-1"]
