"""The hub with its two threads and clients in memory: no socket, and every wait is for something that happens."""

from __future__ import annotations

import contextlib
import itertools
import queue
import random
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub, write_pump
from telemetry_stream.hub.client import QUEUE_FRAMES
from telemetry_stream.hub.hub import INBOX_FRAMES
from tests.conftest import eventually
from tests.hub.wire import numbered

WAIT_SECONDS = 30.0  # for an event that comes at once unless the code is broken
LONG_SECONDS = 600.0  # a grace that does not run out while the test runs


class Reader(Client):
    """A client that takes every frame, in its order, and can be asked to wait for one."""

    def __init__(self, topic: Hashable = None, name: str = "reader") -> None:
        super().__init__(self._read, topic=topic, name=name)
        self.frames: list[bytes] = []
        self._came = threading.Condition()

    def _read(self, frame: bytes) -> int:
        with self._came:
            self.frames.append(frame)
            self._came.notify_all()
        return len(frame)

    def wait_for(self, frame: bytes) -> None:
        with self._came:
            assert self._came.wait_for(lambda: frame in self.frames, WAIT_SECONDS), self.frames


class Stuck(Client):
    """A client whose peer reads nothing and whose pump is not running; can be waited for to lose so many frames."""

    def __init__(self, topic: Hashable = None) -> None:
        super().__init__(lambda _: 0, topic=topic, name="stuck")
        self.left_grace = threading.Event()
        self._changed = threading.Condition()

    def drop(self) -> None:
        super().drop()
        with self._changed:
            self._changed.notify_all()

    def end_grace(self, frame: bytes, *, last: bool) -> bool:
        over = super().end_grace(frame, last=last)
        if over:
            self.left_grace.set()
            with self._changed:
                self._changed.notify_all()
        return over

    def wait_for_drops(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.dropped == count, WAIT_SECONDS), self


@pytest.fixture
def make_hub() -> Iterator[Callable[..., Hub]]:
    """Hubs with a grace of the test's choice, closed after it."""
    made: list[Hub] = []

    def make(grace_seconds: float = LONG_SECONDS) -> Hub:
        made.append(Hub(grace_seconds=grace_seconds))
        return made[-1]

    yield make
    for hub in made:
        hub.close(timeout=WAIT_SECONDS)


@pytest.fixture
def hub(make_hub: Callable[..., Hub]) -> Hub:
    """A hub whose stragglers stay in their grace for as long as the test takes."""
    return make_hub()


@contextlib.contextmanager
def hub_thread_busy(hub: Hub) -> Iterator[None]:
    """Hold ts-hub inside a send: what the block does meets an inbox that nobody empties."""
    topic = object()
    held, let_go = threading.Event(), threading.Event()

    def hold(frame: bytes) -> int:
        held.set()
        assert let_go.wait(WAIT_SECONDS)
        return len(frame)

    holder = Client(hold, topic=topic, name="holder")
    hub.register(holder)
    assert hub.broadcast(b"hold", topic)
    assert held.wait(WAIT_SECONDS)
    try:
        yield
    finally:
        let_go.set()
        hub.unregister(holder)


def fan_out_all(hub: Hub) -> None:
    """Return once ts-hub has done all that was asked of it before this call."""
    marker = Reader(topic=object(), name="marker")
    hub.register(marker)
    assert hub.broadcast(b"all before this", marker.topic)
    marker.wait_for(b"all before this")
    hub.unregister(marker)


def stick(hub: Hub, clients: list[Stuck]) -> None:
    """Register these clients and broadcast until each is full and in its grace."""
    for client in clients:
        hub.register(client)
    for n in range(QUEUE_FRAMES + 1):
        assert hub.broadcast(numbered(n))
    fan_out_all(hub)
    assert all(client.in_grace for client in clients)


def test_everybody_gets_every_frame_in_order(hub: Hub) -> None:
    """Each registered client gets each frame, in the order of the broadcasts."""
    readers = [Reader() for _ in range(10)]
    for reader in readers:
        assert hub.register(reader)
    frames = [numbered(n) for n in range(91)]
    assert all(hub.broadcast(frame) for frame in frames)
    fan_out_all(hub)
    assert all(reader.frames == frames for reader in readers)


