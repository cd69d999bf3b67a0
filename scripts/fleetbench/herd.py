"""How many of a thousand clients return to a restarted broker in the same moment.

The clients are the program's own, with its delays, on connections to a real mosquitto: a thread each, in a few
processes. They publish nothing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from telemetry_stream.mqtt.brokers import Access, Broker
from telemetry_stream.mqtt.connector import Connector
from telemetry_stream.mqtt.session import Session
from telemetry_stream.net.backoff import STABLE_SECONDS

from .figures import Figure
from .fleet import Fleet, wait_until
from .programs import ROOT

PROCESSES = 4
WINDOW_SECONDS = 0.1
PERCENT = 10.0
CONNECT_SECONDS = 60.0


class Client:
    """One client, on a thread. Prints when it began to connect and when it was accepted (monotonic seconds)."""

    def __init__(self, port: int) -> None:
        self._began = 0.0
        self._connector = Connector("ts-mqtt", [Broker("127.0.0.1", port, False)], Access())
        self._connector.start("herd", self._serve, self._will)

    def _will(self) -> None:
        """Note the begin of an attempt, for which the will is requested."""
        self._began = time.monotonic()

    def _serve(self, session: Session) -> None:
        print(f"{self._began} {time.monotonic()}\n", end="", flush=True)
        while session.end is None:
            session.exchange(2.5)


class Herd:
    """The clients of all processes. ``connects`` are the two times of each connect."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.connects: list[tuple[float, float]] = []
        for process in processes:
            threading.Thread(target=self._read, args=(process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            began, accepted = map(float, line.split())
            self.connects.append((began, accepted))


@contextmanager
def running_herd(port: int, count: int) -> Iterator[Herd]:
    """Run the clients in a few processes."""
    each = count // PROCESSES
    command = [sys.executable, "-m", "fleetbench.herd", str(port), str(each)]
    with ExitStack() as stack:
        processes = []
        for _ in range(PROCESSES):
            process = stack.enter_context(
                subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    cwd=ROOT / "scripts",
                    env={"PYTHONPATH": str(ROOT)},
                )
            )
            stack.callback(process.kill)
            processes.append(process)
        yield Herd(processes)


def herd(arguments: Namespace) -> list[Figure]:
    """Kill the broker, and start it again after a while."""
    figures = []
    count = arguments.clients // PROCESSES * PROCESSES
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleet = Fleet(Path(folder), [], 0, [])
        stack.callback(fleet.broker.close)
        fleet.broker.start()
        herd = stack.enter_context(running_herd(fleet.port, count))
        for seconds in arguments.restarts:
            wait_until(lambda: len(herd.connects) >= count, CONNECT_SECONDS, "not all connect")
            time.sleep(STABLE_SECONDS + 1.0)
            herd.connects.clear()
            fleet.broker.disturb("kill")
            time.sleep(seconds)
            fleet.broker.restore()
            restarted = time.monotonic()
            wait_until(lambda: len(herd.connects) >= count, CONNECT_SECONDS, "not all return")
            began, accepted = (sorted(times) for times in zip(*herd.connects, strict=True))
            what = f"broker down for {seconds:g} s, {count} clients"
            figures += [
                Figure(
                    f"{what}: percent that began in the busiest 100 ms", busiest(began), PERCENT
                ),
                Figure(
                    f"{what}: percent accepted in the busiest 100 ms", busiest(accepted), PERCENT
                ),
                Figure(f"{what}: seconds until all have returned", accepted[-1] - restarted),
            ]
    return figures


def busiest(times: list[float]) -> float:
    """Return the percentage of the sorted times in the window that has most of them."""
    first = most = 0
    for last, at in enumerate(times):
        while times[first] <= at - WINDOW_SECONDS:
            first += 1
        most = max(most, last - first + 1)
    return 100 * most / len(times)


if __name__ == "__main__":
    clients = [Client(int(sys.argv[1])) for _ in range(int(sys.argv[2]))]
    threading.Event().wait()
