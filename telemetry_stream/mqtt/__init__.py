"""MQTT 3.1.1: publishes this host to a broker, and watches the hosts of a broker (watcher.py, for front ends only).

This package imports paho-mqtt, so it is imported only if a broker is configured.
"""

from .brokers import Access, AccessError, Broker, parse_brokers
from .publisher import Publisher

__all__ = ["Access", "AccessError", "Broker", "Publisher", "parse_brokers"]
