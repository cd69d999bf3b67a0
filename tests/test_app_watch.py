"""Front ends of a real broker, with real hosts: what viewers see while programs and the broker fail."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App
from telemetry_stream.fleet import link, mirror
from tests.apps import FAST
from tests.conftest import eventually
from tests.mqtt.mosquitto import Mosquitto, Observer, mosquitto
from tests.test_app_fleet import hosts, states, wait_for
from tests.viewers import assert_consecutive, get, read_samples, seqs, websockets_viewer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Start a broker."""
    with mosquitto(tmp_path) as started:
        yield started


def agent(broker: Mosquitto, name: str, **settings: Any) -> App:
    """Return a host that publishes itself."""
    return App(replace(FAST, mqtt_broker=broker.url, host_id=name, **settings))


def front(broker: Mosquitto, **settings: Any) -> App:
    """Return a front end without a host of its own."""
    given: dict[str, Any] = {"mqtt_role": "watch", "no_collect": True} | settings
    return App(replace(FAST, mqtt_broker=broker.url, **given))


def read_to(viewer: Any, seq: int, numbers: list[int]) -> None:
    """Append the numbers of all samples up to this one."""
    while numbers[-1] < seq:
        message = viewer.read()
        if message["type"] in ("sample", "history"):
            numbers += seqs(message.get("samples", [message]))


@contextmanager
def changes_of(app: App, name: str) -> Iterator[Callable[[], list[str]]]:
    """Record each change of the state of a host, as a viewer of the overview sees it."""
    found: list[str] = []
    with websockets_viewer(app.url, "hosts=*") as viewer:
        numbers: list[int] = []

        def read() -> list[str]:
            message = viewer.read()
            if message["type"] == "hosts":
                numbers[:] = [one["number"] for one in message["hosts"] if one["id"] == name]
            elif message["type"] == "overview":
                state = [row[1] for row in message["rows"] if row[0] in numbers]
                if state and state != found[-1:]:
                    found.extend(state)
            return found

        yield read


def test_all_hosts_of_the_broker_are_served(broker: Mosquitto) -> None:
    """With history, live samples and on-demand sections; the own host is one of them."""
    with (
        agent(broker, "web-1", site="east", tags="db"),
        agent(broker, "web-2"),
        front(broker, mqtt_role="both", no_collect=False, host_id="front") as app,
    ):
        wait_for(app, dict.fromkeys(("front", "web-1", "web-2"), "live"))
        found = hosts(app)
        assert len(found) == 3
        assert (found["web-1"]["site"], found["web-1"]["tags"]) == ("east", ["db"])
        for name in ("front", "web-1", "web-2"):
            with websockets_viewer(app.url, f"host={name}&history=600") as viewer:
                hello, history = viewer.read(), viewer.read()
                assert hello["host"]["id"] == name
                numbers = seqs(history["samples"]) + seqs(read_samples(viewer, 3))
                assert_consecutive(numbers)
                assert numbers[0] == 1
        with websockets_viewer(app.url, "host=web-1&sections=processes") as viewer:
            while "processes" not in (message := viewer.read()):
                assert message["type"] in ("hello", "sample")
        assert get(app.url, "/api/v1/sample?host=web-1")[1]["host"] == "web-1"


def test_hosts_of_a_broker_and_direct_ones_are_shown_together(broker: Mosquitto) -> None:
    """A host that is reached in both ways is one host, and the second row has the reason."""
    with agent(broker, "web-1") as one, agent(broker, "web-2"), front(broker, watch=one.url) as app:
        wait_for(app, {"web-1": "live", "web-2": "live"})
        assert eventually(lambda: len(hosts(app)) == 3)
        (other,) = [row for name, row in hosts(app).items() if name not in ("web-1", "web-2")]
        assert other["state"] == "duplicate"
        assert "watched already" in other["reason"]


def test_a_broker_that_was_killed_costs_no_sample_and_no_false_loss(broker: Mosquitto) -> None:
    """All that the ring of the agent has. No retained message survives."""
    with agent(broker, "web-1"), front(broker) as app:
        wait_for(app, {"web-1": "live"})
        with (
            websockets_viewer(app.url, "host=web-1&history=600") as viewer,
            changes_of(app, "web-1") as changes,
        ):
            viewer.read()
            numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 1))
            read_samples_until(changes, "live")
            broker.kill()
            read_samples_until(changes, "unreachable")
            broker.start()
            read_samples_until(changes, "live")
            assert "lost" not in changes()
            read_to(viewer, hosts(app)["web-1"]["seq"], numbers)
            assert_consecutive(numbers)
        assert "telemetry_stream_gaps_total" in metrics(app)
        assert 'telemetry_stream_gaps_total{repaired="no"} 0' in metrics(app)


def read_samples_until(changes: Callable[[], list[str]], state: str) -> None:
    """Read the overview until the host has this state."""
    for _ in range(60):
        if changes()[-1:] == [state]:
            return
    raise AssertionError(changes())


def metrics(app: App) -> str:
    """Return the Prometheus page."""
    host, port = app.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


