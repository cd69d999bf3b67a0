"""The example for mosquitto, with a real broker: TLS, users, and who may publish and read what."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_stream import App
from telemetry_stream.mqtt import Access, Publisher, parse_brokers
from telemetry_stream.settings import load
from tests.apps import FAST
from tests.mqtt.mosquitto import Mosquitto, Observer, mosquitto, program
from tests.mqtt.ticking import HOST_ID, ticking
from tests.test_app_fleet import wait_for
from tests.viewers import assert_consecutive, read_samples, seqs, websockets_viewer

ROOT = Path(__file__).parent.parent.parent
CERTIFICATE = ROOT / "tests/fixtures/tls/localhost.pem"
OTHER = "00000000000000aa"
BOTH = "00000000000000bb"  # of a front end that publishes its own host as well
USERS = (HOST_ID, OTHER, BOTH, "front", "homeassistant")
TOPIC = f"ts/1/default/{HOST_ID}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files that the example names, in one folder."""
    folder = tmp_path_factory.mktemp("mosquitto")
    (folder / "certs").mkdir()
    for name in ("fullchain.pem", "key.pem"):
        (folder / "certs" / name).write_bytes(CERTIFICATE.read_bytes())
    acl = (ROOT / "deploy/mosquitto.acl").read_text()
    # The lines for a front end that is also a host, as a user of the example makes them.
    lines = re.search(r"^#user HOST_ID\n(?:#topic .*\n)+", acl, re.MULTILINE)
    assert lines
    both = re.sub("^#", "", lines[0], flags=re.MULTILINE).replace("HOST_ID", BOTH)
    (folder / "mosquitto.acl").write_text(acl.replace(lines[0], both))
    (folder / "passwords").touch()
    for user in USERS:
        subprocess.run(
            [program("mosquitto_passwd"), "-b", str(folder / "passwords"), user, f"pw-{user}"],
            check=True,
        )
        (folder / f"{user}.password").write_text(f"pw-{user}\n")
    return folder


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[Mosquitto]:
    """Start the example on another port, with the files of the folder."""
    text = (ROOT / "deploy/mosquitto.conf").read_text()
    text = text.replace("/etc/mosquitto", str(folder))
    assert text.count("listener 8883\n") == 1
    with mosquitto(folder, text.replace("listener 8883\n", "")) as started:
        yield started


def observer(broker: Mosquitto, user: str, *topics: str) -> Observer:
    """Return a client with this user."""
    return Observer(broker.port, *topics, user=user, password=f"pw-{user}", ca=str(CERTIFICATE))


def received(broker: Mosquitto, user: str, topic: str, seconds: float) -> bool:
    """Return whether what ``user`` publishes on ``topic`` reaches the front ends, or a host for requests, in time."""
    reader = HOST_ID if topic.endswith(("/want", "/ask")) else "front"
    if topic.startswith("homeassistant"):
        reader = "homeassistant"
    with observer(broker, reader, topic) as reading, observer(broker, user, "none") as writing:
        writing.publish(topic, b"{}", qos=1).wait_for_publish(20)  # the broker has forwarded it
        return reading.wait(lambda: not all(old for *_, old in reading.messages), seconds)


def test_a_host_publishes_itself_over_tls(broker: Mosquitto, folder: Path) -> None:
    """With the user of its id, Home Assistant's message included; its state comes back, so nothing is logged."""
    access = Access(HOST_ID, str(folder / f"{HOST_ID}.password"), str(CERTIFICATE))
    brokers = parse_brokers(f"mqtts://localhost:{broker.port}")
    with (
        ticking() as host,
        observer(broker, "front", "ts/1/#") as front,
        observer(broker, "homeassistant", "homeassistant/#", f"{TOPIC}/vitals") as home,
    ):
        publisher = Publisher(host.stream, brokers, access, prefix="ts", home_assistant=True)
        publisher.start()
        try:
            assert front.wait(lambda: front.on("/vitals") and front.on("/hello"))
            front.publish(f"{TOPIC}/want", b'{"front":"f","seconds":30}')
            front.publish(f"{TOPIC}/ask", b'{"front":"f"}')
            assert front.wait(lambda: front.on("/sample") and front.on("/to/f"))
            assert home.wait(lambda: home.on("/config") and home.on("/vitals"))
        finally:
            publisher.close(5.0)
        assert front.wait(lambda: json.loads(front.on("/state")[-1])["state"] == "gone")


