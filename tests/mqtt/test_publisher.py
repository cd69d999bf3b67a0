"""The publisher with a real broker: what it publishes, and what happens if the broker fails."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.hub import Hub
from telemetry_stream.mqtt import Access, AccessError, Publisher, parse_brokers
from telemetry_stream.mqtt import agent as agent_module
from telemetry_stream.stream import HistoryLimits, Stream
from tests.conftest import eventually, our_threads
from tests.mqtt.mosquitto import Mosquitto, Observer, mosquitto
from tests.mqtt.ticking import HOST_ID, ticking
from tests.stream.streaming import streaming

TOPIC = f"ts/1/default/{HOST_ID}"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Start one broker for the tests that do not disturb it."""
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as started:
        yield started


@contextmanager
def publishing(stream: Stream, *urls: str, **options: Any) -> Iterator[Publisher]:
    """Publish the stream to these brokers."""
    publisher = Publisher(stream, parse_brokers(",".join(urls)), Access(), prefix="ts", **options)
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.close(5.0)


def states(observer: Observer) -> list[str]:
    """Return the states that were published."""
    return [json.loads(payload)["state"] for payload in observer.on("/state")]


def test_it_publishes_hello_state_and_vitals(broker: Mosquitto) -> None:
    """hello and state are retained, so a later front end gets them at once; vitals come with each sample."""
    with ticking() as host, publishing(host.stream, broker.url):
        with Observer(broker.port, f"{TOPIC}/#") as observer:
            assert observer.wait(lambda: len(observer.on("/vitals")) >= 3)
        # The last ones: the broker may have kept those of a test before.
        hello, state = json.loads(observer.on("/hello")[-1]), json.loads(observer.on("/state")[-1])
        vitals = [json.loads(payload) for payload in observer.on("/vitals")]
    assert hello["type"] == "hello"
    assert hello["host"]["id"] == HOST_ID
    assert hello["stream"] == host.feed.id
    assert hello.keys().isdisjoint({"every", "sections", "user"})
    assert state == {"state": "live", "stream": host.feed.id}
    assert vitals[0]["seq"] + 2 == vitals[1]["seq"] + 1 == vitals[2]["seq"]
    assert vitals[0].keys() > {"stream", "seq", "time_unix", "cpu", "celsius"}
    assert max(map(len, observer.on("/vitals"))) <= 256
    assert not observer.on("/sample")


def test_a_stop_publishes_gone_and_no_will_follows(broker: Mosquitto) -> None:
    """The state of a stopped host is gone, for front ends that come later, too."""
    with ticking() as host, Observer(broker.port, f"{TOPIC}/state") as observer:
        with publishing(host.stream, broker.url):
            assert observer.wait(lambda: "live" in states(observer))
        assert observer.wait(lambda: states(observer)[-1] == "gone")
        with Observer(broker.port, f"{TOPIC}/state") as later:
            assert later.wait(lambda: later.messages)
            assert states(later) == ["gone"]


def test_a_lease_gets_samples(broker: Mosquitto) -> None:
    """The newest one at once and then each one, compressed, with the on-demand sections that are wanted."""
    with (
        ticking() as host,
        publishing(host.stream, broker.url),
        Observer(broker.port, f"{TOPIC}/#") as observer,
    ):
        assert observer.wait(lambda: observer.on("/vitals"))
        want = {"front": "f1", "sections": ["processes", "no such"], "seconds": 30}
        observer.publish(f"{TOPIC}/want", json.dumps(want).encode())
        assert observer.wait(lambda: len(observer.on("/sample")) >= 5)
        samples = [json.loads(zlib.decompress(text)) for text in observer.on("/sample")]
        assert all("vitals" not in sample for sample in samples)
        assert any("processes" in sample for sample in samples)
        assert samples[0]["cpu"] is not None
        numbers = [sample["seq"] for sample in samples]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        observer.publish(f"{TOPIC}/want", b'{"front":"f1","seconds":0}')
        observer.publish(f"{TOPIC}/ask", b'{"front":"f2"}')
        assert observer.wait(lambda: observer.on("/to/f2"))  # what was published before has arrived
        before = len(observer.on("/sample"))
        count = len(observer.on("/vitals"))
        assert observer.wait(lambda: len(observer.on("/vitals")) >= count + 3)
        assert len(observer.on("/sample")) == before