def test_joining_is_ordered_with_broadcasts(hub: Hub) -> None:
    """A client gets what was broadcast after it registered and nothing older, however far the hub is behind."""
    early, late = Reader(), Reader()
    with hub_thread_busy(hub):
        hub.register(early)
        hub.broadcast(b"<1>")
        hub.register(late)
        hub.broadcast(b"<2>")
    fan_out_all(hub)
    assert early.frames == [b"<1>", b"<2>"]
    assert late.frames == [b"<2>"]


def test_owed_meets_live_without_hole_or_double(hub: Hub) -> None:
    """What a client is owed comes first, and the broadcasts since it registered follow, all through its pump."""
    got: list[bytes] = []
    client = Client(lambda _: pytest.fail("overtook what was owed"))
    client.owe(iter([b"hello", b"history"]))
    hub.register(client)
    hub.broadcast(b"<1>")
    hub.broadcast(b"<2>")
    fan_out_all(hub)

    def send(data: bytes, deadline: float) -> None:
        got.append(data)
        if data == b"<2>":
            client.close(End.GONE)

    write_pump(client, send)
    assert got == [b"hello", b"history", b"<1>", b"<2>"]


@pytest.mark.parametrize("in_company", [False, True])
def test_left_before_it_joined(hub: Hub, in_company: bool) -> None:
    """A client that leaves before the hub's thread has come to let it in gets nothing, alone in its topic or not."""
    client, companion = Reader(), Reader()
    if in_company:
        hub.register(companion)
    with hub_thread_busy(hub):
        hub.register(client)
        hub.broadcast(b"<1>")
        hub.unregister(client)
    hub.broadcast(b"<2>")
    fan_out_all(hub)
    assert client.frames == []
    hub.unregister(companion)
    assert hub.clients() == ()
    assert hub.topics() == ()


def test_topics_are_apart(hub: Hub) -> None:
    """A frame goes to the clients of its topic only; a topic is known as long as it has a client."""
    one, other, third = Reader("cpu"), Reader("memory"), Reader("cpu")
    for client in (one, other, third):
        hub.register(client)
    assert set(hub.topics()) == {"cpu", "memory"}
    hub.broadcast(b"<1>", "cpu")
    hub.broadcast(b"<2>", "memory")
    assert hub.broadcast(b"<3>", "nobody's")
    fan_out_all(hub)
    assert one.frames == third.frames == [b"<1>"]
    assert other.frames == [b"<2>"]
    hub.unregister(one)
    hub.unregister(other)
    assert hub.topics() == ("cpu",)
    hub.unregister(third)
    assert hub.topics() == ()


def test_topic_comes_back(hub: Hub) -> None:
    """A topic whose last client left serves its next one."""
    first, second = Reader("cpu"), Reader("cpu")
    hub.register(first)
    fan_out_all(hub)
    hub.unregister(first)
    hub.register(second)
    hub.broadcast(b"<1>", "cpu")
    fan_out_all(hub)
    assert first.frames == []
    assert second.frames == [b"<1>"]


def test_full_inbox_refuses_and_counts(hub: Hub) -> None:
    """With the hub's thread held up, exactly the inbox's size is accepted; the rest is refused, never waited for."""
    reader = Reader()
    hub.register(reader)
    fan_out_all(hub)
    with hub_thread_busy(hub):
        frames = [numbered(n) for n in range(INBOX_FRAMES)]
        assert all(hub.broadcast(frame) for frame in frames)
        assert not hub.broadcast(b"one too many")
        assert not hub.broadcast(b"two too many")
        assert hub.stats().refused == 2
    reader.wait_for(frames[-1])
    assert reader.frames == frames
    assert hub.broadcast(b"room again")


def test_register_twice(hub: Hub) -> None:
    """A client that is in already would get every frame twice: refused, and it stays in once."""
    client = Reader()
    hub.register(client)
    with pytest.raises(ValueError, match="registered already"):
        hub.register(client)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    assert client.frames == [b"<1>"]
    assert client.end is None