def test_a_frozen_broker_is_one_change_of_state(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its host is late, and then live again. No sample is lost."""
    monkeypatch.setattr(link, "BREAK_SECONDS", 60.0)
    with agent(broker, "web-1", interval=2.0), front(broker) as app:
        wait_for(app, {"web-1": "live"})
        with (
            websockets_viewer(app.url, "host=web-1&history=600") as viewer,
            changes_of(app, "web-1") as changes,
        ):
            viewer.read()
            numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 1))
            read_samples_until(changes, "live")
            broker.freeze()
            read_samples_until(changes, "late")
            broker.thaw()
            seen = list(changes())
            while seen[-1] != "live" or len(seen) == 1:
                seen = list(changes())
            for _ in range(3):
                changes()
            assert changes() == ["live", "late", "live"]
            read_to(viewer, hosts(app)["web-1"]["seq"], numbers)
            assert_consecutive(numbers)


def test_a_host_that_stops_is_gone_and_returns_as_another_run(broker: Mosquitto) -> None:
    """A viewer of the former run is closed with 1001, and resumes with its numbers of that run."""
    with agent(broker, "web-1") as one, front(broker) as app:
        wait_for(app, {"web-1": "live"})
        with websockets_viewer(app.url, "host=web-1") as viewer:
            run = viewer.read()["stream"]
            read_samples(viewer, 2)
            one.close()
            wait_for(app, {"web-1": "gone"})
            with agent(broker, "web-1"):
                wait_for(app, {"web-1": "live"})
                assert viewer.read_close_code() == 1001
                with websockets_viewer(app.url, f"host=web-1&since=5&stream={run}") as again:
                    assert again.read()["stream"] != run
                    numbers = seqs(again.read()["samples"]) + seqs(read_samples(again, 2))
                    assert numbers[0] == 1
                    assert_consecutive(numbers)


def test_a_viewer_that_loses_a_front_end_resumes_on_another(broker: Mosquitto) -> None:
    """Without shared state and without a gap, because numbers and run are those of the origin."""
    with agent(broker, "web-1"), front(broker) as left, front(broker) as right:
        wait_for(left, {"web-1": "live"})
        wait_for(right, {"web-1": "live"})
        with websockets_viewer(left.url, "host=web-1&history=600") as viewer:
            run = viewer.read()["stream"]
            numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 3))
        left.close()
        with websockets_viewer(right.url, f"host=web-1&since={numbers[-1]}&stream={run}") as viewer:
            assert viewer.read()["stream"] == run
            numbers += seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 3))
        assert_consecutive(numbers)


def test_a_stuck_front_end_affects_nobody(broker: Mosquitto) -> None:
    """It has leases, has asked for everything, and reads nothing."""
    with agent(broker, "web-1") as one, front(broker) as app:
        wait_for(app, {"web-1": "live"})
        topic = "ts/1/default/web-1"
        with (
            Observer(broker.port, "none") as helper,
            socket.create_connection(("127.0.0.1", broker.port)) as stuck,
        ):
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05stuck")
            assert stuck.recv(4) == b"\x20\x02\x00\x00"
            stuck.sendall(b"\x82\x09\x00\x01\x00\x04ts/#\x00")
            want = {"front": "stuck", "sections": ["processes"], "seconds": 60}
            helper.publish(f"{topic}/want", json.dumps(want).encode())
            with websockets_viewer(app.url, "host=web-1&history=600") as viewer:
                viewer.read()
                numbers = seqs(viewer.read()["samples"])
                for _ in range(20):
                    helper.publish(f"{topic}/ask", b'{"front":"stuck","seconds":600}')
                    numbers += seqs(read_samples(viewer, 2))
                assert_consecutive(numbers)
            before = one.stream.feed().seq
            assert eventually(lambda: hosts(app)["web-1"]["seq"] > before)
            assert eventually(lambda: states(app) == {"web-1": "live"})


def test_samples_stop_after_the_last_viewer(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next viewer misses nothing."""
    monkeypatch.setattr(mirror, "PAUSE_SECONDS", 0.5)
    with (
        agent(broker, "web-1"),
        front(broker) as app,
        Observer(broker.port, "ts/1/+/+/sample", "ts/1/+/+/vitals") as observer,
    ):
        wait_for(app, {"web-1": "live"})
        assert not observer.on("/sample")
        with websockets_viewer(app.url, "host=web-1&history=600") as viewer:
            viewer.read()
            numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 2))

        def is_quiet() -> bool:
            before, count = len(observer.on("/sample")), len(observer.on("/vitals"))
            assert observer.wait(lambda: len(observer.on("/vitals")) >= count + 5)
            return len(observer.on("/sample")) == before

        assert eventually(is_quiet, 20)
        with websockets_viewer(app.url, f"host=web-1&since={numbers[-1]}") as viewer:
            viewer.read()
            numbers += seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 2))
        assert_consecutive(numbers)


def test_secrets_are_in_no_topic_and_no_log(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a token nor the password for the broker."""
    password = tmp_path / "password"
    password.write_text("hunter2-hunter2\n")
    secrets = {"mqtt_user": "ada", "mqtt_password_file": str(password)}
    token = "0123456789abcdef-secret"
    with (
        Observer(broker.port) as observer,
        agent(broker, "web-1", token=token, **secrets),
        front(broker, **secrets) as app,
    ):
        wait_for(app, {"web-1": "live"})
        with websockets_viewer(app.url, "host=web-1&history=600") as viewer:
            assert viewer.read()["host"]["id"] == "web-1"
            viewer.read()
        text = repr(observer.messages) + json.dumps(hosts(app)) + caplog.text + broker.log
    for secret in ("hunter2", token):
        assert secret not in text
