"""Home Assistant's device discovery: one retained message, after which this host is a device with a sensor per vital,
and a binary sensor for the alerts of each severity that is a problem.

Reference: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, and the device classes of
https://developers.home-assistant.io/docs/core/entity/sensor/. There is none for shares of time or of space.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..metrics.sources.host import HostInfo
from ..stream import to_json
from .topics import Topics

PREFIX = "homeassistant"  # its default for discovery topics
SUPPORT_URL = "https://github.com/telemetry-stream/telemetry_stream"


class Sensor(NamedTuple):
    """How one field of the vitals is shown."""

    name: str
    unit: str | None
    device_class: str | None
    icon: str | None
    decimals: int


SENSORS = {
    "cpu": Sensor("CPU", "%", None, "mdi:cpu-64-bit", 1),
    "memory": Sensor("Memory", "%", None, "mdi:memory", 1),
    "swap": Sensor("Swap", "%", None, "mdi:swap-horizontal", 1),
    "load": Sensor("Load per core", None, None, "mdi:gauge", 2),
    "pressure": Sensor("Pressure", "%", None, "mdi:car-brake-alert", 1),
    "disk": Sensor("Busiest disk", "%", None, "mdi:harddisk", 1),
    "filesystem": Sensor("Fullest filesystem", "%", None, "mdi:database", 1),
    "rx": Sensor("Received", "B/s", "data_rate", None, 0),
    "tx": Sensor("Sent", "B/s", "data_rate", None, 0),
    "celsius": Sensor("Hottest sensor", "°C", "temperature", None, 1),
}

# The alerts of severity "info" are no problem.
PROBLEMS = {"critical": "Critical alerts", "warning": "Warnings"}
# Home Assistant does not record attributes of more than 16 KiB; a text has up to 0.5 KiB.
MAX_TEXTS = 20


def discovery(topics: Topics, host: HostInfo, version: str) -> tuple[str, bytes]:
    """Return the topic and the payload of the discovery message.

    Raises ValueError if the id of the host contains a dot: Home Assistant allows none in the topic. With another
    character in its place, the topic could be that of another host, and the ACL of a broker would not match it.
    """
    if "." in topics.host:
        raise ValueError(
            f"host id {topics.host!r} must not contain a dot with device discovery of Home Assistant, "
            "whose topics may not have one"
        )
    device: dict[str, Any] = {
        "identifiers": [f"telemetry_stream_{topics.host}"],
        "name": host.name or topics.host,
        "sw_version": version,
    }
    if host.cpu_model:
        device["model"] = host.cpu_model
    if host.os:
        device["hw_version"] = host.os
    message = {
        "device": device,
        "origin": {"name": "telemetry_stream", "sw_version": version, "support_url": SUPPORT_URL},
        "availability": [
            {
                "topic": topics.of("state"),
                "value_template": "{{ 'online' if value_json.state == 'live' else 'offline' }}",
            }
        ],
        "state_topic": topics.of("vitals"),
        "components": {
            **{field: _component(topics.host, field, sensor) for field, sensor in SENSORS.items()},
            **{severity: _problem(topics, severity, name) for severity, name in PROBLEMS.items()},
        },
    }
    return f"{PREFIX}/device/{topics.host}/config", to_json(message)


def _component(host: str, field: str, sensor: Sensor) -> dict[str, Any]:
    component: dict[str, Any] = {
        "platform": "sensor",
        "unique_id": f"telemetry_stream_{host}_{field}",
        "name": sensor.name,
        "state_class": "measurement",
        # null is shown as "unknown".
        "value_template": f"{{{{ value_json.{field} }}}}",
        "suggested_display_precision": sensor.decimals,
    }
    if sensor.unit is not None:
        component["unit_of_measurement"] = sensor.unit
    if sensor.device_class is not None:
        component["device_class"] = sensor.device_class
    if sensor.icon is not None:
        component["icon"] = sensor.icon
    return component


def _problem(topics: Topics, severity: str, name: str) -> dict[str, Any]:
    """Return a binary sensor that is on while an alert of this severity fires. Its attribute has their texts."""
    chosen = f"value_json.alerts | selectattr('severity', 'eq', '{severity}')"
    texts = f"({chosen} | map(attribute='text') | list)[:{MAX_TEXTS}]"
    return {
        "platform": "binary_sensor",
        "unique_id": f"telemetry_stream_{topics.host}_{severity}",
        "name": name,
        "device_class": "problem",
        "state_topic": topics.of("alerts"),
        "value_template": f"{{{{ 'ON' if {chosen} | list else 'OFF' }}}}",
        "json_attributes_topic": topics.of("alerts"),
        "json_attributes_template": f"{{{{ {{'alerts': {texts}}} | tojson }}}}",
    }
