"""The client alone: which way a frame goes, what ends it, and a model that any sequence of calls must agree with."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from telemetry_stream.hub.client import FLUSH, QUEUE_FRAMES, Client, End
from tests.hub.wire import Wire, numbered


def waiting(client: Client) -> list[bytes | Iterator[bytes]]:
    """What is in the client's queue, oldest first."""
    return list(client.queue.queue)


def test_goes_straight_when_nothing_waits() -> None:
    """A client that keeps up gets its frames from the offering thread, and its pump has nothing to do."""
    wire = Wire(room=100)
    client = Client(wire.try_send)
    assert client.offer(b"<1>")
    assert client.offer(b"<2>")
    assert wire.written == b"<1><2>"
    assert (client.sent, client.dropped, waiting(client)) == (2, 0, [])


def test_partial_send_wakes_the_pump_and_keeps_order() -> None:
    """After a partial write the pump is queued a flush, and later frames wait behind it although there is room."""
    wire = Wire(room=2)
    client = Client(wire.try_send)
    assert client.offer(b"<1>")
    wire.room = 100
    assert client.offer(b"<2>")
    assert waiting(client) == [FLUSH, b"<2>"]
    assert wire.written == b"<1"
    assert client.sent == 1  # its rest is the sender's affair


def test_nothing_taken_means_queued() -> None:
    """A socket that takes nothing now (EAGAIN) gets the frame through the queue, counted once it is written."""
    client = Client(Wire(room=0).try_send)
    assert client.offer(b"<1>")
    assert waiting(client) == [b"<1>"]
    assert client.sent == 0
    assert client.take(0) == b"<1>"
    client.done(1)
    assert client.sent == 1


def test_no_straight_path_while_the_pump_is_writing() -> None:
    """A frame taken but not yet written counts as waiting: the next one must not overtake it."""
    wire = Wire(room=0)
    client = Client(wire.try_send)
    client.offer(b"<1>")
    wire.room = 100
    assert client.take(0) == b"<1>"
    client.offer(b"<2>")
    assert wire.written == b""
    assert waiting(client) == [b"<2>"]
    client.done(1)
    assert client.take(0) == b"<2>"
    client.done(1)
    client.offer(b"<3>")
    assert wire.written == b"<3>"


def test_full_queue_makes_a_straggler() -> None:
    """The seventeenth frame of a stuck client is not taken, and not yet counted as dropped."""
    client = Client(Wire(room=0).try_send)
    assert all(client.offer(numbered(n)) for n in range(QUEUE_FRAMES))
    assert not client.offer(numbered(QUEUE_FRAMES))
    assert waiting(client) == [numbered(n) for n in range(QUEUE_FRAMES)]
    assert (client.sent, client.dropped) == (0, 0)


def test_owed_comes_before_live() -> None:
    """What a client is owed is drawn frame by frame by the pump, and the live frames wait behind it."""
    wire = Wire(room=100)
    client = Client(wire.try_send)
    client.owe(iter([b"hello", b"history"]))
    assert client.offer(b"<1>")
    owed = client.take(0)
    assert owed is not None
    assert not isinstance(owed, bytes)
    assert list(owed) == [b"hello", b"history"]
    client.done(2)
    assert client.take(0) == b"<1>"
    assert wire.written == b""
    assert client.sent == 2


def test_take_returns_none_when_nothing_comes() -> None:
    """A pump that waits for nothing gets its chance to ping, also when that was due in the past."""
    client = Client(Wire().try_send)
    assert client.take(0.001) is None
    assert client.take(-1.0) is None


def test_dead_peer_ends_the_client() -> None:
    """An OSError from the straight path means gone; it is neither raised to the hub nor a drop."""

    def reset(frame: bytes) -> int:
        raise ConnectionResetError

    client = Client(reset)
    assert client.offer(b"<1>")
    assert client.end is End.GONE
    assert (client.sent, client.dropped) == (0, 0)


def test_ended_client_takes_and_forgets() -> None:
    """After its end a client is no straggler and no customer: whatever is offered vanishes."""
    wire = Wire(room=100)
    client = Client(wire.try_send)
    client.close(End.POLICY)
    before = waiting(client)
    assert client.offer(b"<1>")
    assert wire.written == b""
    assert waiting(client) == before
    assert (client.sent, client.dropped) == (0, 0)