def test_unregister_is_idempotent(hub: Hub) -> None:
    """Leaving twice counts once, and a client that was never in may leave too."""
    client = Reader()
    hub.register(client)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    client.close(End.SILENT)
    hub.unregister(client)
    counted = hub.stats()
    hub.unregister(client)
    hub.unregister(Reader())
    assert hub.stats() == counted
    assert counted.ended["silent"] == 1
    assert hub.clients() == ()


def test_departed_client_gets_nothing_more(hub: Hub) -> None:
    """After unregister the fan-out does not know the client, though it never ended."""
    client, other = Reader(), Reader()
    hub.register(client)
    hub.register(other)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    hub.unregister(client)
    hub.broadcast(b"<2>")
    other.wait_for(b"<2>")
    assert client.frames == [b"<1>"]


def test_stats_add_up_after_clients_depart(make_hub: Callable[..., Hub]) -> None:
    """Frames sent and dropped are counted for good, and each departure under the words of its end."""
    hub = make_hub(0.01)
    readers, stuck = [Reader(), Reader(), Reader()], Stuck()
    for client in (*readers, stuck):
        hub.register(client)
    for n in range(QUEUE_FRAMES + 4):
        hub.broadcast(numbered(n))
    for reader in readers:
        reader.wait_for(numbered(QUEUE_FRAMES + 3))
    stuck.wait_for_drops(4)
    for _ in range(5):
        assert stuck.take(0)
        stuck.done(1)
    before = hub.stats()
    assert (before.clients, before.registered) == (4, 4)
    assert (before.sent, before.dropped, before.refused) == (3 * (QUEUE_FRAMES + 4) + 5, 4, 0)
    assert before.ended == {}

    stuck.close(End.SLOW_CONSUMER)
    readers[0].close(End.GONE)
    readers[1].close(End.GONE)
    for client in (stuck, *readers):  # the third reader without a reason: it just went
        hub.unregister(client)
    after = hub.stats()
    assert (after.clients, after.registered) == (0, 4)
    assert (after.sent, after.dropped, after.refused) == (before.sent, before.dropped, 0)
    assert after.ended == {"too slow": 1, "gone": 3}


def test_dead_client_is_no_concern_of_others(hub: Hub) -> None:
    """A peer found dead in the middle of a fan-out ends alone; those before and after it get the frame."""

    def reset(frame: bytes) -> int:
        raise BrokenPipeError

    before, dead, after = Reader(), Client(reset), Reader()
    for client in (before, dead, after):
        hub.register(client)
    hub.broadcast(b"<1>")
    fan_out_all(hub)
    assert before.frames == after.frames == [b"<1>"]
    assert dead.end is End.GONE


def test_hundred_stuck_cost_a_healthy_client_nothing(hub: Hub) -> None:
    """With a hundred stuck before it, a healthy client gets the next frames before any of their graces is over."""
    stuck = [Stuck() for _ in range(100)]
    stick(hub, stuck)
    healthy = Reader()
    hub.register(healthy)
    frames = [numbered(n) for n in range(100, 110)]
    for frame in frames:
        hub.broadcast(frame)
    fan_out_all(hub)
    assert healthy.frames == frames
    assert all(client.in_grace for client in stuck)


def test_all_fall_behind_in_one_fan_out(hub: Hub) -> None:
    """The frame that makes a hundred clients stragglers reaches the last client in that same fan-out."""
    stuck = [Stuck() for _ in range(100)]
    for client in stuck:
        hub.register(client)
    healthy = Reader()
    hub.register(healthy)
    frames = [numbered(n) for n in range(QUEUE_FRAMES + 1)]
    for frame in frames:
        hub.broadcast(frame)
    healthy.wait_for(frames[-1])
    fan_out_all(hub)
    assert healthy.frames == frames
    assert all(client.in_grace and not client.dropped for client in stuck)


def test_newer_frames_are_dropped_during_a_grace(hub: Hub) -> None:
    """While one frame of a client waits in its grace, newer ones are dropped at once, and that one goes on waiting."""
    client = Stuck()
    stick(hub, [client])
    for n in range(4):
        hub.broadcast(numbered(n))
    client.wait_for_drops(4)
    assert client.in_grace


