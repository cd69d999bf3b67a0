"""A client against a model: any order of steps by hub, ts-grace and pump loses, repeats and reorders no frame."""

from __future__ import annotations

import itertools

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from telemetry_stream.hub.client import Client, End, offer_all
from telemetry_stream.hub.frame_queue import FLUSH, QUEUE_FRAMES
from tests.hub.batches import FakeBatch
from tests.hub.transport import FakeTransport, numbered


class ClientModel(RuleBasedStateMachine):
    """Each rule is one step of a thread. The model is the list of the numbers that were offered."""

    @initialize(first=st.integers(0, 3))
    def connect(self, first: int) -> None:
        self.transport = FakeTransport()
        self.client = Client(self.transport.try_send, sink=self.transport.try_send)
        self.offered = 0
        # Frames of queue_first that still wait.
        self.first = [self.new_frame() for _ in range(first)]
        self.taken: list[bytes] | None = None  # the item that the pump writes
        self.in_grace: list[bytes] = []  # the frame that ts-grace has, if any
        self.room_reports = 0
        if first:
            self.client.queue_first(iter(self.first))

    def new_frame(self) -> bytes:
        self.offered += 1
        return numbered(self.offered - 1)

    def on_room(self, client: Client) -> None:
        assert client is self.client
        self.room_reports += 1

    def offer(self, frame: bytes, *, together: bool) -> bool:
        if together:
            return not offer_all([self.client], frame, FakeBatch())
        return self.client.offer(frame)

    def broadcast(self, *, together: bool, pump_is_faster: bool = False) -> None:
        """Offer a frame as the hub does. A fast pump writes all frames before the hub begins the grace period."""
        frame = self.new_frame()
        is_idle = not self.client.queue.unfinished_tasks and not self.client.in_grace
        written, room = len(self.transport.written), self.transport.room
        if self.offer(frame, together=together):
            # The direct path is open if and only if all earlier frames are written.
            assert (len(self.transport.written) > written) == (is_idle and room > 0)
        elif self.client.in_grace:
            event("frame dropped during the grace period")
            self.client.drop()
        else:
            assert self.client.queue.full()
            event("grace period began")
            if pump_is_faster:
                self.pump_catches_up()
            self.client.begin_grace(self.on_room)
            self.in_grace = [frame]

    @rule(room=st.integers(0, 12))
    def peer_reads(self, room: int) -> None:
        self.transport.room = room

    @rule(count=st.integers(1, 6), together=st.booleans())
    def hub_broadcasts(self, count: int, *, together: bool) -> None:
        for _ in range(count):
            self.broadcast(together=together)

    @precondition(lambda self: not self.in_grace)
    @rule(pump_is_faster=st.booleans(), together=st.booleans())
    def hub_broadcasts_until_the_client_is_lagging(
        self, *, pump_is_faster: bool, together: bool
    ) -> None:
        self.transport.room = 0
        while not self.in_grace:
            self.broadcast(together=together, pump_is_faster=pump_is_faster)

    @precondition(lambda self: self.in_grace)
    @rule()
    def grace_attempts(self) -> None:
        self.attempt(last=False)

    @precondition(lambda self: self.in_grace)
    @rule()
    def grace_makes_the_last_attempt(self) -> None:
        self.attempt(last=True)

    def attempt(self, *, last: bool) -> None:
        had_room = not self.client.queue.full()
        ended = self.client.end_grace(self.in_grace[0], last=last)
        assert ended == (had_room or last)
        if ended:
            event(f"grace period ended {'with' if had_room else 'without'} room")
            self.in_grace = []

    @precondition(lambda self: self.taken is None and not self.client.queue.empty())
    @rule()
    def pump_takes(self) -> None:
        reports = self.room_reports
        item = self.client.take(0)
        assert item is not None
        self.taken = [item] if isinstance(item, bytes) else list(item)
        if self.taken == self.first:
            self.first = []
        assert self.room_reports - reports == self.client.in_grace

    @precondition(lambda self: self.taken is not None)
    @rule()
    def pump_writes(self) -> None:
        assert self.taken is not None
        for frame in self.taken:
            self.transport.send(frame)
        self.client.done(sum(map(bool, self.taken)))
        self.taken = None

    @rule()
    def pump_catches_up(self) -> None:
        if self.taken is not None:
            self.pump_writes()
        while not self.client.queue.empty():
            self.pump_takes()
            self.pump_writes()

    @invariant()
    def no_frame_is_lost_repeated_or_reordered(self) -> None:
        """Each offered frame is sent, waiting or dropped. Sent and waiting frames are in the order of the offers."""
        sent = self.transport.numbers()
        queued = [item for item in self.client.queue.queue if isinstance(item, bytes)]
        unsent = [*(self.taken or ()), *self.first, *queued, *self.in_grace]
        kept = sent + [int(frame[1:-1]) for frame in unsent if frame != FLUSH]
        assert all(earlier < later for earlier, later in itertools.pairwise(kept))
        assert len(kept) + self.client.dropped == self.offered
        assert self.client.sent == len(sent)
        assert len(queued) <= QUEUE_FRAMES

    @invariant()
    def the_pump_has_an_item_while_the_transport_keeps_a_rest(self) -> None:
        if self.transport.rest:
            assert self.client.queue.unfinished_tasks

    def teardown(self) -> None:
        """In every state, a client that ends discards later frames."""
        self.client.close(End.GONE)
        before = self.transport.written, list(self.client.queue.queue), self.client.dropped
        assert self.client.offer(b"late")
        after = self.transport.written, list(self.client.queue.queue), self.client.dropped
        assert after == before


TestClientModel = ClientModel.TestCase
TestClientModel.settings = settings(max_examples=100, stateful_step_count=30)