def test_first_end_wins() -> None:
    """Of many threads that end a client at once, exactly one is told that it was the one."""
    client = Client(Wire().try_send)
    ends = [*End, *End]
    together = threading.Barrier(len(ends))
    won: list[End] = []

    def close(end: End) -> None:
        together.wait(10)
        if client.close(end):
            won.append(end)

    closers = [threading.Thread(target=close, args=(end,)) for end in ends]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(10)
    assert won == [client.end]
    assert not client.close(End.GONE)


def test_close_wakes_an_idle_pump() -> None:
    """Ending a client puts something into its empty queue, so that a sleeping pump looks up."""
    client = Client(Wire().try_send)
    assert client.close(End.GOING_AWAY)
    assert client.take(0) == FLUSH


def test_close_on_a_full_queue() -> None:
    """Ending a client that is full neither waits nor fails, and what waited is left alone."""
    client = Client(Wire(room=0).try_send, queue_frames=2)
    client.offer(b"<1>")
    client.offer(b"<2>")
    assert client.close(End.SILENT)
    assert client.end is End.SILENT
    assert waiting(client) == [b"<1>", b"<2>"]


def test_last_write_of_an_ended_client_opens_nothing() -> None:
    """A write that is done only after the end does not bring the client back for the hub."""
    wire = Wire(room=0)
    client = Client(wire.try_send, queue_frames=1)
    client.offer(b"<1>")
    client.close(End.GONE)  # full: no wake-up fits
    wire.room = 100
    assert client.take(0) == b"<1>"
    client.done(1)
    assert client.offer(b"<2>")
    assert wire.written == b""


def test_end_during_a_partial_send() -> None:
    """A client that ends while its frame is cut short, with room for one wake-up only, does not raise at the hub."""

    def cut(frame: bytes) -> int:
        client.close(End.GONE)  # as another thread would at this moment
        return 1

    client = Client(cut, queue_frames=1)
    assert client.offer(b"<1>")
    assert waiting(client) == [FLUSH]


def test_grace_leaves_the_adding_to_one_thread() -> None:
    """During its grace a client refuses newer frames although there is room again, and tells of the room."""
    client = Client(Wire(room=0).try_send, queue_frames=1)
    told: list[Client] = []
    client.offer(b"<1>")
    assert not client.offer(b"<2>")
    client.begin_grace(told.append)
    assert client.in_grace
    assert not client.end_grace(b"<2>", last=False)
    assert client.take(0) == b"<1>"
    assert told == [client]
    client.done(1)
    assert not client.offer(b"<3>")
    assert client.end_grace(b"<2>", last=False)
    assert not client.in_grace
    assert waiting(client) == [b"<2>"]
    assert client.dropped == 0


def test_grace_without_room_drops_once() -> None:
    """The last try of a grace counts its frame as dropped and opens the client to newer frames again."""
    client = Client(Wire(room=0).try_send, queue_frames=1)
    client.offer(b"<1>")
    client.begin_grace(lambda _: None)
    assert client.end_grace(b"<2>", last=True)
    assert not client.in_grace
    assert client.dropped == 1
    assert waiting(client) == [b"<1>"]


def test_no_drop_is_counted_after_the_end() -> None:
    """A frame that waited when its client ended was not lost to slowness."""
    client = Client(Wire(room=0).try_send, queue_frames=1)
    client.offer(b"<1>")
    client.begin_grace(lambda _: None)
    client.close(End.GONE)
    assert client.end_grace(b"<2>", last=True)
    assert client.dropped == 0


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        (End.GONE, None, "gone"),
        (End.SILENT, None, "silent"),
        (End.GOING_AWAY, 1001, "going away"),
        (End.POLICY, 1008, "policy"),
        (End.TOO_BIG, 1009, "too big"),
        (End.CRASHED, 1011, "internal error"),
        (End.SLOW_CONSUMER, 4008, "too slow"),
    ],
)
def test_ends_are_named(end: End, code: int | None, words: str) -> None:
    """Each end carries the close code of the protocol and the words that everybody shares."""
    assert (end.code, end.words) == (code, words)


def test_ends_are_apart() -> None:
    """No two ends share code and words, or the enumeration would silently make them one."""
    assert len(End) == 7


