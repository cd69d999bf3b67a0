"""An app with an MQTT broker: the whole program publishes, and stops in time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_stream import App, StartError
from tests.apps import FAST
from tests.mqtt.mosquitto import Observer, mosquitto

# What an agent needs while it has no broker.
WITHOUT = "import sys, telemetry_stream.app, telemetry_stream.cli; print([n for n in sys.modules if 'mqtt' in n])"


def test_a_host_is_published_from_start_to_close(tmp_path: Path) -> None:
    """With the id of the host as the program shows it to viewers."""
    with mosquitto(tmp_path) as broker, Observer(broker.port, "ts/#") as observer:
        with App(replace(FAST, mqtt_broker=broker.url)) as app:
            assert observer.wait(lambda: observer.on("/vitals"))
            host = app.stream.feed().host.id
        assert observer.wait(lambda: b"gone" in observer.on("/state")[-1])
        assert observer.messages[0][0].startswith(f"ts/1/default/{host}/")
        assert json.loads(observer.on("/hello")[0])["host"]["id"] == host


def test_a_frozen_broker_does_not_delay_the_close(tmp_path: Path) -> None:
    """The whole program has two seconds."""
    with mosquitto(tmp_path) as broker:
        app = App(replace(FAST, mqtt_broker=broker.url))
        app.start()
        with Observer(broker.port, "ts/#") as observer:
            assert observer.wait(lambda: observer.on("/vitals"))
        broker.freeze()
        began = time.monotonic()
        app.close()
        took = time.monotonic() - began
        broker.thaw()
    assert took < 4, "two are promised; the rest is for a busy machine"


def test_the_client_is_imported_only_if_it_is_used() -> None:
    """It takes 2 MiB and 40 ms."""
    output = subprocess.check_output([sys.executable, "-c", WITHOUT], text=True)
    assert output == "[]\n"


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    for name in [name for name in sys.modules if name.startswith("telemetry_stream.mqtt")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(StartError, match=r"pip install 'telemetry_stream\[mqtt\]'"):
        App(replace(FAST, mqtt_broker="mqtt://127.0.0.1"))


def test_an_unusable_file_is_one_sentence() -> None:
    """And everything that was started is stopped again."""
    settings = replace(
        FAST, mqtt_broker="mqtt://127.0.0.1", mqtt_user="ada", mqtt_password_file="/no/such"
    )
    with pytest.raises(StartError, match="broker: /no/such cannot be read"):
        App(settings).start()
