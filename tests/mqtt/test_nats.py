"""The MQTT listener of NATS instead of mosquitto: another broker, with the same agents and front ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port

from tests.mqtt.mosquitto import PATH, Mosquitto
from tests.test_app_fleet import wait_for
from tests.test_app_watch import agent, front
from tests.viewers import assert_consecutive, read_samples, seqs, websockets_viewer


class Nats(Mosquitto):
    """A nats-server with MQTT on loopback."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._file.write_text(
            f"server_name: test\nlisten: 127.0.0.1:{free_port()}\n"
            f'jetstream {{ store_dir: "{directory}" }}\n'
            f"mqtt {{ listen: 127.0.0.1:{self.port} }}\n"
        )

    def _command(self) -> list[str]:
        return [shutil.which("nats-server", path=PATH) or "", "-c", str(self._file)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    """Start a broker."""
    if shutil.which("nats-server", path=PATH) is None:
        pytest.skip("nats-server is missing, and this system has no package of it")
    started = Nats(tmp_path)
    started.start()
    try:
        yield started
    finally:
        started.kill()


def test_a_fleet_on_nats(broker: Nats) -> None:
    """History, live samples, on-demand sections; gone; and nothing is missed after the broker was killed."""
    with agent(broker, "web-1") as one, agent(broker, "web-2"), front(broker) as app:
        wait_for(app, {"web-1": "live", "web-2": "live"})
        with websockets_viewer(app.url, "host=web-1&history=600&sections=load,processes") as viewer:
            viewer.read()
            numbers = seqs(viewer.read()["samples"])
            while "processes" not in (message := viewer.read()):
                numbers += seqs([message])
            numbers += seqs([message])
            broker.kill()
            wait_for(app, {"web-1": "unreachable", "web-2": "unreachable"})
            broker.start()
            wait_for(app, {"web-1": "live", "web-2": "live"})
            newest = one.stream.feed().seq
            while numbers[-1] < newest:
                numbers += seqs(read_samples(viewer, 1))
            assert_consecutive(numbers)
        one.close()
        wait_for(app, {"web-1": "gone", "web-2": "live"})
