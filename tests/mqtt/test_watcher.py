"""The watcher with a real broker and a real table of hosts; the agents are invented."""

from __future__ import annotations

import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.fleet.fleet import Fleet
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.mqtt import Access, Publisher, parse_brokers
from telemetry_stream.mqtt import watcher as watcher_module
from telemetry_stream.mqtt.watcher import Watcher
from telemetry_stream.stream import HistoryLimits, Stream
from tests.conftest import eventually, our_threads
from tests.fleet.reports import message
from tests.fleet.test_alerts import ALERT
from tests.mqtt.mosquitto import Mosquitto, Observer, mosquitto
from tests.mqtt.test_incoming import GARBAGE, bomb, flat, hello, parts
from tests.stream.streaming import remembered, streaming

FORGET_SECONDS = 1000.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Start one broker for the tests that do not disturb it."""
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as started:
        yield started


class Clock:
    """The monotonic clock of the machine, as far as the test does not advance it."""

    def __init__(self) -> None:
        self.advanced_seconds = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.advanced_seconds


class Watching:
    """A watcher with its fleet and the clock of the fleet; each test has its own prefix."""

    def __init__(self, fleet: Fleet, watcher: Watcher, clock: Clock) -> None:
        self.fleet, self.watcher, self.clock = fleet, watcher, clock

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the report of each host by id."""
        return {row["id"]: row for row in self.fleet.report()["hosts"]}

    def states(self) -> dict[str, str]:
        return {name: row["state"] for name, row in self.rows().items()}

    def wait(self, condition: Callable[[], object]) -> None:
        assert eventually(condition, 20), (self.rows(), self.fleet.stats())

    def wait_live(self, condition: Callable[[], object], *agents: Agent) -> None:
        """Wait while these agents send vitals, because a host that sends none for three seconds is late."""

        def is_true() -> object:
            for agent in agents:
                agent.vitals(agent.seq + 1)
            return condition()

        self.wait(is_true)

    def be_silent(self) -> None:
        """Advance the clock beyond the time after which a silent host is forgotten."""
        self.clock.advanced_seconds += 2 * FORGET_SECONDS


@contextmanager
def watching(
    broker: Mosquitto, prefix: str, *, site: str = "", has_own: bool = False, **options: Any
) -> Iterator[Watching]:
    """Start a fleet and its watcher."""
    limits = {"max_hosts": 10, "max_watched": 4, "forget_seconds": FORGET_SECONDS} | options
    clock = Clock()
    with streaming() as (hub, stream, _):
        fleet = Fleet(hub, [], own_labels={} if has_own else None, monotonic=clock, **limits)
        fleet.start(stream, lambda error: None)
        watcher = Watcher(
            fleet,
            stream,
            parse_brokers(broker.url),
            Access(),
            prefix=prefix,
            site=site,
            history=HistoryLimits(600.0, 1_000_000),
        )
        watcher.start()
        try:
            yield Watching(fleet, watcher, clock)
        finally:
            watcher.close(5.0)
            fleet.close()


class Agent:
    """An invented host on the broker."""

    def __init__(self, observer: Observer, prefix: str, number: int = 1, site: str = "s") -> None:
        self.id = f"host-{number}"
        self.run = f"run-{number}"
        self.seq = 0  # of the newest vitals
        self._observer = observer
        self._topic = f"{prefix}/1/{site}/{self.id}"

    def publish(self, name: str, payload: bytes, *, retain: bool = False) -> None:
        self._observer.publish(f"{self._topic}/{name}", payload, retain=retain, qos=int(retain))

    def hello(self, *, retain: bool = True, **changes: Any) -> None:
        fields = {"host": {"id": self.id, "name": self.id}, "stream": self.run} | changes
        self.publish("hello", hello(**fields), retain=retain)

    def state(self, state: str, *, retain: bool = True) -> None:
        payload = json.dumps({"state": state, "stream": self.run}).encode()
        self.publish("state", payload, retain=retain)

    def alerts(self, *texts: str, retain: bool = True) -> None:
        found = [{**ALERT, "labels": {"n": str(n)}, "text": text} for n, text in enumerate(texts)]
        state = {"stream": self.run, "time_unix": 7, "alerts": found, "omitted_alerts": 0}
        self.publish("alerts", json.dumps(state).encode(), retain=retain)

    def vitals(self, seq: int, **changes: Any) -> None:
        self.seq = seq
        self.publish("vitals", flat(seq=seq, stream=self.run, **changes).encode())

    def sample(self, seq: int) -> None:
        self.publish("sample", zlib.compress(message(seq, self.run, self.id).encode(), 1))

    def answer(self, front: str, *seqs: int) -> None:
        for part in parts([message(seq, self.run, self.id) for seq in seqs], 3):
            self.publish(f"to/{front}", part)


