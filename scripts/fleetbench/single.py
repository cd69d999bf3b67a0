"""A host and its broker: two hosts with one id, a close while the broker hangs, and no viewers."""

from __future__ import annotations

import http.client
import re
import time
from argparse import Namespace
from collections import Counter

from telemetry_stream.mqtt.brokers import Access, Broker
from telemetry_stream.mqtt.connector import Connector
from telemetry_stream.mqtt.session import Session

from .figures import Figure
from .fleet import Fleet, running_fleet, wait_until
from .programs import CLOSE_SECONDS, PROGRAM, mosquitto, running, stop_seconds, stopped
from .states import hosts_of

DUPLICATE_SECONDS = 10.0
WATCHED_SECONDS = 12.0
LEASE_SECONDS = 30.0


def clones(arguments: Namespace) -> list[Figure]:
    """Two agents have the same id. The log of the broker has the connects of each."""
    with running_fleet(["twin"]) as fleet:
        clone = fleet.program("clone", ["--host-id", "twin"])
        clone.start()
        try:
            shown = wait_until(lambda: is_duplicate(fleet), 30.0, "no duplicate is shown")
            connected = wait_until(lambda: len(connects(fleet)) == 2, 10.0, "no connection")
            time.sleep(max(0.0, arguments.clone_seconds - connected))
            most = max(connects(fleet).values())
            is_still = is_duplicate(fleet)
        finally:
            clone.close()
    return [
        Figure(
            "seconds from the start of the second until `duplicate`",
            shown,
            DUPLICATE_SECONDS,
        ),
        Figure(
            f"connects of each in {arguments.clone_seconds:g} s, most",
            most,
            max(1.0, arguments.clone_seconds / 60),
        ),
        Figure("still shown as `duplicate` after that (1: yes)", is_still),
    ]


def is_duplicate(fleet: Fleet) -> bool:
    """Whether the front end shows the host as a duplicate. Both have one topic, so they are one row."""
    return any(host["state"] == "duplicate" for host in hosts_of(fleet.fronts[0].port))


def connects(fleet: Fleet) -> Counter[str]:
    """Return how often each agent has connected, by client id."""
    return Counter(re.findall(r"New client connected from \S+ as (twin-\w+)", fleet.broker.log))


def close(arguments: Namespace) -> list[Figure]:
    """An agent is stopped while the broker works, while it hangs, and while it hangs since before the agent began."""
    times: dict[str, list[float]] = {"that works": [], "hung": [], "hung before it answered": []}
    with mosquitto() as (broker_pid, port):
        command = [*PROGRAM, "--mqtt-broker", f"mqtt://127.0.0.1:{port}"]
        for _ in range(arguments.rounds):
            with running(command) as (pid, _):
                time.sleep(2.0)
                times["that works"].append(stop_seconds(pid))
            with running(command) as (pid, _):
                time.sleep(2.0)
                with stopped(broker_pid):
                    times["hung"].append(stop_seconds(pid))
            with stopped(broker_pid), running(command) as (pid, _):
                time.sleep(2.0)
                times["hung before it answered"].append(stop_seconds(pid))
    return [
        Figure(
            f"broker {broker}: seconds from SIGTERM to the end, most",
            max(all_times),
            None if broker == "that works" else CLOSE_SECONDS,
        )
        for broker, all_times in times.items()
    ]


class Samples:
    """Receives the full samples of all hosts from the broker, as a front end does, and notes their bytes."""

    def __init__(self, port: int) -> None:
        self.received: list[tuple[float, int]] = []  # monotonic seconds, bytes
        self._connector = Connector("samples", [Broker("127.0.0.1", port, False)], Access())
        self._connector.start("samples", self._serve)

    def _serve(self, session: Session) -> None:
        session.subscribe(["ts/1/+/+/sample"])
        while session.end is None and not self._connector.waiter.is_stopped:
            for message in session.exchange(1.0):
                self.received.append((time.monotonic(), len(message.payload)))

    def bytes_after(self, at: float) -> int:
        """Return how many bytes arrived after a time."""
        return sum(size for received, size in self.received if received > at)

    def close(self) -> None:
        """Disconnect."""
        self._connector.close()


def quiet(arguments: Namespace) -> list[Figure]:
    """A viewer watches a host on a front end, and disconnects."""
    with running_fleet(["agent-0"]) as fleet:
        samples = Samples(fleet.port)
        viewer = http.client.HTTPConnection("127.0.0.1", fleet.fronts[0].port)
        viewer.request("GET", "/api/v1/stream?host=agent-0")
        response = viewer.getresponse()  # it has the socket
        time.sleep(WATCHED_SECONDS)
        watched = samples.bytes_after(0.0)
        response.close()
        left = time.monotonic()
        time.sleep(LEASE_SECONDS + arguments.seconds)
        last = max((at for at, _ in samples.received), default=left) - left
        rest = samples.bytes_after(left + LEASE_SECONDS)
        samples.close()
    return [
        Figure(f"bytes of `sample` in {WATCHED_SECONDS:g} s with a viewer", watched),
        Figure("seconds from its disconnection to the last `sample`", last),
        Figure(
            f"bytes of `sample` from {LEASE_SECONDS:g} s after it on, for {arguments.seconds:g} s",
            rest,
            0,
        ),
    ]
