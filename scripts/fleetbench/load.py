"""What a front end costs: with direct hosts, and with a thousand hosts and viewers of their overview."""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from argparse import Namespace

from wire import maybe_frame, request

from .figures import Figure
from .invented import InventedAgents, InventedHosts
from .programs import (
    CLOSE_SECONDS,
    PROGRAM,
    cpu_percent,
    mosquitto,
    resident_mib,
    running,
    stop_seconds,
    stopped,
)
from .states import States, hosts_of

DIRECT_PERCENT = 1.0
OVERVIEW_PERCENT = 6.0
OVERVIEW_MIB = 60.0
ROW_AGE_SECONDS = 1.5
LIVE_AGAIN_SECONDS = 30.0


def direct(arguments: Namespace) -> list[Figure]:
    """The real program with --watch: a connection and a thread for each host, over loopback, without viewers."""
    figures = []
    for hosts in (1, arguments.direct):
        invented = InventedHosts(hosts)
        with running([*PROGRAM, "--no-collect", "--watch", invented.urls]) as (pid, _):
            time.sleep(arguments.settle)
            if invented.connected() != hosts:
                raise RuntimeError(f"{invented.connected()} of {hosts} hosts are watched")
            (used,) = cpu_percent([pid], arguments.seconds)
            target = DIRECT_PERCENT if hosts == arguments.direct else None
            figures += [
                Figure(f"{hosts} direct hosts, percent of a core", used, target),
                Figure(f"{hosts} direct hosts, resident MiB", resident_mib(pid)),
            ]
        invented.close()
    return figures


def overview(arguments: Namespace) -> list[Figure]:
    """A front end whose hosts are fed inside its process, as a broker's thread would feed them, with viewers."""
    with running(["-m", "fleetbench.fed_front", str(arguments.hosts)]) as (pid, port):
        time.sleep(arguments.settle)
        return watched_overview([pid], port, arguments)


def broker(arguments: Namespace) -> list[Figure]:
    """The real program with a real mosquitto, and viewers. Then the broker is frozen, and again while both stop."""
    with mosquitto() as (broker_pid, port):
        agents = InventedAgents(port, arguments.hosts)
        flags = ["--mqtt-broker", f"mqtt://127.0.0.1:{port}", "--mqtt-role", "watch"]
        limit = ["--no-collect", "--max-hosts", str(arguments.hosts)]
        with running([*PROGRAM, *limit, *flags]) as (pid, front_port):
            time.sleep(arguments.settle)
            figures = watched_overview([pid, broker_pid], front_port, arguments)
            figures += freeze(broker_pid, front_port, arguments.freeze)
            with stopped(broker_pid):
                seconds = stop_seconds(pid)
            stopping = Figure("front end stopped, broker hung: seconds", seconds, CLOSE_SECONDS)
        agents.close()
        return [*figures, stopping]


def watched_overview(pids: list[int], port: int, arguments: Namespace) -> list[Figure]:
    """Measure a front end, and its broker if there is one, while viewers of the overview are connected.

    Raises RuntimeError if it does not have all hosts.
    """
    shown = len(hosts_of(port))
    if shown != arguments.hosts:
        raise RuntimeError(f"{shown} of {arguments.hosts} hosts are shown")
    crowd = Viewers(port, arguments.viewers)
    time.sleep(arguments.settle / 3)
    crowd.begin()
    used = cpu_percent(pids, arguments.seconds)
    memory = [resident_mib(pid) for pid in pids]
    crowd.close()
    ages = sorted(crowd.ages_ms)
    what = f"{arguments.hosts} hosts, {arguments.viewers} viewers"
    return [
        Figure(f"{what}, percent of a core", used[0], OVERVIEW_PERCENT),
        Figure(f"{what}, resident MiB", memory[0], OVERVIEW_MIB),
        Figure(
            "messages for a viewer per second",
            crowd.messages / arguments.viewers / arguments.seconds,
        ),
        Figure("age of a row in seconds, median", ages[len(ages) // 2] / 1000),
        Figure("age of a row in seconds, p99", ages[len(ages) * 99 // 100] / 1000, ROW_AGE_SECONDS),
        *(Figure("broker, percent of a core", share) for share in used[1:]),
        *(Figure("broker, resident MiB", mib) for mib in memory[1:]),
    ]


def freeze(broker_pid: int, port: int, seconds: float) -> list[Figure]:
    """Freeze a broker, and count how often the state of a host changes."""
    states = States(port)
    frozen_until = time.monotonic() + seconds
    with stopped(broker_pid):
        while time.monotonic() < frozen_until:
            states.note()
    while not states.note():
        if time.monotonic() > frozen_until + LIVE_AGAIN_SECONDS:
            raise RuntimeError("not all hosts are live again after the broker was frozen")
    return [
        Figure(f"broker frozen for {seconds:g} s: changes of a host, most", states.most_changes, 1),
        Figure("the same: hosts reported lost", states.lost, 0),
        Figure("the same: seconds until all were live", time.monotonic() - frozen_until),
    ]


class Viewers:
    """Viewers of the overview, of which the first one notes the age of each row that it gets.

    ``messages`` of all viewers, and ``ages_ms``, are those since ``begin``.
    """

    def __init__(self, port: int, count: int) -> None:
        self.ages_ms: list[int] = []
        self.messages = 0
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._data: dict[socket.socket, bytes] = {}
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(request("/ws?hosts=*", upgrade=True))
            self._data[sock] = b""
            self._selector.register(sock, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Begin to count."""
        self.messages = 0
        self.ages_ms.clear()

    def _run(self) -> None:
        first = next(iter(self._data))
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.1):
                sock: socket.socket = key.fileobj  # type: ignore[assignment]
                arrived = time.monotonic_ns() // 1_000_000
                data = self._data[sock] + sock.recv(1 << 20)
                if data.startswith(b"HTTP/") and b"\r\n\r\n" in data:
                    data = data.partition(b"\r\n\r\n")[2]
                while not data.startswith(b"HTTP/") and (found := maybe_frame(data)):
                    _, payload, data = found
                    if payload.startswith(b'{"type":"overview"'):
                        self.messages += 1
                        if sock is first:
                            self._note(payload, arrived)
                self._data[sock] = data

    def _note(self, payload: bytes, arrived: int) -> None:
        message = json.loads(payload)
        column = message["columns"].index("rx")
        self.ages_ms += [arrived - row[column] for row in message["rows"] if row[column]]

    def close(self) -> None:
        """Disconnect."""
        self._stop.set()
        self._thread.join()
        for sock in self._data:
            sock.close()