def test_a_host_is_found_before_or_after_the_start(broker: Mosquitto) -> None:
    """By its hello. Its vitals become its row, and its site is that of the topic."""
    with Observer(broker.port, "t1/#") as observer:
        first, second = Agent(observer, "t1", 1), Agent(observer, "t1", 2, "default")
        first.hello()
        first.publish("vitals", flat(seq=99).encode(), retain=True)
        assert observer.wait(lambda: len(observer.messages) >= 2)
        with watching(broker, "t1") as here:
            here.wait(lambda: "host-1" in here.rows())
            here.wait(lambda: here.fleet.stats().dropped["invalid"] == 1)  # old vitals
            second.hello()
            here.wait(lambda: "host-2" in here.rows())
            first.seq, second.seq = 1000, 2000
            here.wait_live(lambda: set(here.states().values()) == {"live"}, first, second)
            rows = here.rows()
            assert [rows[name]["site"] for name in ("host-1", "host-2")] == ["s", ""]
            assert 1000 < rows["host-1"]["seq"] < 2000 < rows["host-2"]["seq"]


def test_only_the_hosts_of_a_site_are_watched_if_it_is_given(broker: Mosquitto) -> None:
    """Others are not even received."""
    with Observer(broker.port, "t2/#") as observer, watching(broker, "t2", site="s") as here:
        Agent(observer, "t2", 1, "elsewhere").hello()
        Agent(observer, "t2", 2).hello()
        here.wait(lambda: "host-2" in here.rows())
        assert list(here.rows()) == ["host-2"]


def test_a_watched_host_has_its_history_and_its_samples(broker: Mosquitto) -> None:
    """Lease and request come from the front end; a gap is repaired, and the lease ends with the watcher."""
    with Observer(broker.port, "t3/#") as observer:
        agent = Agent(observer, "t3")
        agent.hello()
        with watching(broker, "t3") as here:
            here.wait(lambda: "host-1" in here.rows())
            feed, wait_filled = here.fleet.feed("host-1")
            assert observer.wait(lambda: observer.on("/want") and observer.on("/ask"))
            ask = json.loads(observer.on("/ask")[0])
            assert (ask["stream"], ask["since"]) == ("run-1", 0)
            agent.sample(5)
            agent.answer(ask["front"], 1, 2, 3, 4)
            assert wait_filled(20)
            here.wait(lambda: remembered(feed) == [1, 2, 3, 4, 5])
            agent.sample(8)
            assert observer.wait(
                lambda: any(json.loads(ask)["since"] == 5 for ask in observer.on("/ask"))
            )
            agent.answer(ask["front"], 6, 7)
            here.wait(lambda: remembered(feed) == [1, 2, 3, 4, 5, 6, 7, 8])
            assert here.fleet.stats().gaps_repaired >= 1
            assert here.fleet.stats().gaps_unrepaired == 0
        assert observer.wait(lambda: json.loads(observer.on("/want")[-1])["seconds"] == 0)


def test_states_of_hosts(broker: Mosquitto) -> None:
    """gone is final for its run, also before the hello; a retained lost is only a hint."""
    with Observer(broker.port, "t4/#") as observer:
        stopped, killed = Agent(observer, "t4", 1), Agent(observer, "t4", 2)
        for agent, state in ((stopped, "gone"), (killed, "lost")):
            agent.state(state)
            agent.hello()
        assert observer.wait(lambda: len(observer.messages) >= 4)
        with watching(broker, "t4") as here:
            here.wait(lambda: here.states() == {"host-1": "gone", "host-2": "late"})
            here.wait_live(
                lambda: here.states() == {"host-1": "gone", "host-2": "live"}, stopped, killed
            )
            stopped.run = "run-b"
            stopped.hello()
            here.wait_live(lambda: here.states()["host-1"] == "live", stopped)


