"""The thread of a client of a broker, with real brokers and with sockets that only pretend to be one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry_stream.mqtt import Access, parse_brokers
from telemetry_stream.mqtt.connector import Connector
from telemetry_stream.mqtt.session import Session
from tests.conftest import eventually
from tests.mqtt.mosquitto import Observer, mosquitto


class Serving:
    """Serves connections: publishes one message on each, and ends them with the test."""

    def __init__(self, *urls: str, access: Access | None = None) -> None:
        brokers = parse_brokers(",".join(urls))
        self.sessions = 0
        self.served = threading.Event()
        self.connector = Connector("ts-test", brokers, access or Access())

    def serve(self, session: Session) -> None:
        """Runs on the thread of the connector."""
        self.sessions += 1
        session.publish_retained("served", str(self.sessions).encode())
        self.served.set()
        while session.end is None and not self.connector.waiter.is_stopped:
            session.exchange(10.0)


@contextmanager
def serving(*urls: str, access: Access | None = None) -> Iterator[Serving]:
    """Start a connector to these brokers, with a will."""
    found = Serving(*urls, access=access)
    found.connector.start("client", found.serve, lambda: ("ended", b"will"))
    try:
        yield found
    finally:
        found.connector.close(5.0)


def test_it_serves_each_connection_and_returns_after_a_crash(tmp_path: Path) -> None:
    """A stop publishes what was published last, and no will."""
    with mosquitto(tmp_path) as broker, serving(broker.url) as found:
        assert found.served.wait(20)
        broker.kill()
        broker.start()
        with Observer(broker.port) as observer:
            assert observer.wait(lambda: observer.on("served") == [b"2"])
            found.connector.close(5.0)
            assert not observer.wait(lambda: observer.on("ended"), 0.2)
        assert "client-" in broker.log


def test_the_next_broker_is_used_if_one_refuses(tmp_path: Path) -> None:
    """The list of brokers is rotated."""
    with mosquitto(tmp_path) as broker, serving("mqtt://127.0.0.1:1", broker.url) as found:
        assert found.served.wait(20)


def test_a_hung_tls_server_delays_no_close() -> None:
    """It accepts connections and does not answer the handshake."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        serving(f"mqtts://127.0.0.1:{server.getsockname()[1]}") as found,
        server.accept()[0],
    ):
        began = time.monotonic()
        found.connector.close()
        took = time.monotonic() - began
    assert took < 5, "half a second is promised; the rest is for a busy machine"


def test_a_refused_password_is_logged_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason of the broker, at most three lines per minute."""
    password = tmp_path / "password"
    password.write_text("not-the-password")
    with (
        mosquitto(tmp_path, "allow_anonymous false\n") as broker,
        serving(broker.url, access=Access("ada", str(password))),
    ):
        assert eventually(
            lambda: broker.log.count("New client") + broker.log.count("not authorised") >= 4
        )
    assert (
        f"No connection to the MQTT broker 127.0.0.1:{broker.port}: it refused the connection"
        in caplog.text
    )
    assert caplog.text.count("No connection") <= 3
    assert "not-the-password" not in caplog.text


def test_a_broker_that_sends_garbage_is_left(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """And the next one is used; the thread lives on."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        mosquitto(tmp_path) as broker,
        serving(f"mqtt://127.0.0.1:{server.getsockname()[1]}", broker.url) as found,
        server.accept()[0] as connection,
    ):
        connection.recv(4096)
        connection.sendall(b"\x20\x02\x00\x00\x20\xff\xff\xff\x7f")
        with Observer(broker.port) as observer:
            assert observer.wait(lambda: observer.on("served"))
        assert found.sessions <= 2
    assert "it sent a packet of more than 65536 bytes" in caplog.text
