"""Who gets a frame: clients, the hub that serves them, the pump that drains them. Knows no socket, HTTP or metric."""

from .client import Client, End
from .hub import Hub, HubStats
from .pump import write_pump

__all__ = ["Client", "End", "Hub", "HubStats", "write_pump"]
