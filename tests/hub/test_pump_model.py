"""The write pump against a model: while it writes, hub, peer and ts-grace make random steps."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.pump import write_pump
from tests.hub.transport import FakeTransport, numbered

Step = tuple[str, int]


class Simulation:
    """A client and its transport. During each write of the pump, the next steps of the script happen."""

    def __init__(self, script: list[list[Step]], first: int) -> None:
        self.transport = FakeTransport()
        self.client = Client(self.transport.try_send)
        self.script = iter(script)
        self.offered = first
        self.dropped: list[int] = []
        self.in_grace: int | None = None  # the number of the frame that ts-grace has
        if first:
            self.client.queue_first(numbered(n) for n in range(first))

    def send(self, data: bytes, deadline: float) -> None:
        """Make the next steps on the pump's own thread, and then write. After the script, try to finish."""
        for step, value in next(self.script, (("finish", 0),)):
            getattr(self, step)(value)
        self.transport.send(data)

    def offer(self, count: int) -> None:
        for number in range(self.offered, self.offered + count):
            if self.client.offer(numbered(number)):
                continue
            event("queue full")
            if self.client.in_grace:
                event("frame dropped during the grace period")
                self.client.drop()
                self.dropped.append(number)
            else:
                self.client.begin_grace(lambda _: None)
                self.in_grace = number
        self.offered += count

    def room(self, octets: int) -> None:
        self.transport.room = octets

    def grace(self, last: int) -> None:
        if self.in_grace is None:
            return
        dropped = self.client.dropped
        if self.client.end_grace(numbered(self.in_grace), last=bool(last)):
            if self.client.dropped > dropped:
                self.dropped.append(self.in_grace)
                event("grace period ended without room")
            else:
                event("grace period ended with room")
            self.in_grace = None

    def finish(self, _: int) -> None:
        """End the client if nothing waits."""
        self.grace(last=False)
        if self.in_grace is None and not self.client.queue.unfinished_tasks:
            self.client.close(End.POLICY)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.integers(1, 20)),
        st.tuples(st.just("room"), st.integers(0, 12)),
        st.tuples(st.just("grace"), st.integers(0, 1)),
    ),
    max_size=4,
)


@given(script=st.lists(STEPS, min_size=1, max_size=20), first=st.integers(0, 3))
@settings(max_examples=200)
def test_the_pump_writes_all_frames_that_are_not_dropped(
    script: list[list[Step]], first: int
) -> None:
    """Whatever happens during its writes, the peer gets each frame once and in order, except the dropped ones."""
    simulation = Simulation(script, first)
    client, transport = simulation.client, simulation.transport
    # With a period of 0 the pump pings after each frame. So it never sleeps, and every step can run on its thread.
    write_pump(client, simulation.send, ping=b".", ping_seconds=0)
    dropped = set(simulation.dropped)
    assert transport.numbers() == [n for n in range(simulation.offered) if n not in dropped]
    assert transport.rest == b""
    assert client.dropped == len(simulation.dropped) == len(dropped)
    assert client.sent == simulation.offered - client.dropped