def test_recovered_client_sees_order_and_one_hole(hub: Hub) -> None:
    """A client that reads again gets what waited, the frame of its grace, and the newest; the hole is its drops."""
    client, others = Stuck(), [Stuck() for _ in range(99)]
    stick(hub, [client, *others])
    for n in range(17, 30):
        hub.broadcast(numbered(n))
    client.wait_for_drops(13)
    got = [client.take(0)]
    client.done(1)
    assert client.left_grace.wait(WAIT_SECONDS)
    got.append(client.take(0))
    client.done(1)
    hub.broadcast(numbered(30))
    fan_out_all(hub)
    while not client.queue.empty():
        got.append(client.take(0))
        client.done(1)
    assert got == [numbered(n) for n in (*range(17), 30)]
    assert (client.sent, client.dropped) == (18, 13)
    assert all(other.in_grace for other in others)


def test_handoff_with_one_of_hundred_stalled(make_hub: Callable[..., Hub]) -> None:
    """All of 1000 broadcasts are accepted; 99 clients get all in order, the stalled one 16, and 984 are its drops."""
    hub = make_hub(0.01)
    readers, stalled = [Reader() for _ in range(99)], Stuck()
    for client in (*readers[:50], stalled, *readers[50:]):
        hub.register(client)
    frames = [numbered(n) for n in range(1000)]
    accepted = [hub.broadcast(frame) for frame in frames]
    assert accepted.count(True) == 1000
    for reader in readers:
        reader.wait_for(frames[-1])
        assert reader.frames == frames
    stalled.wait_for_drops(984)
    assert list(stalled.queue.queue) == frames[:QUEUE_FRAMES]
    assert hub.stats().dropped == 984


def test_slow_client_with_its_pump(make_hub: Callable[..., Hub]) -> None:
    """A client that stalls and then reads, through its real pump: in order, no doubles, and the rest are its drops."""
    hub = make_hub(0.01)
    got: list[bytes] = []
    readable = threading.Event()

    def send(data: bytes, deadline: float) -> None:
        assert readable.wait(WAIT_SECONDS)
        got.append(data)

    client = Client(lambda _: 0)
    pump = threads.start("ts-test-write", write_pump, client, send)
    hub.register(client)
    healthy = Reader()
    hub.register(healthy)
    frames = [numbered(n) for n in range(200)]
    for frame in frames[:100]:
        hub.broadcast(frame)
    healthy.wait_for(frames[99])
    readable.set()
    for frame in frames[100:]:
        hub.broadcast(frame)
    fan_out_all(hub)
    client.queue.join()  # all that waited has been written
    hub.close(timeout=WAIT_SECONDS)  # no grace after this
    pump.join(WAIT_SECONDS)
    got = [frame for frame in got if frame]
    assert healthy.frames == frames
    assert got[:QUEUE_FRAMES] == frames[:QUEUE_FRAMES]
    assert got == sorted(set(got), key=frames.index)
    assert client.dropped >= 100 - 2 * QUEUE_FRAMES


def test_close_ends_all_with_the_reason(hub: Hub) -> None:
    """Closing fans out what was accepted, ends every client for the reason given, full ones too, and stops."""
    reader, stuck, gone = Reader(), Stuck(), Reader()
    stick(hub, [stuck])
    hub.register(reader)
    hub.register(gone)
    gone.close(End.SILENT)
    hub.broadcast(b"last")
    hub.close(End.POLICY, timeout=WAIT_SECONDS)
    assert reader.frames == [b"last"]
    assert (reader.end, stuck.end, gone.end) == (End.POLICY, End.POLICY, End.SILENT)
    assert set(hub.clients()) == {reader, stuck, gone}  # until their owners have let them go
    assert not {"ts-hub", "ts-grace"} & {thread.name for thread in threading.enumerate()}


def test_close_is_idempotent(hub: Hub) -> None:
    """A second close changes no reason and does not wait for anything."""
    client = Reader()
    hub.register(client)
    hub.close(timeout=WAIT_SECONDS)
    hub.close(End.CRASHED, timeout=WAIT_SECONDS)
    assert client.end is End.GOING_AWAY


def test_close_with_the_hub_thread_held_up(hub: Hub) -> None:
    """A hub whose thread does not come back is closed all the same once the timeout is over."""
    client = Reader()
    hub.register(client)
    with hub_thread_busy(hub):
        hub.close(timeout=0.01)
        assert client.end is End.GOING_AWAY


