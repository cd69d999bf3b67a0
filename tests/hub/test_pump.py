"""The write pump with a send in memory. It runs on the test's own thread wherever the send can end it."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream import threads
from telemetry_stream.hub.client import QUEUE_FRAMES, Client, End
from telemetry_stream.hub.pump import WRITE_SECONDS, write_pump
from tests.hub.wire import Wire, numbered

WAIT_SECONDS = 10.0  # for an event that comes at once unless the code is broken


def stuck(queue_frames: int = QUEUE_FRAMES) -> Client:
    """A client whose socket takes nothing straight, so that all goes through its pump."""
    return Client(lambda _: 0, queue_frames=queue_frames)


class Sent:
    """A send that remembers, and ends the client after so many writes."""

    def __init__(self, client: Client, until: int) -> None:
        self.client = client
        self.until = until
        self.data: list[bytes] = []

    def __call__(self, data: bytes, deadline: float) -> None:
        self.data.append(data)
        if len(self.data) == self.until:
            self.client.close(End.POLICY)


def test_writes_what_waits_in_order() -> None:
    """Queued frames go out oldest first, and the pump returns when the client has ended."""
    client = stuck()
    for n in range(5):
        client.offer(numbered(n))
    send = Sent(client, until=5)
    write_pump(client, send)
    assert send.data == [numbered(n) for n in range(5)]


def test_owed_frames_are_drawn_one_by_one() -> None:
    """Each owed frame is made only when the one before has been written; then come the live ones."""
    client = stuck()
    log: list[str] = []

    def owed() -> Iterator[bytes]:
        for n in range(3):
            log.append(f"made {n}")
            yield numbered(n)

    def send(data: bytes, deadline: float) -> None:
        log.append(f"sent {data.decode()}")
        if data == b"<9>":
            client.close(End.POLICY)

    client.owe(owed())
    client.offer(b"<9>")
    write_pump(client, send)
    assert log == ["made 0", "sent <0>", "made 1", "sent <1>", "made 2", "sent <2>", "sent <9>"]
    assert client.sent == 4


def test_end_stops_the_owed_frames() -> None:
    """A client that ends in the middle of its history is not sent the rest of it."""
    client = stuck()
    client.owe(numbered(n) for n in itertools.count())
    send = Sent(client, until=4)
    write_pump(client, send)
    assert send.data == [numbered(n) for n in range(4)]


def test_flush_writes_nothing_and_opens_the_straight_path() -> None:
    """After a partial write the pump asks the sender for its rest, counts no frame, and the next goes straight."""
    wire = Wire(room=2)
    client = Client(wire.try_send)
    client.offer(b"<1>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        if data == b".":  # the first ping: the flush is behind us
            wire.room = 100
            client.offer(b"<2>")
            client.close(End.POLICY)
            return
        sent.append(data)
        wire.send(data)

    write_pump(client, send, ping=b".", ping_seconds=0)
    assert sent == [b""]
    assert wire.written == b"<1><2>"
    assert client.sent == 2


def test_frame_in_the_pump_is_not_overtaken() -> None:
    """While the pump writes its last frame, a newer one goes through the queue, though the socket would take it."""
    wire = Wire(room=0)
    client = Client(wire.try_send)
    client.offer(b"<1>")
    wire.room = 100

    def send(data: bytes, deadline: float) -> None:
        if data == b"<1>":
            client.offer(b"<2>")
        else:
            client.close(End.POLICY)
        wire.send(data)

    write_pump(client, send)
    assert wire.numbers() == [1, 2]


def test_each_write_has_the_write_deadline() -> None:
    """Every frame and every ping may take the write deadline, counted from its own start."""
    client = stuck()
    client.owe(iter([b"<1>", b"<2>"]))
    allowed: list[float] = []

    def send(data: bytes, deadline: float) -> None:
        allowed.append(deadline - time.monotonic())
        if data == b".":
            client.close(End.POLICY)

    write_pump(client, send, write_seconds=1000.0, ping=b".", ping_seconds=0)
    assert len(allowed) == 3
    assert all(1000.0 - WAIT_SECONDS < seconds <= 1000.0 for seconds in allowed)
    assert WRITE_SECONDS == 10.0


def test_evicts_at_the_write_deadline() -> None:
    """A peer that takes no whole frame until the deadline is ended as a slow consumer, without an exception."""
    client = stuck()
    client.offer(b"<1>")
    client.offer(b"<2>")
    tried: list[bytes] = []

    def deaf(data: bytes, deadline: float) -> None:
        tried.append(data)
        threading.Event().wait(deadline - time.monotonic())
        raise TimeoutError

    write_pump(client, deaf, write_seconds=0.02)
    assert client.end is End.SLOW_CONSUMER
    assert tried == [b"<1>"]
    assert client.sent == 0


def test_gone_when_the_peer_is() -> None:
    """A connection that is reset or shut down ends the client as gone."""
    client = stuck()
    client.offer(b"<1>")

    def reset(data: bytes, deadline: float) -> None:
        raise ConnectionResetError

    write_pump(client, reset)
    assert client.end is End.GONE


def test_deaf_to_pings_too() -> None:
    """A ping that cannot be written by the deadline evicts, as a frame does."""
    client = stuck()

    def deaf(data: bytes, deadline: float) -> None:
        raise TimeoutError

    write_pump(client, deaf, ping=b".", ping_seconds=0.001)
    assert client.end is End.SLOW_CONSUMER


def test_first_end_is_kept() -> None:
    """A pump whose write fails because the client was ended elsewhere does not change the reason."""
    client = stuck()
    client.offer(b"<1>")

    def aborted(data: bytes, deadline: float) -> None:
        client.close(End.POLICY)
        raise OSError

    write_pump(client, aborted)
    assert client.end is End.POLICY


def test_frames_that_cannot_be_made() -> None:
    """An owed iterator that raises ends the client at once, and its exception leaves the pump."""
    client = stuck()

    def owed() -> Iterator[bytes]:
        yield b"<0>"
        raise LookupError("the ring is gone")

    client.owe(owed())
    send = Sent(client, until=2)
    with pytest.raises(LookupError, match="the ring is gone"):
        write_pump(client, send)
    assert client.end is End.CRASHED
    assert send.data == [b"<0>"]


def test_unexpected_error_of_send() -> None:
    """A send that fails in a way nobody foresaw is a crash and not a peer that left."""
    client = stuck()
    client.offer(b"<1>")

    def broken(data: bytes, deadline: float) -> None:
        raise ValueError("not a socket's error")

    with pytest.raises(ValueError, match="not a socket"):
        write_pump(client, broken)
    assert client.end is End.CRASHED


def test_pings_an_idle_client() -> None:
    """With nothing to write the pump pings in each period, and no sooner."""
    client = stuck()
    send = Sent(client, until=3)
    start = time.monotonic()
    write_pump(client, send, ping=b".", ping_seconds=0.01)
    assert time.monotonic() - start >= 0.03
    assert send.data == [b"."] * 3


def test_pings_a_busy_client() -> None:
    """A queue that never runs dry does not keep the pings from their time."""
    client = stuck()
    client.offer(b"<1>")
    last = b""
    give_up = time.monotonic() + WAIT_SECONDS

    def send(data: bytes, deadline: float) -> None:
        nonlocal last
        last = data
        if data == b"." or time.monotonic() > give_up:
            client.close(End.POLICY)
        else:
            client.offer(b"<1>")

    write_pump(client, send, ping=b".", ping_seconds=0.005)
    assert last == b"."
    assert client.sent


def test_pings_between_the_frames_that_are_owed() -> None:
    """A history that is drawn slowly, frame by frame, does not keep the pings from their time."""
    client = stuck()
    give_up = time.monotonic() + WAIT_SECONDS
    sent: list[bytes] = []

    def history() -> Iterator[bytes]:
        while b"." not in sent and time.monotonic() < give_up:
            yield b"piece"
        yield b"end"
        client.close(End.POLICY)

    client.owe(history())
    write_pump(client, lambda data, _: sent.append(data), ping=b".", ping_seconds=0.005)
    assert sent.index(b".") < sent.index(b"end")


def test_no_ping_unless_asked() -> None:
    """Without a period the pump is not woken for pings, and an endless wait does not overflow the lock's clock."""
    client = stuck()
    asked: list[float] = []

    class Asleep(Client):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            asked.append(timeout)
            self.close(End.POLICY)
            return super().take(timeout)

    client = Asleep(lambda _: 0)
    send = Sent(client, until=1)
    write_pump(client, send, ping_seconds=math.inf)
    assert asked == [3600.0]
    assert send.data == []


