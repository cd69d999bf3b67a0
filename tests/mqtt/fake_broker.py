"""A session that records what is sent over it."""

from __future__ import annotations

import json
from typing import Any


class FakeBroker:
    """Records what is published and subscribed. ``takes``: whether it reads."""

    def __init__(self) -> None:
        self.takes = True
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.topics: list[str] = []

    def publish(self, topic: str, payload: bytes) -> bool:
        if self.takes:
            self.published.append((topic.rpartition("/")[2], json.loads(payload)))
        return self.takes

    def subscribe(self, topics: list[str]) -> None:
        self.topics += topics

    def unsubscribe(self, topics: list[str]) -> None:
        self.topics = [topic for topic in self.topics if topic not in topics]

    def taken(self, name: str) -> list[dict[str, Any]]:
        """Return and forget what was published on this topic."""
        found = [payload for topic, payload in self.published if topic == name]
        self.published = [one for one in self.published if one[0] != name]
        return found
