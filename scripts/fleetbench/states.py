"""The states of the hosts that a front end shows."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

POLL_SECONDS = 0.2


def hosts_of(port: int) -> list[dict[str, Any]]:
    """Return the hosts of a front end. Raises OSError."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/hosts", timeout=10) as answer:
        hosts: list[dict[str, Any]] = json.load(answer)["hosts"]
        return hosts


class States:
    """The states that each host has had since all were live."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._seen: dict[str, list[str]] = {}

    def note(self) -> bool:
        """Note the states a moment later. Return whether all hosts are live."""
        time.sleep(POLL_SECONDS)
        for host in hosts_of(self._port):
            states = self._seen.setdefault(host["id"], ["live"])
            if states[-1] != host["state"]:
                states.append(host["state"])
        return all(states[-1] == "live" for states in self._seen.values())

    @property
    def most_changes(self) -> int:
        """How often the host that changed most got another state than live, from which it returned."""
        return max(sum(state != "live" for state in states[1:]) for states in self._seen.values())

    @property
    def lost(self) -> int:
        """How many hosts were lost at some time."""
        return sum("lost" in states for states in self._seen.values())