def test_ended_before_it_began() -> None:
    """A pump that starts after the end writes nothing of what waits."""
    client = stuck()
    client.offer(b"<1>")
    client.close(End.GONE)
    send = Sent(client, until=1)
    write_pump(client, send)
    assert send.data == []


def test_close_wakes_a_sleeping_pump() -> None:
    """A pump that waits on an empty queue returns when another thread ends the client."""
    asleep = threading.Event()

    class Watched(Client):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            asleep.set()
            return super().take(timeout)

    client = Watched(lambda _: 0)
    send = Sent(client, until=1)
    pump = threads.start("ts-write", write_pump, client, send)
    assert asleep.wait(WAIT_SECONDS)
    client.close(End.POLICY)
    pump.join(WAIT_SECONDS)
    alive = pump.is_alive()
    client.queue.put(b"")  # so that a failure leaves no thread
    assert not alive
    assert send.data == []


def test_who_is_told_to_go_away_gets_what_waits_first() -> None:
    """The frames of a full queue, whose end the pump sees only when it has written one."""
    client = stuck()
    for n in range(QUEUE_FRAMES):
        client.offer(numbered(n))
    sent: list[bytes] = []
    allowed: set[float] = set()

    def send(data: bytes, deadline: float) -> None:
        if client.close(End.GOING_AWAY):
            assert client.offer(b"too late")
        else:
            allowed.add(deadline)
        sent.append(data)

    write_pump(client, send)
    assert sent == [*(numbered(n) for n in range(QUEUE_FRAMES)), b""]
    assert client.sent == QUEUE_FRAMES
    assert len(allowed) == 1  # one deadline for all of it, however many wait


