"""A client for a write pump, and a send that can end it, so that the pump may run on the test's own thread."""

from __future__ import annotations

from telemetry_stream.hub.client import QUEUE_FRAMES, Client, End

WAIT_SECONDS = 10.0  # for an event that comes at once unless the code is broken


def stuck(queue_frames: int = QUEUE_FRAMES) -> Client:
    """A client whose socket takes nothing straight, so that all goes through its pump."""
    return Client(lambda _: 0, queue_frames=queue_frames)


class Sent:
    """A send that remembers, and ends the client after so many writes."""

    def __init__(self, client: Client, until: int) -> None:
        self.client = client
        self.until = until
        self.data: list[bytes] = []

    def __call__(self, data: bytes, deadline: float) -> None:
        self.data.append(data)
        if len(self.data) == self.until:
            self.client.close(End.POLICY)