def history(observer: Observer, front: str) -> list[dict[str, Any]]:
    """Return the samples of a complete answer."""
    parts = [payload.partition(b"\n") for payload in observer.on(f"/to/{front}")]
    heads = [json.loads(head) for head, _, _ in parts]
    assert [head["part"] for head in heads] == list(range(len(heads)))
    assert [head["last"] for head in heads] == [False] * (len(heads) - 1) + [True]
    message = json.loads(zlib.decompress(b"".join(content for _, _, content in parts)))
    assert message["type"] == "history"
    found: list[dict[str, Any]] = message["samples"]
    return found


def test_an_ask_is_answered_in_parts(broker: Mosquitto) -> None:
    """With the samples after ``since``, on the topic of this front end."""
    with ticking() as host, publishing(host.stream, broker.url):
        host.remember(300)
        with Observer(broker.port, f"{TOPIC}/#") as observer:
            assert observer.wait(lambda: observer.on("/vitals"))
            since = host.feed.seq - 200
            ask = {"front": "f9", "stream": host.feed.id, "since": since, "seconds": 600}
            observer.publish(f"{TOPIC}/ask", json.dumps(ask).encode())
            assert observer.wait(
                lambda: any(b'"last":true' in part for part in observer.on("/to/f9"))
            )
            samples = history(observer, "f9")
    assert samples[0]["seq"] == since + 1
    assert len(samples) >= 200
    assert all(len(part) <= 64 * 1024 for part in observer.on("/to/f9"))
    assert len(observer.on("/to/f9")) > 1


@pytest.mark.parametrize("is_own", [False, True])
def test_a_foreign_or_old_lost_is_answered(broker: Mosquitto, is_own: bool) -> None:
    """The will of a frozen former run arrives late; without the answer, the host would look lost indefinitely."""
    with ticking() as host, publishing(host.stream, broker.url):
        with Observer(broker.port, f"{TOPIC}/#") as observer:
            assert observer.wait(lambda: observer.on("/vitals") and "live" in states(observer))
            stream = host.feed.id if is_own else "0123"
            lost = json.dumps({"state": "lost", "stream": stream}).encode()
            observer.publish(f"{TOPIC}/state", lost, retain=True)
            assert observer.wait(lambda: states(observer)[-2:] == ["lost", "live"])
            assert json.loads(observer.on("/state")[-1])["stream"] == host.feed.id
        with Observer(broker.port, f"{TOPIC}/state") as later:
            assert later.wait(lambda: states(later) == ["live"])


@pytest.mark.parametrize("topic", ["want", "ask", "state"])
def test_hostile_messages_change_nothing(broker: Mosquitto, topic: str) -> None:
    """Whatever arrives, the vitals go on."""
    hostile = [
        b"",
        b"\xff\xfe",
        b"[" * 4000,
        b"[]",
        b"null",
        b'{"front":"../#","seconds":30}',
        b'{"front":"<img src=x onerror=alert(1)>","sections":[],"seconds":30}',
        b'{"front":"f","sections":"processes","seconds":30}',
        b'{"front":"f","sections":[{}],"seconds":30}',
        b'{"front":"f","seconds":1e999}',
        b'{"front":"f","seconds":NaN}',
        b'{"front":"f","seconds":-1,"since":-1}',
        b'{"front":"f","since":' + b"9" * 3000 + b"}",
        b'{"front":"f","since":1.5,"seconds":true}',
        b'{"state":"dead","stream":"x"}',
        b"x" * 5000,
        b"x" * 60_000,
    ]
    with (
        ticking() as host,
        publishing(host.stream, broker.url),
        Observer(broker.port, f"{TOPIC}/#") as observer,
    ):
        assert observer.wait(lambda: observer.on("/vitals"))
        if topic == "ask":  # which has no sections
            hostile = [payload for payload in hostile if b"sections" not in payload]
        for payload in hostile:
            observer.publish(f"{TOPIC}/{topic}", payload)
        assert observer.wait(lambda: len(observer.on(f"/{topic}")) >= len(hostile))
        count = len(observer.on("/vitals"))
        assert observer.wait(lambda: len(observer.on("/vitals")) >= count + 3)
        assert not observer.on("/sample")
        assert not [name for name, _, _ in observer.messages if "/to/" in name]


