"""The write pump against a model: hub, peer and grace act at random in the course of its writes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.hub.client import Client, End
from telemetry_stream.hub.pump import write_pump
from tests.hub.wire import Wire, numbered


class World:
    """All that goes on while the pump is inside a write: hub, peer and ts-grace, as steps on the pump's own thread."""

    def __init__(self, script: list[list[tuple[str, int]]], queue_frames: int, owed: int) -> None:
        self.wire = Wire()
        self.client = Client(self.wire.try_send, queue_frames=queue_frames)
        self.script = iter(script)
        self.offered = owed
        self.dropped: list[int] = []
        self.straggling: int | None = None
        if owed:
            self.client.owe(numbered(n) for n in range(owed))

    def send(self, data: bytes, deadline: float) -> None:
        """The pump's send, in the course of which the next steps of the script happen."""
        for what, value in next(self.script, (("settle", 0),)):
            getattr(self, what)(value)
        self.wire.send(data)

    def offer(self, count: int) -> None:
        for number in range(self.offered, self.offered + count):
            if self.client.offer(numbered(number)):
                continue
            if self.client.in_grace:
                self.client.drop()
                self.dropped.append(number)
            else:
                self.client.begin_grace(lambda _: None)
                self.straggling = number
        self.offered += count

    def room(self, octets: int) -> None:
        self.wire.room = octets

    def grace(self, last: int) -> None:
        if self.straggling is None:
            return
        dropped = self.client.dropped
        if self.client.end_grace(numbered(self.straggling), last=bool(last)):
            if self.client.dropped > dropped:
                self.dropped.append(self.straggling)
            self.straggling = None

    def settle(self, _: int) -> None:
        """Nothing new comes any more; once all that waits is written, the client ends."""
        self.grace(last=False)
        if self.straggling is None and not self.client.queue.unfinished_tasks:
            self.client.close(End.POLICY)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.integers(1, 5)),
        st.tuples(st.just("room"), st.integers(0, 12)),
        st.tuples(st.just("grace"), st.integers(0, 1)),
    ),
    max_size=4,
)


@given(
    queue_frames=st.integers(1, 5),
    owed=st.integers(0, 3),
    script=st.lists(STEPS, min_size=1, max_size=20),
)
@settings(max_examples=300, deadline=None)
def test_pump_against_model(
    queue_frames: int, owed: int, script: list[list[tuple[str, int]]]
) -> None:
    """Whatever happens during its writes, the peer gets what was offered less what was dropped, in order, once."""
    world = World(script, queue_frames, owed)
    # A period of nothing: a ping after each frame, so the pump never sleeps and all can happen on this thread.
    write_pump(world.client, world.send, ping=b".", ping_seconds=0)
    lost = set(world.dropped)
    assert world.wire.numbers() == [n for n in range(world.offered) if n not in lost]
    assert world.wire.rest == b""
    assert world.client.dropped == len(world.dropped) == len(lost)
    assert world.client.sent == world.offered - world.client.dropped