def test_two_hosts_with_one_id_are_named(broker: Mosquitto) -> None:
    """Within ten seconds, with the setting that helps."""
    with Observer(broker.port, "t5/#") as observer, watching(broker, "t5") as here:
        left, right = Agent(observer, "t5"), Agent(observer, "t5")
        right.run = "run-r"
        left.hello()
        here.wait(here.rows)
        right.hello(host={"id": "host-1", "name": "clone"})
        for seq in range(1, 4):
            left.vitals(seq)
            right.vitals(seq)
        here.wait(lambda: here.states() == {"host-1": "duplicate"})
        assert here.rows()["host-1"]["reason"] == (
            "clone and host-1 have the same id; give one of them another with --host-id"
        )


def test_the_own_host_is_one_row_and_a_clone_of_it_is_a_duplicate(broker: Mosquitto) -> None:
    """What this program publishes itself comes back from the broker, also after an embedding program's new run."""
    with (
        Observer(broker.port, "t6/#") as observer,
        watching(broker, "t6", has_own=True, site="s") as here,
    ):
        own = here.watcher._stream.feed()
        agent = Agent(observer, "t6")
        agent.id, agent.run = own.host.id, own.id
        agent._topic = f"t6/1/s/{own.host.id}"
        agent.hello()
        agent.vitals(1)
        agent.state("live")
        Agent(observer, "t6", 2).hello()
        here.wait(lambda: "host-2" in here.rows())
        assert len(here.rows()) == 2
        own.begin_run("another-run")
        agent.run = own.id
        agent.hello()
        agent.vitals(1)
        Agent(observer, "t6", 3).hello()
        here.wait(lambda: "host-3" in here.rows())
        assert len(here.rows()) == 3
        agent.run = "clone"
        agent.hello()
        agent.vitals(1)
        here.wait(lambda: list(here.states().values()).count("duplicate") == 2)
        here.wait(lambda: here.rows()[f"s/{own.host.id}"]["seq"] == 1)


@contextmanager
def publishing(broker: Mosquitto, prefix: str, stream: Stream) -> Iterator[None]:
    """Publish the host of a stream."""
    publisher = Publisher(stream, parse_brokers(broker.url), Access(), prefix=prefix, site="s")
    publisher.start()
    try:
        yield
    finally:
        publisher.close(5.0)


def with_vitals(host_id: str) -> Sample:
    """Return a sample from which the row of a host is made."""
    states = {"vitals": SourceState("ok", 0.0)}
    return Sample(host_id, 1.0, 1.0, 1.0, {"vitals": {"cpu": 1.0}}, states, frozenset(states))


def test_a_former_run_of_the_own_host_is_no_duplicate(broker: Mosquitto) -> None:
    """Its hello is still on the broker when the program starts again. Another host with the id is found even so."""
    with Observer(broker.port, "t12/#") as observer:
        with (
            watching(broker, "t12", has_own=True, site="s") as first,
            publishing(broker, "t12", first.watcher._stream),
        ):
            assert observer.wait(lambda: observer.on("/hello") and observer.on("/state"))
        with watching(broker, "t12", has_own=True, site="s") as here:
            own = here.watcher._stream.feed()
            Agent(observer, "t12", 2).hello()  # arrives after what was retained
            here.wait(lambda: "host-2" in here.rows())
            assert list(here.rows()) == [own.host.id, "host-2"]
            with publishing(broker, "t12", here.watcher._stream):
                assert observer.wait(lambda: own.id.encode() in b"".join(observer.on("/hello")))
                Agent(observer, "t12", 3).hello()
                here.wait(lambda: "host-3" in here.rows())

                def is_live() -> bool:
                    own.publish(with_vitals(own.host.id))
                    return here.states()[own.host.id] == "live"

                here.wait(is_live)
                assert list(here.rows()) == [own.host.id, "host-2", "host-3"]
                with streaming() as (_, clone, _), publishing(broker, "t12", clone):
                    here.wait(lambda: list(here.states().values()).count("duplicate") == 2)


def test_a_clone_of_the_own_host_is_found_by_its_vitals(broker: Mosquitto) -> None:
    """It may have been there before this program, so that its hello is retained."""
    with Observer(broker.port, "t13/#") as observer:
        clone, other = Agent(observer, "t13", 1), Agent(observer, "t13", 2)
        clone.hello()
        other.hello()
        assert observer.wait(lambda: len(observer.messages) == 2)
        with watching(broker, "t13", has_own=True, site="s") as here:
            assert here.watcher._stream.feed().host.id == clone.id
            here.wait(lambda: "host-2" in here.rows())
            clone.vitals(1)
            here.wait(lambda: list(here.states().values()).count("duplicate") == 2)


