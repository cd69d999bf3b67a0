"""A real mosquitto with its own configuration, and an observer: a client that records what it gets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from ports import free_port

from tests.conftest import eventually

VENV = Path(__file__).parent.parent.parent / ".venv/bin"
PATH = f"{VENV}:{os.environ['PATH']}:/usr/sbin"


def program(name: str) -> str:
    """Return the path of mosquitto or one of its tools."""
    found = shutil.which(name, path=PATH)
    assert found, (
        f"{name} is missing: run scripts/test once, or install it (Debian: apt install mosquitto)"
    )
    return found


class Mosquitto:
    """A broker on loopback. ``configuration`` follows the line of its listener."""

    def __init__(self, directory: Path, configuration: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._file = directory / f"mosquitto-{self.port}.conf"
        self._file.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{configuration}")
        self._log = directory / f"mosquitto-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        assert eventually(self._accepts, 20), self.log

    def _command(self) -> list[str]:
        return [program("mosquitto"), "-v", "-c", str(self._file)]

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Stop its process, so that it answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it continue."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def mosquitto(
    directory: Path, configuration: str = "allow_anonymous true\n"
) -> Iterator[Mosquitto]:
    """Start a broker, and end it after the block."""
    broker = Mosquitto(directory, configuration)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


class Observer:
    """A front end in a test: subscribes to topics, records every message, and publishes requests."""

    def __init__(
        self,
        port: int,
        *topics: str,
        user: str | None = None,
        password: str | None = None,
        ca: str | None = None,
    ) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []  # topic, payload, is retained
        self._arrived = threading.Condition()
        self._subscribed = threading.Event()
        self._topics = topics
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        if user:
            self._client.username_pw_set(user, password)
        if ca:
            self._client.tls_set_context(ssl.create_default_context(cafile=ca))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port, keepalive=600)
        self._client.loop_start()
        assert self._subscribed.wait(20)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(topic, 0) for topic in self._topics or ("#",)])

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed.set()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._arrived:
            self.messages.append((message.topic, bytes(message.payload), message.retain))
            self._arrived.notify_all()

    def on(self, end: str) -> list[bytes]:
        """Return the payloads that arrived on topics with this end."""
        return [payload for topic, payload, _ in self.messages if topic.endswith(end)]

    def wait(self, condition: Callable[[], object], seconds: float = 20.0) -> bool:
        """Return whether ``condition`` becomes true; it is checked after each message."""
        with self._arrived:
            return bool(self._arrived.wait_for(condition, seconds))

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0
    ) -> paho.MQTTMessageInfo:
        """Publish a message."""
        return self._client.publish(topic, payload, retain=retain, qos=qos)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # its socket pair, which it does not close