def test_repr_shows_state_and_counts() -> None:
    """The text of a client says its name, its end, and what waits, went and was lost."""
    client = Client(Wire(room=0).try_send, name="viewer-7")
    client.offer(b"<1>")
    client.drop()
    assert repr(client) == "<Client viewer-7 open waiting=1 sent=0 dropped=1>"
    client.close(End.SLOW_CONSUMER)
    assert repr(client) == "<Client viewer-7 too slow waiting=2 sent=0 dropped=1>"


class ClientAgainstModel(RuleBasedStateMachine):
    """Hub, grace and pump as single steps in any order, against the list of numbers that were offered."""

    @initialize(owed=st.integers(0, 3), queue_frames=st.integers(1, 4))
    def connect(self, owed: int, queue_frames: int) -> None:
        self.wire = Wire()
        self.client = Client(self.wire.try_send, queue_frames=queue_frames)
        self.next_number = itertools.count()
        self.offered = 0
        self.owed = [self.new_frame() for _ in range(owed)]
        self.taken: list[bytes] | None = None  # in the hands of the pump
        self.straggling: list[bytes] = []  # in the hands of ts-grace
        self.told_of_room = 0
        if owed:
            self.client.owe(iter(self.owed))

    def new_frame(self) -> bytes:
        self.offered += 1
        return numbered(next(self.next_number))

    def on_room(self, client: Client) -> None:
        assert client is self.client
        self.told_of_room += 1

    @rule(room=st.integers(0, 12))
    def peer_reads(self, room: int) -> None:
        self.wire.room = room

    @rule(count=st.integers(1, 3))
    def hub_broadcasts(self, count: int) -> None:
        for _ in range(count):
            frame = self.new_frame()
            keeps_up = not self.client.queue.unfinished_tasks and not self.client.in_grace
            seen, room = len(self.wire.written), self.wire.room
            if self.client.offer(frame):
                # The straight path opens again whenever a client has caught up, and never before.
                assert (len(self.wire.written) > seen) == (keeps_up and room > 0)
                continue
            if self.client.in_grace:
                self.client.drop()
            else:
                self.client.begin_grace(self.on_room)
                self.straggling = [frame]

    @precondition(lambda self: self.straggling)
    @rule(last=st.booleans())
    def grace_tries(self, last: bool) -> None:
        had_room = not self.client.queue.full()
        over = self.client.end_grace(self.straggling[0], last=last)
        assert over == (had_room or last)
        if over:
            self.straggling = []

    @precondition(lambda self: self.taken is None and not self.client.queue.empty())
    @rule()
    def pump_takes(self) -> None:
        told = self.told_of_room
        item = self.client.take(0)
        assert item is not None
        self.taken = [item] if isinstance(item, bytes) else list(item)
        if self.taken == self.owed:
            self.owed = []
        assert self.told_of_room - told == self.client.in_grace

    @precondition(lambda self: self.taken is not None)
    @rule()
    def pump_writes(self) -> None:
        assert self.taken is not None
        for frame in self.taken:
            self.wire.send(frame)
        self.client.done(sum(map(bool, self.taken)))
        self.taken = None

    @invariant()
    def nothing_is_lost_doubled_or_out_of_order(self) -> None:
        """Seen, waiting and dropped are what was offered; seen and waiting are in the order of the offers."""
        seen = self.wire.numbers()
        queued = [item for item in waiting(self.client) if isinstance(item, bytes)]
        not_yet = [*(self.taken or ()), *self.owed, *queued, *self.straggling]
        alive = seen + [int(frame[1:-1]) for frame in not_yet if frame != FLUSH]
        assert all(earlier < later for earlier, later in itertools.pairwise(alive))
        assert len(alive) + self.client.dropped == self.offered
        assert self.client.sent == len(seen)

    @invariant()
    def a_kept_rest_is_never_forgotten(self) -> None:
        """While the sender keeps a rest, the pump has something to do."""
        if self.wire.rest:
            assert self.client.queue.unfinished_tasks

    def teardown(self) -> None:
        """Whatever state a client was in, its end makes it deaf to the hub."""
        self.client.close(End.GONE)
        before = self.wire.written, waiting(self.client), self.client.dropped
        assert self.client.offer(b"late")
        assert before == (self.wire.written, waiting(self.client), self.client.dropped)


TestClientAgainstModel = ClientAgainstModel.TestCase
TestClientAgainstModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