def test_after_close_nothing_comes_in(hub: Hub) -> None:
    """A closed hub refuses frames and counts them, and a client that comes late is ended at once."""
    hub.close(timeout=WAIT_SECONDS)
    late = Reader()
    assert not hub.register(late)
    assert late.end is End.GOING_AWAY
    assert not hub.broadcast(b"late")
    stats = hub.stats()
    assert (stats.clients, stats.registered, stats.refused) == (0, 0, 1)
    hub.unregister(late)


def test_moves_tells_a_busy_hub_from_a_stuck_one(hub: Hub) -> None:
    """A hub that is held up in a client does not move; one that goes on, though not as far as the probe, does."""
    assert hub.moves(WAIT_SECONDS)
    let_go = threading.Event()

    def hold(frame: bytes) -> int:
        assert let_go.wait(WAIT_SECONDS)
        return len(frame)

    second = Client(hold, topic="second")
    hub.register(second)
    with ThreadPoolExecutor() as pool:
        with hub_thread_busy(hub):
            assert not hub.moves(0.01)
            hub.broadcast(b"held again", "second")
            asked = pool.submit(hub.moves, 0.5)
            assert eventually(lambda: hub._inbox.qsize() == 3)  # two probes and the frame
        assert asked.result(WAIT_SECONDS)
        assert not hub.moves(0.01)
        let_go.set()
    assert hub.moves(WAIT_SECONDS)


def test_crash_of_the_hub_thread_is_told() -> None:
    """A send that raises what no send may raise ends ts-hub, and whoever answers for the whole is told which error."""
    told: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    hub = Hub(on_crash=told.put)

    def broken(frame: bytes) -> int:
        raise LookupError("no such luck")

    client = Client(broken)
    hub.register(client)
    hub.broadcast(b"<1>")
    assert isinstance(told.get(timeout=WAIT_SECONDS), LookupError)
    hub.close(End.CRASHED, timeout=WAIT_SECONDS)
    assert client.end is End.CRASHED


@pytest.mark.parametrize("thread", ["ts-hub", "ts-grace"])
def test_close_from_the_crash_itself(thread: str) -> None:
    """Whoever is told of a crash, on the thread that crashed, may close the hub there and then."""
    closed_on: queue.SimpleQueue[str] = queue.SimpleQueue()

    class Broken(Client):
        def offer(self, frame: bytes) -> bool:
            if thread == "ts-hub":
                raise LookupError("no such luck")
            return False

        def end_grace(self, frame: bytes, *, last: bool) -> bool:
            raise LookupError("no such luck")

    def on_crash(error: BaseException) -> None:
        broken_hub.close(End.CRASHED, timeout=WAIT_SECONDS)
        closed_on.put(threading.current_thread().name)

    broken_hub = Hub(on_crash=on_crash)
    client = Broken(len)
    broken_hub.register(client)
    broken_hub.broadcast(b"<1>")
    assert closed_on.get(timeout=WAIT_SECONDS) == thread
    assert client.end is End.CRASHED


def test_repr_shows_the_counts(hub: Hub) -> None:
    """The text of a hub says how many clients it has and what became of their frames."""
    assert repr(hub) == "<Hub clients=0 sent=0 dropped=0 refused=0>"
    reader = Reader()
    hub.register(reader)
    hub.broadcast(b"<1>")
    reader.wait_for(b"<1>")
    reader.drop()
    hub.close(timeout=WAIT_SECONDS)
    hub.broadcast(b"<2>")
    assert repr(hub) == "<Hub clients=1 sent=1 dropped=1 refused=1>"


