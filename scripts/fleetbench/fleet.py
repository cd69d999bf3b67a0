"""A small fleet of real programs on loopback: a mosquitto, agents, and front ends."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ports import free_port
from soak_disturbed import Program, ask
from soak_viewer import Viewer

from .programs import mosquitto_path
from .states import hosts_of

START_SECONDS = 30.0


class Fleet:
    """The programs, none of which runs yet. The name of an agent is the id of its host."""

    def __init__(self, folder: Path, agents: Iterable[str], fronts: int, flags: list[str]) -> None:
        folder.chmod(0o755)  # mosquitto may have its own user
        self._folder = folder
        self.port = free_port()
        configuration = folder / "mosquitto.conf"
        configuration.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        command = [mosquitto_path(), "-c", str(configuration)]
        self.broker = Program("broker", self.port, command, folder / "broker.log")
        self.agents = [self.program(name, ["--host-id", name, *flags]) for name in agents]
        watching = ["--mqtt-role", "watch", "--no-collect"]
        self.fronts = [self.program(f"front-{number}", watching) for number in range(fronts)]

    def program(self, name: str, flags: list[str]) -> Program:
        """Return a program that uses the broker."""
        port, log = free_port(), self._folder / f"{name}.log"
        own = ["--port", str(port), "--state-dir", str(self._folder / name)]
        own += ["--mqtt-broker", f"mqtt://127.0.0.1:{self.port}", "--log-level", "info"]
        return Program(name, port, [sys.executable, "-m", "telemetry_stream", *own, *flags], log)

    def live(self) -> dict[tuple[str, str], int]:
        """Return the newest sequence numbers of the live hosts, by front end and host."""
        shown = {}
        for front in self.fronts:
            with suppress(OSError):
                for host in hosts_of(front.port):
                    if host["state"] == "live" and host["seq"]:
                        shown[front.name, host["id"]] = host["seq"]
        return shown

    def are_live_after(self, before: dict[tuple[str, str], int]) -> bool:
        """Whether each front end shows each agent as live, with newer data than ``before``."""
        shown = self.live()
        pairs = [(front.name, agent.name) for front in self.fronts for agent in self.agents]
        return all(shown.get(pair, 0) > before.get(pair, 0) for pair in pairs)

    def has_caught_up(self, viewers: list[Viewer]) -> bool:
        """Whether each viewer has the newest sample of its host, or the one before."""
        newest = {agent.name: ask(agent.port, "/api/v1/sample", 5.0) for agent in self.agents}
        return all(
            viewer.stream == newest[viewer.host]["stream"]
            and viewer.seq >= newest[viewer.host]["seq"] - 1
            for viewer in viewers
        )


@contextmanager
def running_fleet(
    agents: Iterable[str] = ("agent-0", "agent-1", "agent-2"),
    fronts: int = 1,
    flags: Iterable[str] = (),
) -> Iterator[Fleet]:
    """Start a fleet, wait until all agents are live, and end it after the block. ``flags`` are those of the agents."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleet = Fleet(Path(folder), agents, fronts, list(flags))
        for program in (fleet.broker, *fleet.agents, *fleet.fronts):
            program.start()
            stack.callback(program.close)
        wait_until(lambda: fleet.are_live_after({}), START_SECONDS, "the fleet did not start")
        yield fleet


@contextmanager
def viewing(viewers: list[Viewer]) -> Iterator[None]:
    """Let viewers read."""
    with ExitStack() as stack:
        for viewer in viewers:
            viewer.start()
            stack.callback(viewer.join, 10.0)
            stack.callback(viewer.stop)
        wait_until(
            lambda: all(one.samples for one in viewers), START_SECONDS, "a viewer gets nothing"
        )
        yield


def wait_until(condition: Callable[[], bool], seconds: float, otherwise: str) -> float:
    """Wait for a condition; return after how many seconds it was true. Raises RuntimeError."""
    began, pause = time.monotonic(), threading.Event()
    while not condition():
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"{otherwise} within {seconds:g} s")
        pause.wait(0.05)
    return time.monotonic() - began