def test_who_is_told_to_go_away_while_the_pump_sleeps() -> None:
    """A rest that the sender keeps goes out, and nothing is lost whether the pump looks before the goodbye or after."""
    client = stuck()
    client.offer(b"<1>")
    client.close(End.GOING_AWAY)
    send = Sent(client, until=9)
    write_pump(client, send)
    assert send.data == [b"<1>", b""]

    class Told(Client):
        def take(self, timeout: float) -> bytes | Iterator[bytes] | None:
            item = super().take(timeout)
            self.close(End.GOING_AWAY)
            return item

    client = Told(lambda _: 0)
    client.offer(b"<1>")
    client.offer(b"<2>")
    send = Sent(client, until=9)
    write_pump(client, send)
    assert send.data == [b"<1>", b"<2>", b""]


def test_nobody_waits_for_who_goes_away_without_reading() -> None:
    """One that reads on has half a second, which the goodbye is not to wait for in vain; the reason stays."""
    client = stuck()
    client.offer(b"<1>")
    client.offer(b"<2>")
    tried: list[bytes] = []

    def deaf(data: bytes, deadline: float) -> None:
        tried.append(data)
        if not client.close(End.GOING_AWAY):
            assert deadline - time.monotonic() <= 0.5
            raise TimeoutError

    write_pump(client, deaf)
    assert tried == [b"<1>", b"<2>"]
    assert client.end is End.GOING_AWAY


@pytest.mark.parametrize("told_after", [0, 1])
def test_what_is_owed_is_neither_begun_nor_finished_at_the_goodbye(told_after: int) -> None:
    """It may take longer than there is, and nothing may follow a part of it."""
    client = stuck()
    client.owe(iter([b"<1>", b"<2>"]))
    client.offer(b"<3>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        client.close(End.GOING_AWAY)

    if not told_after:
        client.close(End.GOING_AWAY)
    write_pump(client, send)
    assert sent == [b"<1>"][:told_after]


def test_what_follows_an_opening_that_is_out_is_sent() -> None:
    """It is whole when its last frame is, though the goodbye came in the meantime."""
    client = stuck()
    client.owe(iter([b"<1>", b"<2>"]))
    client.offer(b"<3>")
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        if data == b"<2>":
            client.close(End.GOING_AWAY)

    write_pump(client, send)
    assert sent == [b"<1>", b"<2>", b"<3>", b""]


def test_end_on_a_full_queue_is_noticed() -> None:
    """A client ended while its queue is full and its pump is writing: the pump finishes that frame and returns."""
    client = stuck()
    writing, readable = threading.Event(), threading.Event()
    sent: list[bytes] = []

    def send(data: bytes, deadline: float) -> None:
        sent.append(data)
        writing.set()
        assert readable.wait(WAIT_SECONDS)

    client.offer(b"first")
    pump = threads.start("ts-write", write_pump, client, send)
    assert writing.wait(WAIT_SECONDS)
    for n in range(QUEUE_FRAMES):
        assert client.offer(numbered(n))
    assert not client.offer(b"<16>")
    client.close(End.SILENT)
    readable.set()
    pump.join(WAIT_SECONDS)
    assert not pump.is_alive()
    assert client.end is End.SILENT
    assert sent == [b"first"]


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