class Crowd:
    """Sixteen threads that do as they like with one hub, and keep book of what each client must have got."""

    THREADS = 16
    OPERATIONS = 10_000

    def __init__(self, hub: Hub, *, close_after: int | None = None) -> None:
        self.hub = hub
        self.close_after = close_after  # each thread closes the hub after so many of its operations
        # Off together, in rounds that do not fill the inbox: nothing is refused until the hub is closed.
        self.together = threading.Barrier(self.THREADS, action=self._next_round)
        self.rounds = 0
        self.errors: list[BaseException] = []
        self.staying: list[Reader] = []
        self.left: list[Reader] = []
        self.turned_away: list[Reader] = []
        # For each client what the thread that owns it broadcast while it was in: the least that it must get.
        self.due: dict[Reader, list[bytes]] = {}

    def run(self) -> None:
        crowd = [
            threads.start(f"ts-test-{n}", self._act, n, on_crash=self.errors.append)
            for n in range(self.THREADS)
        ]
        for thread in crowd:
            thread.join(WAIT_SECONDS)
        assert not any(thread.is_alive() for thread in crowd)
        assert self.errors == []

    def _next_round(self) -> None:
        self.rounds += 1
        if self.close_after is None:
            fan_out_all(self.hub)

    def _act(self, who: int) -> None:
        dice = random.Random(who)
        mine: list[Reader] = []
        for n in range(self.OPERATIONS // self.THREADS):
            if n % 125 == 0:
                self.together.wait(WAIT_SECONDS)
            if n == self.close_after:
                self.hub.close(timeout=WAIT_SECONDS)
            act = dice.choice((self._register, self._unregister, self._broadcast))
            act(mine, numbered(who * self.OPERATIONS + n), dice)
        self.staying += mine

    def _register(self, mine: list[Reader], frame: bytes, dice: random.Random) -> None:
        client = Reader(topic=dice.choice(("cpu", "memory")))
        self.due[client] = []
        if self.hub.register(client):
            mine.append(client)
        else:
            self.turned_away.append(client)

    def _unregister(self, mine: list[Reader], frame: bytes, dice: random.Random) -> None:
        if not mine:
            return
        client = mine.pop(dice.randrange(len(mine)))
        if dice.random() < 0.5:
            client.close(End.SILENT)
        self.hub.unregister(client)
        self.hub.unregister(client)
        self.left.append(client)

    def _broadcast(self, mine: list[Reader], frame: bytes, dice: random.Random) -> None:
        topic = dice.choice(("cpu", "memory"))
        if self.hub.broadcast(frame, topic):
            for client in mine:
                if client.topic == topic:
                    self.due[client].append(frame)


def is_subsequence(part: list[bytes], whole: list[bytes]) -> bool:
    """Whether ``whole`` holds all of ``part`` in its order."""
    rest = iter(whole)
    return all(item in rest for item in part)


def test_sixteen_threads_at_once(hub: Hub) -> None:
    """10,000 operations at once: no error, no client lost or doubled, all get what they must in one common order."""
    crowd = Crowd(hub)
    crowd.run()
    fan_out_all(hub)
    for client in crowd.staying:
        assert is_subsequence(crowd.due[client], client.frames)
    for first, second in itertools.pairwise(c for c in crowd.staying if c.topic == "cpu"):
        shared = set(first.frames) & set(second.frames)
        assert [f for f in first.frames if f in shared] == [f for f in second.frames if f in shared]
    assert all(len(client.frames) == len(set(client.frames)) for client in crowd.due)

    assert set(hub.clients()) == set(crowd.staying)
    stats = hub.stats()
    assert stats.clients == len(crowd.staying)
    markers = crowd.rounds + 1  # of fan_out_all
    assert stats.registered == len(crowd.staying) + len(crowd.left) + markers
    assert sum(stats.ended.values()) == len(crowd.left) + markers
    assert (stats.refused, stats.dropped) == (0, 0)
    for client in crowd.staying:
        hub.unregister(client)
    assert (hub.clients(), hub.topics()) == ((), ())


def test_sixteen_threads_and_close(hub: Hub) -> None:
    """The same with all of them closing the hub halfway: everybody is ended, and nobody who came late is in."""
    crowd = Crowd(hub, close_after=300)
    crowd.run()
    assert set(hub.clients()) == set(crowd.staying)
    assert all(client.end is End.GOING_AWAY for client in crowd.staying)
    assert crowd.turned_away
    assert all(client.end is End.GOING_AWAY for client in crowd.turned_away)
    assert all(client.frames == [] for client in crowd.turned_away)
    stats = hub.stats()
    assert stats.registered == len(crowd.staying) + len(crowd.left)
    assert stats.refused > 0
    assert not {"ts-hub", "ts-grace"} & {thread.name for thread in threading.enumerate()}
