"""The viewer that no attack may affect: a process that reads, answers pings, and prints when each sample arrived.

    python -m tests.attacks.honest http://127.0.0.1:8750/ [token]

prints a line for each sample: its seq, the ticks that the program has missed so far, the monotonic time of its arrival
in seconds, and for how many seconds this machine has paused so far. It is a process of its own because attackers in the
same interpreter would delay it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import NamedTuple

from tests.attacks.wire import bearer, dial, over_tls
from tests.viewers import TIMEOUT_SECONDS, address_of
from tests.websocket.peer import PING, PONG, TEXT, Peer, frame

SLEEP_SECONDS = 0.05
# Shorter ones also happen beside other work, and change no result.
MIN_PAUSE_SECONDS = 0.1


class Arrival(NamedTuple):
    seq: int
    ticks_missed: int
    at_seconds: float
    paused_seconds: float


class Pauses:
    """Finds out when this machine runs nothing, for example a virtual one whose host is busy.

    Its thread sleeps, and counts by how much too long it slept.
    """

    def __init__(self) -> None:
        # The pauses before the present sleep, and its begin.
        self._until_sleep = (0.0, time.monotonic())
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        sleep = threading.Event()
        while True:
            sleep.wait(SLEEP_SECONDS)
            self._until_sleep = self.seconds, time.monotonic()

    @property
    def seconds(self) -> float:
        """For how long it has paused, with a pause from which the thread has not woken up yet."""
        before, began = self._until_sleep
        overslept = time.monotonic() - began - SLEEP_SECONDS
        return before + (overslept if overslept >= MIN_PAUSE_SECONDS else 0.0)


class HonestViewer:
    """Starts the process and reads what it prints. ``end`` must be called."""

    def __init__(self, url: str, root: str, token: str | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.honest", url, *([token] if token else [])],
            stdout=subprocess.PIPE,
            cwd=root,
        )

    def read_until(self, at_seconds: float) -> list[Arrival]:
        """Return the samples since the last call, up to the first one that arrives after ``at_seconds``."""
        assert self.process.stdout is not None
        arrivals: list[Arrival] = []
        while not arrivals or arrivals[-1].at_seconds <= at_seconds:
            line = self.process.stdout.readline()
            assert line, "the honest viewer was disconnected"
            seq, missed, at, paused = line.split()
            arrivals.append(Arrival(int(seq), int(missed), float(at), float(paused)))
        return arrivals

    def end(self) -> None:
        """Stop the process."""
        self.process.kill()
        self.process.communicate()


def main(url: str, token: str | None = None) -> None:
    """Read until the connection ends, or until nothing has arrived for ``TIMEOUT_SECONDS``."""
    pauses = Pauses()
    sock = dial(address_of(url))
    if url.startswith("https:"):
        sock = over_tls(sock)
    with Peer(sock, headers=f"{bearer(token)}\r\n" if token else "") as peer:
        peer.sock.settimeout(TIMEOUT_SECONDS)
        while (got := peer.maybe_frame()) is not None:
            at = time.monotonic()
            if got.opcode == PING:
                peer.send(frame(PONG, got.payload))
            if got.opcode != TEXT:
                continue
            message = json.loads(got.payload)
            if message["type"] == "sample":
                missed = message["self"]["ticks_missed"]
                print(message["seq"], missed, at, pauses.seconds, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