def test_it_returns_after_the_broker_was_killed(tmp_path: Path) -> None:
    """A broker that starts again without its retained messages gets them again."""
    with ticking() as host, mosquitto(tmp_path) as broker, publishing(host.stream, broker.url):
        with Observer(broker.port, f"{TOPIC}/#") as observer:
            assert observer.wait(lambda: observer.on("/vitals"))
        broker.kill()
        broker.start()
        with Observer(broker.port, f"{TOPIC}/#") as observer:
            assert observer.wait(lambda: observer.on("/hello") and observer.on("/vitals"))
            assert "live" in states(observer)


def test_a_frozen_broker_costs_nobody_else_anything(tmp_path: Path) -> None:
    """Samples are taken on time, and a close takes at most half a second."""
    with (
        ticking() as host,
        mosquitto(tmp_path) as broker,
        publishing(host.stream, broker.url) as publisher,
    ):
        with Observer(broker.port, f"{TOPIC}/#") as observer:
            assert observer.wait(lambda: observer.on("/vitals"))
        broker.freeze()
        before = host.feed.seq
        assert eventually(lambda: host.feed.seq >= before + 5)
        publisher.stop()
        began = time.monotonic()
        publisher.close()
        took = time.monotonic() - began
        assert took < 5, "half a second is promised; the rest is for a busy machine"
        assert eventually(lambda: all(thread.name != "ts-mqtt" for thread in our_threads()))
        broker.thaw()


def test_two_hosts_with_one_id_do_not_disconnect_each_other(broker: Mosquitto) -> None:
    """Their client ids differ in 8 random bytes."""
    with (
        ticking() as host,
        publishing(host.stream, broker.url),
        publishing(host.stream, broker.url),
    ):
        with Observer(broker.port, f"{TOPIC}/vitals") as observer:
            assert observer.wait(lambda: len(observer.messages) >= 12)
        assert broker.log.count("already connected") == 0


def test_a_denied_publish_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The broker reports no error, but what this host publishes does not come back."""
    monkeypatch.setattr(agent_module, "CONFIRM_SECONDS", 0.3)
    acl = tmp_path / "acl"
    acl.write_text("topic read ts/#\n")
    with (
        mosquitto(tmp_path, f"allow_anonymous true\nacl_file {acl}\n") as broker,
        ticking() as host,
        publishing(host.stream, broker.url),
    ):
        assert eventually(lambda: "check its ACL" in caplog.text)
        before = host.feed.seq
        assert eventually(lambda: host.feed.seq >= before + 5)
    assert caplog.text.count("check its ACL") == 1


def test_a_start_names_what_is_unusable(tmp_path: Path) -> None:
    """A file or the host id. A publisher that was never started can be closed."""
    with ticking() as host:
        access = Access(password_file=str(tmp_path / "missing"))
        publisher = Publisher(host.stream, parse_brokers("mqtt://127.0.0.1"), access, prefix="ts")
        with pytest.raises(AccessError, match="missing cannot be read"):
            publisher.start()
        publisher.close()


def test_home_assistant_allows_no_dot_in_the_id_of_a_host() -> None:
    """An embedding program may have chosen the id, so no setting was checked. Without discovery it is right."""
    with streaming() as (_, stream, _):
        own = stream.feed().host
        dotted = Stream(Hub(), version="1.0", history=HistoryLimits(600.0))
        dotted.add(replace(own, id="a.b"), section_names=("cpu",), demand=stream.feed().demand)
        brokers = parse_brokers("mqtt://127.0.0.1:1")
        with pytest.raises(ValueError, match=r"host id 'a\.b' must not contain a dot"):
            Publisher(dotted, brokers, Access(), prefix="ts", home_assistant=True).start()
        publisher = Publisher(dotted, brokers, Access(), prefix="ts")
        publisher.start()
        publisher.close(5.0)


def test_home_assistant_discovers_the_host(broker: Mosquitto) -> None:
    """The message is retained."""
    with ticking() as host, publishing(host.stream, broker.url, home_assistant=True):
        with Observer(broker.port, f"{TOPIC}/vitals") as observer:
            assert observer.wait(lambda: observer.messages)
        with Observer(broker.port, "homeassistant/#") as observer:
            assert observer.wait(lambda: observer.messages)
            topic, payload, is_retained = observer.messages[0]
    assert topic == f"homeassistant/device/{HOST_ID}/config"
    assert json.loads(payload)["state_topic"] == f"{TOPIC}/vitals"
    assert is_retained
