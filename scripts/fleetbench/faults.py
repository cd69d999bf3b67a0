"""What a fault costs the others: of a broker, an agent, a front end or a viewer that is down, frozen or stuck."""

from __future__ import annotations

import socket
import time
from argparse import Namespace
from contextlib import ExitStack

from soak_disturbed import Program, ask
from soak_viewer import Viewer
from wire import request

from .figures import Figure
from .fleet import Fleet, running_fleet, viewing, wait_until
from .states import States

RETURN_SECONDS = 8.0
GIVE_UP_SECONDS = 60.0
AFTER_SECONDS = 20.0  # from 15 s after the return on, the front end counts silence as a loss again
STUCK_VIEWERS = 10
STUCK_SECONDS = 30.0


def outage(arguments: Namespace) -> list[Figure]:
    """The broker is killed, and started again after a while. A viewer of each host reads from the front end."""
    with running_fleet() as fleet:
        viewers = [Viewer(agent.name, fleet.fronts, 0) for agent in fleet.agents]
        with viewing(viewers):
            figures = [
                figure
                for seconds in arguments.outages
                for figure in without_broker(fleet, viewers, seconds)
            ]
    samples = sum(viewer.samples for viewer in viewers)
    gaps = sum(len(viewer.gaps) for viewer in viewers)
    return [*figures, Figure("samples of the viewers", samples), Figure("gaps left", gaps, 0)]


def without_broker(fleet: Fleet, viewers: list[Viewer], seconds: float) -> list[Figure]:
    """Measure one outage."""
    states = States(fleet.fronts[0].port)
    fleet.broker.disturb("kill")
    note_for(states, seconds)
    before = fleet.live()
    fleet.broker.restore()
    returned = wait_until(
        lambda: states.note() and fleet.are_live_after(before),
        GIVE_UP_SECONDS,
        "not all hosts are live again",
    )
    note_for(states, AFTER_SECONDS)
    wait_until(lambda: fleet.has_caught_up(viewers), GIVE_UP_SECONDS, "a viewer is behind")
    what = f"broker down for {seconds:g} s"
    return [
        Figure(f"{what}: seconds until all are live", returned, RETURN_SECONDS),
        Figure(f"{what}: hosts falsely lost", states.lost, 0),
    ]


def note_for(states: States, seconds: float) -> None:
    """Note the states for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        states.note()


def frozen(arguments: Namespace) -> list[Figure]:
    """The broker is frozen for a while, and then an agent."""
    figures = []
    with running_fleet() as fleet:
        for program in (fleet.broker, fleet.agents[0]):
            states = States(fleet.fronts[0].port)
            program.disturb("freeze")
            note_for(states, arguments.freeze)
            before = fleet.live()
            program.restore()
            wait_until(
                lambda: states.note() and fleet.are_live_after(before),  # noqa: B023  # called at once
                GIVE_UP_SECONDS,
                "not all hosts are live again",
            )
            note_for(states, arguments.freeze)  # a late will would change it now
            what = f"{program.name} frozen for {arguments.freeze:g} s"
            figures += [
                Figure(f"{what}: changes of a host, most", states.most_changes, 1),
                Figure(
                    f"{what}: hosts reported lost",
                    states.lost,
                    0 if program is fleet.broker else None,  # a frozen agent may be
                ),
            ]
    return figures


def stuck(_: Namespace) -> list[Figure]:
    """Viewers of an agent and of a front end read nothing, and another front end is frozen while it has a lease."""
    with (
        running_fleet(["agent-0"], fronts=2, flags=["--interval", "0.1"]) as fleet,
        ExitStack() as stack,
    ):
        (agent,), (front, other) = fleet.agents, fleet.fronts
        # The lease of the other front end continues while it is frozen.
        stack.enter_context(viewing([Viewer(agent.name, [other], 0)]))
        readers = [Viewer(agent.name, [agent], 0), Viewer(agent.name, [front], 0)]
        stack.enter_context(viewing(readers))
        for program in (agent, front):
            for _number in range(STUCK_VIEWERS):
                stack.enter_context(stuck_viewer(program, agent.name))
        other.disturb("freeze")
        time.sleep(STUCK_SECONDS)
        other.restore()
        wait_until(lambda: fleet.has_caught_up(readers), GIVE_UP_SECONDS, "a viewer is behind")
        dropped = [
            ask(one.port, "/api/v1/clients", 5.0)["dropped_frames_total"] for one in (agent, front)
        ]
    return [
        Figure("frames dropped for stuck viewers of the agent", dropped[0]),
        Figure("frames dropped for stuck viewers of a front end", dropped[1]),
        Figure("samples of another viewer of the agent", readers[0].samples),
        Figure("samples of another viewer of that front end", readers[1].samples),
        Figure("gaps of both", sum(len(one.gaps) for one in readers), 0),
    ]


def stuck_viewer(program: Program, host: str) -> socket.socket:
    """Return a viewer that will read nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    sock.connect(("127.0.0.1", program.port))
    sock.sendall(request(f"/ws?host={host}&history=600", upgrade=True))
    return sock
