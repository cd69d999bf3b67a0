"""Which client gets a frame: clients, the hub that serves them, and the pump that drains them.

Does not depend on sockets, HTTP or metrics.
"""

from .client import Client, End
from .frame_queue import Many
from .hub import Hub, HubStats
from .pump import write_pump

__all__ = ["Client", "End", "Hub", "HubStats", "Many", "write_pump"]
