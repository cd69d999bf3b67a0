"""The discovery message, compared with what Home Assistant accepts.

Its schema: homeassistant/components/mqtt/schemas.py, and homeassistant/components/sensor/const.py for the pairs of
device class, unit and state class.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.metrics.sources.vitals import Vitals
from telemetry_stream.mqtt import messages
from telemetry_stream.mqtt.discovery import MAX_TEXTS, PROBLEMS, SENSORS, discovery
from telemetry_stream.mqtt.topics import Topics
from tests.fleet.test_alerts import ALERT

HOST = HostInfo("b3f1-2", "ada <b>{{ 1 }}</b>", "6.12.48", "AMD Ryzen", 4, "Debian GNU/Linux 12")
# DEVICE_CLASS_UNITS and DEVICE_CLASS_STATE_CLASSES: what is used here of them.
UNITS = {
    "data_rate": {
        "bit/s",
        "kbit/s",
        "Mbit/s",
        "Gbit/s",
        "B/s",
        "kB/s",
        "MB/s",
        "GB/s",
        "KiB/s",
        "MiB/s",
        "GiB/s",
    },
    "temperature": {"°C", "°F", "K"},
}
DEVICE = {
    "identifiers",
    "connections",
    "manufacturer",
    "model",
    "name",
    "hw_version",
    "serial_number",
    "sw_version",
    "via_device",
    "suggested_area",
    "configuration_url",
}
# BinarySensorDeviceClass, and PLATFORM_SCHEMA_MODERN of components/mqtt/binary_sensor.py with the entity's attributes.
BINARY_SENSOR = {
    "platform",
    "unique_id",
    "name",
    "device_class",
    "state_topic",
    "value_template",
    "json_attributes_topic",
    "json_attributes_template",
}
COMPONENT = {
    "platform",
    "unique_id",
    "name",
    "state_class",
    "value_template",
    "unit_of_measurement",
    "device_class",
    "icon",
    "suggested_display_precision",
}


def message(host: HostInfo = HOST) -> tuple[str, dict[str, Any]]:
    """Return topic and payload."""
    topic, payload = discovery(Topics("ts", "home", host.id), host, "1.2.3")
    return topic, json.loads(payload)


def test_the_topic_is_that_of_a_device() -> None:
    """With the id of the host unchanged, as an ACL has it: it may only have letters, digits, _ and -."""
    topic, _ = message()
    assert topic == f"homeassistant/device/{HOST.id}/config"
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)


def test_the_message_has_the_required_parts_and_no_others() -> None:
    """Device with an identifier, origin with a name, components with their platform."""
    _, found = message()
    assert set(found) == {"device", "origin", "availability", "state_topic", "components"}
    assert set(found["device"]) <= DEVICE
    assert found["device"]["identifiers"]
    assert found["device"]["name"] == HOST.name
    assert set(found["origin"]) == {"name", "sw_version", "support_url"}
    assert found["state_topic"] == "ts/1/home/b3f1-2/vitals"
    assert all(
        isinstance(value, str) for value in found["device"].values() if not isinstance(value, list)
    )


def test_unknown_facts_of_a_host_are_left_out() -> None:
    """null is not a text."""
    _, found = message(HostInfo("a", "", "6.1", None, None, None))
    assert found["device"] == {
        "identifiers": ["telemetry_stream_a"],
        "name": "a",
        "sw_version": "1.2.3",
    }


def test_availability_follows_the_state() -> None:
    """A template gives the usual payloads online and offline."""
    _, found = message()
    assert found["availability"] == [
        {
            "topic": "ts/1/home/b3f1-2/state",
            "value_template": "{{ 'online' if value_json.state == 'live' else 'offline' }}",
        }
    ]


def test_there_is_a_sensor_for_each_vital() -> None:
    """With an id of its own."""
    _, found = message()
    fields = [field.name for field in dataclasses.fields(Vitals)]
    assert list(SENSORS) == fields
    assert list(found["components"]) == [*fields, *PROBLEMS]
    ids = {component["unique_id"] for component in found["components"].values()}
    assert len(ids) == len(fields) + len(PROBLEMS)


@pytest.mark.parametrize("field", SENSORS)
def test_unit_and_device_class_belong_together(field: str) -> None:
    """A class without its unit is refused by Home Assistant; so is a unit that a class does not have."""
    component = message()[1]["components"][field]
    assert set(component) <= COMPONENT
    assert component["platform"] == "sensor"
    assert component["state_class"] == "measurement"  # allowed for both classes
    assert component["value_template"] == f"{{{{ value_json.{field} }}}}"
    unit, device_class = component.get("unit_of_measurement"), component.get("device_class")
    if device_class is None:
        assert unit in (None, "%")
    else:
        assert unit in UNITS[device_class]


@pytest.mark.parametrize("severity", PROBLEMS)
def test_a_problem_is_on_while_an_alert_of_its_severity_fires(severity: str) -> None:
    """Its templates are rendered as Home Assistant renders them: ON or OFF, and a JSON object of limited size."""
    component = message()[1]["components"][severity]
    assert set(component) == BINARY_SENSOR
    assert component["platform"] == "binary_sensor"
    assert component["device_class"] == "problem"
    assert (
        component["state_topic"] == component["json_attributes_topic"] == "ts/1/home/b3f1-2/alerts"
    )

    def rendered(*alerts: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        payload = json.loads(messages.alerts("run-1", 7.0, {"alerts": alerts, "omitted_alerts": 0}))
        environment = ImmutableSandboxedEnvironment()
        value, attributes = (
            environment.from_string(component[name]).render(value_json=payload)
            for name in ("value_template", "json_attributes_template")
        )
        return value, json.loads(attributes)

    other = {**ALERT, "severity": "info"}
    mine = {**ALERT, "severity": severity, "text": 'the "disk" <b>{{ 1 }}</b> is full'}
    assert rendered() == rendered(other) == ("OFF", {"alerts": []})
    assert rendered(other, mine) == ("ON", {"alerts": [mine["text"]]})
    many = [{**mine, "text": "x" * 512}] * 200
    assert len(json.dumps(rendered(*many)[1])) < 16_384
    assert len(rendered(*many)[1]["alerts"]) == MAX_TEXTS
