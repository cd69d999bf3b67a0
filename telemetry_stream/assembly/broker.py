"""Builds the clients of an MQTT broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..settings import Settings
from ..stream import HistoryLimits, Stream
from .errors import StartError

if TYPE_CHECKING:
    from ..fleet.fleet import Fleet
    from ..mqtt import Publisher
    from ..mqtt.watcher import Watcher


def broker_clients(
    settings: Settings,
    stream: Stream,
    fleet: Fleet | None,
    on_crash: Callable[[BaseException], None],
) -> tuple[Publisher | Watcher, ...]:
    """Return the clients of the MQTT broker: none, the publisher, the watcher, or both. Raises StartError."""
    if not settings.mqtt_broker:
        return ()
    try:
        from ..mqtt import Access, Publisher, parse_brokers  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "paho":
            raise
        raise StartError(
            "mqtt_broker requires the Python package paho-mqtt (pip install 'telemetry_stream[mqtt]')"
        ) from error
    brokers = parse_brokers(settings.mqtt_broker)
    access = Access(
        settings.mqtt_user,
        settings.mqtt_password_file,
        settings.mqtt_ca,
        settings.mqtt_cert,
        settings.mqtt_key,
    )
    clients: list[Publisher | Watcher] = []
    if settings.publishes:
        publisher = Publisher(
            stream,
            brokers,
            access,
            prefix=settings.mqtt_prefix,
            site=settings.site or "default",
            home_assistant=settings.mqtt_home_assistant,
            on_crash=on_crash,
        )
        clients.append(publisher)
    if fleet is not None and settings.watches_broker:
        from ..mqtt.watcher import Watcher  # noqa: PLC0415  # agents do not need it

        watcher = Watcher(
            fleet,
            stream,
            brokers,
            access,
            prefix=settings.mqtt_prefix,
            site=settings.site,
            history=HistoryLimits(settings.history, settings.max_history_bytes),
            on_crash=on_crash,
        )
        clients.append(watcher)
    return tuple(clients)