@pytest.mark.parametrize("role", ["watch", "both"])
def test_a_front_end_watches_a_host_over_tls(
    broker: Mosquitto, folder: Path, tmp_path: Path, role: str
) -> None:
    """With its user, or, if it publishes its own host as well, with that of its id, which has the commented lines."""
    url = f"mqtts://localhost:{broker.port}"
    user = "front" if role == "watch" else BOTH
    settings = replace(FAST, mqtt_broker=url, mqtt_ca=str(CERTIFICATE), host_id=BOTH)
    access = Access(HOST_ID, str(folder / f"{HOST_ID}.password"), str(CERTIFICATE))
    with ticking() as host:
        publisher = Publisher(host.stream, parse_brokers(url), access, prefix="ts")
        publisher.start()
        try:
            given = replace(
                settings,
                mqtt_role=role,
                mqtt_user=user,
                mqtt_password_file=str(folder / f"{user}.password"),
            )
            with App(given) as app:
                wait_for(app, {HOST_ID: "live", BOTH: "live"})
                with websockets_viewer(app.url, f"host={HOST_ID}&history=600") as viewer:
                    viewer.read()
                    numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 2))
                assert_consecutive(numbers)
        finally:
            publisher.close(5.0)


@pytest.mark.parametrize(
    ("user", "topic", "is_allowed"),
    [
        (HOST_ID, f"{TOPIC}/vitals", True),
        (HOST_ID, f"{TOPIC}/alerts", True),
        (OTHER, f"{TOPIC}/vitals", False),
        (OTHER, f"{TOPIC}/alerts", False),
        (OTHER, f"{TOPIC}/state", False),
        (OTHER, f"{TOPIC}/want", False),
        (OTHER, f"homeassistant/device/{HOST_ID}/config", False),
        ("front", f"{TOPIC}/want", True),
        ("front", f"{TOPIC}/ask", True),
        ("front", f"{TOPIC}/vitals", False),
        ("front", f"{TOPIC}/alerts", False),
        ("front", f"{TOPIC}/state", False),
        ("homeassistant", f"{TOPIC}/want", False),
    ],
)
def test_who_may_publish_what(broker: Mosquitto, user: str, topic: str, is_allowed: bool) -> None:
    """A host cannot speak for another one, and a front end cannot speak for a host."""
    assert received(broker, user, topic, 20 if is_allowed else 0.5) is is_allowed


def test_a_host_reads_only_its_own_requests(broker: Mosquitto) -> None:
    """And its own state; not those of others, and no samples."""
    with (
        observer(broker, OTHER, "#", "ts/1/+/+/want", f"{TOPIC}/vitals") as other,
        observer(broker, "front", "none") as front,
        observer(broker, HOST_ID, f"{TOPIC}/want") as host,
    ):
        front.publish(f"{TOPIC}/want", b"{}")
        assert host.wait(lambda: host.messages)
        front.publish(f"ts/1/default/{OTHER}/want", b"{}")
        assert other.wait(lambda: other.messages)
        assert {topic for topic, _, _ in other.messages} == {f"ts/1/default/{OTHER}/want"}


def test_nobody_is_anonymous_and_nothing_is_plain(broker: Mosquitto) -> None:
    """Neither without a password, nor without TLS."""
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    for is_tls, user in ((True, None), (True, HOST_ID), (False, "front")):
        client = paho.Client(CallbackAPIVersion.VERSION2)
        if is_tls:
            client.tls_set_context(ssl.create_default_context(cafile=str(CERTIFICATE)))
        if user is not None:
            client.username_pw_set(user, "pw-front")
        accepted: list[object] = []
        client.on_connect = lambda *arguments, found=accepted: (
            None if arguments[3].is_failure else found.append(1)
        )
        client.connect("localhost", broker.port)
        for _ in range(20):
            if client.loop(0.5):
                break
        client._reset_sockets()
        assert not accepted, (is_tls, user)


def test_the_compose_file_names_files_and_settings_that_exist() -> None:
    """Its variables are settings with valid values, and the files of this repository are at their places."""
    text = (ROOT / "docker-compose.fleet.yml").read_text()
    services = dict(re.findall(r"^  (\w+):\n((?:    .*\n)+)", text, re.MULTILINE))
    assert set(services) == {"broker", "agent", "front"}
    mounts = dict(re.findall(r"^      - \./(\S+):(/[^:\s]+):ro$", text, re.MULTILINE))
    assert all((ROOT / name).is_file() for name in mounts if name.startswith("deploy/"))
    inside = set(mounts.values())
    for name, role in (("agent", "publish"), ("front", "watch")):
        pairs = re.findall(r"^      (TELEMETRY_STREAM_\w+): (.*)$", services[name], re.MULTILINE)
        environment = {
            variable: re.sub(r"\$\{\w+(:\?[^}]*)?\}", "ada", value).strip('"')
            for variable, value in pairs
        }
        settings = load([], environment)
        assert (settings.mqtt_broker, settings.mqtt_role) == ("mqtts://ada:8883", role)
        assert {settings.mqtt_password_file, settings.mqtt_ca} <= inside
        if role == "publish":  # the ACL permits only topics of the host whose id is the user
            assert settings.host_id == settings.mqtt_user == "ada"
    named = re.findall(
        r"/etc/mosquitto/\S+", re.sub(r"#.*", "", (ROOT / "deploy/mosquitto.conf").read_text())
    )
    assert len(named) == 4
    assert set(named) <= inside