def test_too_many_hosts_are_counted_once_each(broker: Mosquitto) -> None:
    """They come in when a silent one was forgotten."""
    with (
        Observer(broker.port, "t7/#") as observer,
        watching(broker, "t7", max_hosts=2) as here,
    ):
        agents = [Agent(observer, "t7", number) for number in range(1, 5)]
        for agent in agents:
            for _ in range(3):
                agent.hello()
        here.wait(lambda: here.fleet.stats().dropped["too many"] == 2)
        here.wait(lambda: list(here.rows()) == ["host-1", "host-2"])
        here.wait_live(lambda: here.states()["host-2"] == "live", agents[1])
        here.be_silent()
        here.wait_live(lambda: set(here.rows()) == {"host-2", "host-3"}, *agents[1:3])


def test_one_host_cannot_fill_the_table_with_sites(broker: Mosquitto) -> None:
    """An ACL for its id may leave the site free. Each further site is counted once, and may come when one has gone."""
    with Observer(broker.port, "t14/#") as observer, watching(broker, "t14") as here:
        agents = [Agent(observer, "t14", 1, f"site-{number}") for number in range(8)]
        for agent in agents:
            for _ in range(3):
                agent.hello()
        Agent(observer, "t14", 2).hello()
        here.wait(lambda: "host-2" in here.rows())
        assert len(here.rows()) == 5
        assert here.fleet.stats().dropped["too many"] == 4
        here.be_silent()
        here.wait(lambda: here.rows() == {})
        agents[7].hello(retain=False)
        here.wait(lambda: [row["site"] for row in here.rows().values()] == ["site-7"])
        assert here.watcher._remotes._sites == {"host-1": 1}


def test_a_forgotten_host_does_not_return_with_its_old_hello(broker: Mosquitto) -> None:
    """The broker keeps it, and sends it on each connection. Another one, or vitals, bring the host back."""
    with Observer(broker.port, "t11/#") as observer, watching(broker, "t11") as here:
        agent = Agent(observer, "t11")
        agent.hello()
        observer.publish("t11/1/s/host-9/state", b"{}", retain=True)
        here.wait(lambda: here.fleet.stats().dropped["invalid"] == 1 and here.rows())
        here.be_silent()
        here.wait(lambda: here.rows() == {})
        disconnect(broker, re.findall(r"front-[0-9a-f]{16}", broker.log)[-1])
        here.wait(lambda: here.fleet.stats().dropped["invalid"] == 2)
        assert not list(here.watcher._remotes)
        agent.vitals(1)
        here.wait(here.rows)


def test_a_host_whose_hello_is_deleted_is_forgotten(broker: Mosquitto) -> None:
    """At once, and for the front ends that start later. It may return."""
    with Observer(broker.port, "t23/#") as observer:
        gone, other = Agent(observer, "t23", 1), Agent(observer, "t23", 2)
        gone.hello()
        gone.state("gone")
        gone.alerts("a")
        with watching(broker, "t23") as here:
            here.wait(lambda: here.states() == {"host-1": "gone"})
            for name in ("hello", "state", "alerts"):
                gone.publish(name, b"", retain=True)
            here.wait(lambda: here.rows() == {})
            other.hello()
            here.wait(lambda: list(here.rows()) == ["host-2"])
            assert here.fleet.stats().dropped["invalid"] == 0
        with watching(broker, "t23") as here:
            here.wait(here.rows)
            here.wait_live(lambda: here.states() == {"host-2": "live"}, other)
            gone.hello()
            here.wait_live(
                lambda: here.states() == {"host-1": "live", "host-2": "live"}, gone, other
            )


def test_a_live_host_whose_hello_is_deleted_stays(broker: Mosquitto) -> None:
    """Its agent publishes the next hello when it connects again. When the host has stopped, it is forgotten."""
    with Observer(broker.port, "t24/#") as observer, watching(broker, "t24") as here:
        live, last = Agent(observer, "t24", 1), Agent(observer, "t24", 2)
        live.hello()
        here.wait(here.rows)
        here.wait_live(lambda: here.states() == {"host-1": "live"}, live)
        live.vitals(live.seq + 1)
        live.publish("hello", b"", retain=True)
        last.hello()
        here.wait(lambda: "host-2" in here.rows())  # what was published before it has arrived
        assert "host-1" in here.rows()
        live.state("gone")
        live.publish("hello", b"", retain=True)  # before the next tick
        here.wait(lambda: list(here.rows()) == ["host-2"])


