"""Builds every part from the settings.

What only some installations need is imported only then: receivers of notifications, other hosts, clients of a broker.
Nothing is started here.
"""

from .alerts import maybe_notifier, monitor
from .broker import broker_clients
from .errors import StartError, TemporaryStartError
from .hosts import labels, local_host, maybe_fleet, maybe_named
from .server import guard, listener, routes, viewers

__all__ = [
    "StartError",
    "TemporaryStartError",
    "broker_clients",
    "guard",
    "labels",
    "listener",
    "local_host",
    "maybe_fleet",
    "maybe_named",
    "maybe_notifier",
    "monitor",
    "routes",
    "viewers",
]