def disconnect(broker: Mosquitto, client: str) -> None:
    """Disconnect a client by a connection with its id."""
    body = b"\0\4MQTT\4\2\0\0" + len(client).to_bytes(2, "big") + client.encode()
    with socket.create_connection(("127.0.0.1", broker.port)) as other:
        other.sendall(b"\x10" + bytes([len(body)]) + body)
        assert other.recv(4) == b"\x20\x02\x00\x00"


def test_a_hello_that_was_lost_is_requested(broker: Mosquitto) -> None:
    """Vitals alone are no host, but show that there is one."""
    with Observer(broker.port, "t8/#") as observer:
        agent = Agent(observer, "t8")
        agent.hello()
        assert observer.wait(lambda: observer.messages)
        with watching(broker, "t8") as here:
            here.wait(here.rows)
            here.watcher._remotes.by_key.clear()
            here.watcher._remotes.by_vitals.clear()
            agent.vitals(1)
            here.wait(lambda: list(here.watcher._remotes.by_key) == ["s/host-1"])


def test_hostile_messages_are_dropped_and_counted(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """Bombs, garbage, other hosts, markup. The log is limited, and a good host is not affected."""
    with Observer(broker.port, "t9/#") as observer, watching(broker, "t9") as here:
        good, forger = Agent(observer, "t9", 1), Agent(observer, "t9", 2)
        good.hello(host={"id": "host-1", "name": "<img src=x onerror=alert(1)>\x1b[31m"})
        here.wait(lambda: "host-1" in here.rows())
        here.fleet.feed("host-1")
        assert observer.wait(lambda: observer.on("/ask"))
        front = json.loads(observer.on("/ask")[0])["front"]
        forger.hello(host={"id": "host-1", "name": "forged"}, retain=False)
        forger.hello(protocol=2, retain=False)
        good.publish("sample", zlib.compress(message(1, "run-1", "host-2").encode()))
        for name in ("hello", "state", "vitals", "sample", f"to/{front}"):
            for payload in filter(None, (*GARBAGE, bomb())):  # an empty message deletes
                good.publish(name, payload)
                forger.publish(name, payload)
        good.publish("vitals", flat(seq=1, host="host-2").encode())
        for odd in ("t9/1/s/host-1", "t9/1/s/host-1/other", "t9/1/ /host-1/vitals"):
            observer.publish(odd, b"{}")
        # The vitals of another host must be read before newer ones replace them.
        here.wait(lambda: here.fleet.stats().dropped["foreign host"] == 3)
        good.seq = 1000
        here.wait_live(lambda: here.states().get("host-1") == "live", good)
        assert here.rows()["host-1"]["seq"] > 1000
        assert here.rows()["s/host-2"]["state"] == "incompatible"
        assert here.fleet.stats().dropped["invalid"] >= 3 * len(GARBAGE) - 3
        assert "\x1b" not in here.rows()["host-1"]["name"]
    assert caplog.text.count("was dropped") <= 5


def test_a_retained_message_that_is_too_large_loses_only_itself(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker without a limit sends it again on each connection. The log has its topic."""
    with Observer(broker.port, "t16/#") as observer:
        good, bad = Agent(observer, "t16", 1), Agent(observer, "t16", 2)
        bad.publish("hello", bytes(1024 * 1024), retain=True)
        bad.publish("vitals", bytes(1024 * 1024))
        good.hello()
        assert observer.wait(lambda: observer.on("host-1/hello"))
        with watching(broker, "t16") as here:
            here.wait(lambda: here.fleet.stats().dropped["invalid"] == 1)
            bad.publish("vitals", bytes(1024 * 1024))
            here.wait(lambda: here.fleet.stats().dropped["invalid"] == 2)
            here.wait_live(lambda: here.states().get("host-1") == "live", good)
            assert list(here.rows()) == ["host-1"]
            assert "t16/1/s/host-2/hello was dropped: it has more than 262144 bytes" in caplog.text
        assert "No connection" not in caplog.text


def test_an_empty_broker_is_a_hint_in_the_log(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A denied subscription is not reported by the broker."""
    monkeypatch.setattr(watcher_module, "SILENT_SECONDS", 0.1)
    with watching(broker, "t10"):
        assert eventually(lambda: "No host publishes itself" in caplog.text)


def test_a_flood_of_one_host_makes_no_other_lost(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker drops what this front end does not read, of every host. The log has it once."""
    monkeypatch.setattr(watcher_module, "SPARE_PACKETS", 1)
    with Observer(broker.port, "none/#") as observer, watching(broker, "t15") as here:
        Agent(observer, "t15").hello()
        here.wait(here.rows)
        for seq in range(1, 600):
            Agent(observer, "t15", 2).vitals(seq)
        here.wait(lambda: "more than 101 messages per second" in caplog.text)
        link = here.watcher._link
        assert link.state(link._connected_at) == "unknown"
        assert caplog.text.count("more than 101") == 1


def test_requests_of_the_last_moment_do_not_delay_the_close(tmp_path: Path) -> None:
    """Also if the broker hangs."""
    with mosquitto(tmp_path) as broker, Observer(broker.port, "t/#") as observer:
        Agent(observer, "t").hello()
        with watching(broker, "t") as here:
            here.wait(here.rows)
            here.fleet.feed("host-1")
            broker.freeze()
            here.watcher.close(0.6)
            assert eventually(lambda: all(thread.name != "ts-watch" for thread in our_threads()))
            broker.thaw()


@pytest.mark.parametrize("name", ["answer", "hello"])
def test_a_host_that_sends_what_takes_long_delays_no_other(broker: Mosquitto, name: str) -> None:
    """A refused answer is the last until the next request, and a hello costs time whatever it contains."""
    prefix = f"t22{name}"
    with Observer(broker.port, f"{prefix}/#") as observer, watching(broker, prefix) as here:
        good, bad = Agent(observer, prefix, 1), Agent(observer, prefix, 2)
        for agent in (good, bad):
            agent.hello()
        here.wait(lambda: here.rows().keys() == {"host-1", "host-2"})
        if name == "answer":
            here.fleet.feed("host-2")
            assert observer.wait(lambda: observer.on("/ask"))
            front = json.loads(observer.on("/ask")[0])["front"]
            samples = [message(seq, "run-2", "host-2", pad=[[]] * 10_000) for seq in range(1, 25)]
            (payload,) = parts([*samples, '{"type":"sample","stream":X}'], 1, stream="run-2")
            for _ in range(20):
                bad.publish(f"to/{front}", payload)
        else:
            for number in range(400):
                bad.hello(retain=False, alerts=[{**ALERT, "text": str(number)}] * 60)
        here.wait_live(lambda: here.states()["host-1"] == "live", good)
        dropped = here.fleet.stats().dropped["invalid"]
        assert dropped == 1 if name == "answer" else dropped > 300


def test_a_front_end_has_alerts_without_watching_the_host(broker: Mosquitto) -> None:
    """Retained and new ones, whether they come before or after the hello of the host."""
    with Observer(broker.port, "t20/#") as observer:
        first, second = Agent(observer, "t20", 1), Agent(observer, "t20", 2)
        first.alerts("a")
        first.hello()
        with watching(broker, "t20") as here:

            def texts(host: str) -> list[str]:
                found = here.fleet.alerts(host)["alerts"] or []
                return [alert["text"] for alert in found]

            here.wait(lambda: "host-1" in here.rows() and texts("host-1") == ["a"])
            second.alerts("b")
            second.hello()
            here.wait(lambda: "host-2" in here.rows() and texts("host-2") == ["b"])
            second.alerts()
            here.wait(lambda: here.fleet.alerts("host-2")["alerts"] == [])
            second.hello()  # a new connection of the same run
            first.alerts("c")
            here.wait(lambda: texts("host-1") == ["c"])
            assert here.fleet.alerts("host-2")["alerts"] == []


def test_a_host_that_floods_with_alerts_delays_no_other(broker: Mosquitto) -> None:
    """256 long ones with markup that all change, as often as it can. What is shown is limited and escaped."""
    with Observer(broker.port, "t21/#") as observer, watching(broker, "t21") as here:
        first, second = Agent(observer, "t21", 1), Agent(observer, "t21", 2)
        for agent in (first, second):
            agent.hello()
        here.wait(lambda: here.rows().keys() == {"host-1", "host-2"})
        for number in range(300):
            first.alerts(*[f"<b>{number}\u202e{one}</b>" for one in range(100)])
        first.publish("alerts", b" " * 200_000)
        second.alerts("b")
        here.wait(lambda: here.fleet.alerts("host-2")["alerts"])
        here.wait(lambda: here.fleet.stats().dropped["invalid"] == 1)
        here.wait(lambda: here.fleet.alerts("host-1")["alerts"])
        text = here.fleet.alerts("host-1")["alerts"][0]["text"]
        assert text.startswith("<b>")
        assert "\\u202e" in text
